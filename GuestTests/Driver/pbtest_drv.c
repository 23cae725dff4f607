// SPDX-License-Identifier: GPL-2.0-only
/*
 * pbtest, patchbench's DRM test driver: its buffers are shared, forwarded and
 * moved like those in VRAM, without the hardware, and fail on demand. Only for
 * guests that test a kernel and are then discarded: it discloses kernel
 * internals to every caller.
 */

#include <linux/dma-mapping.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/platform_device.h>

#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_gem.h>
#include <drm/drm_ioctl.h>
#include <drm/drm_managed.h>

#include "pbtest.h"
#include "pbtest_kernel.h"

#define PBTEST_MAX_DEVICES 8

static unsigned int devices = 2;
module_param(devices, uint, 0444);
MODULE_PARM_DESC(devices, "Number of DRM devices, 1 to 8");

static struct platform_device *pbtest_platform_devices[PBTEST_MAX_DEVICES];

static const struct drm_ioctl_desc pbtest_ioctls[] = {
	DRM_IOCTL_DEF_DRV(PBTEST_CREATE, pbtest_create_ioctl, DRM_RENDER_ALLOW),
	DRM_IOCTL_DEF_DRV(PBTEST_MOVE, pbtest_move_ioctl, DRM_RENDER_ALLOW),
	DRM_IOCTL_DEF_DRV(PBTEST_IMPORT, pbtest_import_ioctl, DRM_RENDER_ALLOW),
	DRM_IOCTL_DEF_DRV(PBTEST_FORWARD, pbtest_forward_ioctl,
			  DRM_RENDER_ALLOW),
	DRM_IOCTL_DEF_DRV(PBTEST_FAIL, pbtest_fail_ioctl, DRM_RENDER_ALLOW),
	DRM_IOCTL_DEF_DRV(PBTEST_HOLD, pbtest_hold_ioctl, DRM_RENDER_ALLOW),
	DRM_IOCTL_DEF_DRV(PBTEST_PEEK, pbtest_peek_ioctl, DRM_RENDER_ALLOW),
	DRM_IOCTL_DEF_DRV(PBTEST_BUSY, pbtest_busy_ioctl, DRM_RENDER_ALLOW),
	DRM_IOCTL_DEF_DRV(PBTEST_REMAP, pbtest_remap_ioctl, DRM_RENDER_ALLOW),
};

DEFINE_DRM_GEM_FOPS(pbtest_gem_fops);

/* The same except for mmap; completed like the driver. */
static struct file_operations pbtest_fops;

/* Completed when the module is loaded, and not changed after that. */
static struct drm_driver pbtest_driver = {
	.driver_features = DRIVER_GEM | DRIVER_RENDER,
	.name = "pbtest",
	.desc = "patchbench's test driver",
	.major = 1,
	.fops = &pbtest_fops,
	.ioctls = pbtest_ioctls,
	.num_ioctls = ARRAY_SIZE(pbtest_ioctls),
	.dumb_create = pbtest_dumb_create,
	.gem_prime_import = pbtest_prime_import,
	.gem_prime_import_sg_table = pbtest_prime_import_sg_table,
};

bool pbtest_is_ours(const struct drm_gem_object *obj)
{
	return obj->dev->driver == &pbtest_driver;
}

static void pbtest_unplug(void *data)
{
	struct pbtest_device *pbtest = data;

	drm_dev_unplug(&pbtest->drm);
}

static int pbtest_probe(struct platform_device *pdev)
{
	struct pbtest_device *pbtest;
	int ret;

	pbtest = devm_drm_dev_alloc(&pdev->dev, &pbtest_driver,
				    struct pbtest_device, drm);
	if (IS_ERR(pbtest))
		return PTR_ERR(pbtest);

	ret = drmm_mutex_init(&pbtest->drm, &pbtest->import_lock);
	if (ret)
		return ret;

	/* So that it can import from any. */
	ret = dma_coerce_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	if (ret)
		return ret;

	ret = drm_dev_register(&pbtest->drm, 0);
	if (ret)
		return ret;

	/* Instead of remove(), whose return type depends on the kernel. */
	return devm_add_action_or_reset(&pdev->dev, pbtest_unplug, pbtest);
}

static struct platform_driver pbtest_platform_driver = {
	.driver = {
		.name = "pbtest",
	},
	.probe = pbtest_probe,
};

static void pbtest_remove_devices(void)
{
	unsigned int i;

	for (i = 0; i < devices; i++) {
		platform_device_unregister(pbtest_platform_devices[i]);
		pbtest_platform_devices[i] = NULL;
	}
}

static int __init pbtest_init(void)
{
	unsigned int i;
	int ret;

	if (devices < 1 || devices > PBTEST_MAX_DEVICES)
		return -EINVAL;

	pbtest_complete_driver(&pbtest_driver);
	pbtest_fops = pbtest_gem_fops;
	pbtest_fops.mmap = pbtest_fops_mmap;

	ret = platform_driver_register(&pbtest_platform_driver);
	if (ret)
		return ret;

	for (i = 0; i < devices; i++) {
		struct platform_device *pdev;

		pdev = platform_device_register_simple("pbtest", i, NULL, 0);
		if (IS_ERR(pdev)) {
			ret = PTR_ERR(pdev);
			goto err_devices;
		}
		pbtest_platform_devices[i] = pdev;
	}

	ret = misc_register(&pbtest_query_device);
	if (ret)
		goto err_devices;
	ret = misc_register(&pbtest_plain_device);
	if (ret)
		goto err_query;
	return 0;

err_query:
	misc_deregister(&pbtest_query_device);
err_devices:
	pbtest_remove_devices();
	platform_driver_unregister(&pbtest_platform_driver);
	return ret;
}

static void __exit pbtest_exit(void)
{
	misc_deregister(&pbtest_plain_device);
	misc_deregister(&pbtest_query_device);
	pbtest_remove_devices();
	platform_driver_unregister(&pbtest_platform_driver);
	pbtest_fences_drain();
}

module_init(pbtest_init);
module_exit(pbtest_exit);

MODULE_DESCRIPTION("patchbench's DRM test driver");
MODULE_LICENSE("GPL");
PBTEST_IMPORT_NS(DMA_BUF);
