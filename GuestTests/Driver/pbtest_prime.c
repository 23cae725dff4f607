// SPDX-License-Identifier: GPL-2.0
/* Sharing: dma-bufs of own buffers, and imports of others. */

#include <linux/delay.h>
#include <linux/dma-buf.h>
#include <linux/mm.h>
#include <linux/scatterlist.h>
#include <linux/sched.h>

#include <drm/drm_drv.h>
#include <drm/drm_prime.h>
#include <drm/drm_vma_manager.h>

#include "pbtest.h"
#include "pbtest_kernel.h"

/*
 * An importer's scatter list keeps the pages that it names: the buffer may have
 * moved since. A real driver would pin the buffer instead, and could then not
 * move what is shared, which is what the tests are about; they never look at
 * the memory by way of the device.
 */
static struct sg_table *pbtest_map_dma_buf(struct dma_buf_attachment *attach,
					   enum dma_data_direction dir)
{
	struct drm_gem_object *obj = attach->dmabuf->priv;
	struct pbtest_bo *bo = to_pbtest_bo(obj);
	struct sg_page_iter iter;
	struct sg_table *sgt;

	if (bo->flags & PBTEST_BO_SLOW_MAP)
		msleep(PBTEST_SLOW_MAP_MS);

	mutex_lock(&bo->pages_lock);
	sgt = drm_gem_map_dma_buf(attach, dir);
	if (!IS_ERR(sgt))
		for_each_sgtable_page(sgt, &iter, 0)
			get_page(sg_page_iter_page(&iter));
	mutex_unlock(&bo->pages_lock);
	return sgt;
}

static void pbtest_unmap_dma_buf(struct dma_buf_attachment *attach,
				 struct sg_table *sgt,
				 enum dma_data_direction dir)
{
	struct sg_page_iter iter;

	for_each_sgtable_page(sgt, &iter, 0)
		put_page(sg_page_iter_page(&iter));
	drm_gem_unmap_dma_buf(attach, sgt, dir);
}

static const struct dma_buf_ops pbtest_dmabuf_ops = {
	.cache_sgt_mapping = true,
	.attach = drm_gem_map_attach,
	.detach = drm_gem_map_detach,
	.map_dma_buf = pbtest_map_dma_buf,
	.unmap_dma_buf = pbtest_unmap_dma_buf,
	.release = drm_gem_dmabuf_release,
	.mmap = pbtest_dmabuf_mmap,
};

static const struct dma_buf_ops pbtest_dmabuf_ops_without_mmap = {
	.cache_sgt_mapping = true,
	.attach = drm_gem_map_attach,
	.detach = drm_gem_map_detach,
	.map_dma_buf = pbtest_map_dma_buf,
	.unmap_dma_buf = pbtest_unmap_dma_buf,
	.release = drm_gem_dmabuf_release,
};

/* &drm_gem_object_funcs.export */
struct dma_buf *pbtest_prime_export(struct drm_gem_object *obj, int flags)
{
	struct pbtest_bo *bo = to_pbtest_bo(obj);
	struct dma_buf_export_info info = {
		.exp_name = KBUILD_MODNAME,
		.owner = obj->dev->driver->fops->owner,
		.ops = bo->flags & PBTEST_BO_NO_DMABUF_MMAP ?
			       &pbtest_dmabuf_ops_without_mmap :
			       &pbtest_dmabuf_ops,
		.size = obj->size,
		.flags = flags,
		.priv = obj,
		.resv = obj->resv,
	};

	return drm_gem_dmabuf_export(obj->dev, &info);
}

/* &drm_driver.gem_prime_import */
struct drm_gem_object *pbtest_prime_import(struct drm_device *drm,
					   struct dma_buf *dmabuf)
{
	struct pbtest_device *pbtest = to_pbtest(drm);
	bool foreign = READ_ONCE(pbtest->importer) == current &&
		       (pbtest->import_flags & PBTEST_IMPORT_FOREIGN);

	if (!foreign && (dmabuf->ops == &pbtest_dmabuf_ops ||
			 dmabuf->ops == &pbtest_dmabuf_ops_without_mmap)) {
		struct drm_gem_object *obj = dmabuf->priv;

		if (obj->dev == drm) {
			drm_gem_object_get(obj);
			return obj;
		}
	}

	return drm_gem_prime_import(drm, dmabuf);
}

/* &drm_driver.gem_prime_import_sg_table */
struct drm_gem_object *
pbtest_prime_import_sg_table(struct drm_device *drm,
			     struct dma_buf_attachment *attach,
			     struct sg_table *sgt)
{
	struct pbtest_device *pbtest = to_pbtest(drm);
	u64 size = PAGE_ALIGN(attach->dmabuf->size);
	struct pbtest_bo *bo;
	u32 flags = 0;

	if (READ_ONCE(pbtest->importer) == current) {
		flags = pbtest->import_flags;
		size += pbtest->import_extra;
	}

	bo = pbtest_bo_create_imported(drm, size, flags, sgt);
	return IS_ERR(bo) ? ERR_CAST(bo) : &bo->base;
}

int pbtest_import_ioctl(struct drm_device *drm, void *data,
			struct drm_file *file)
{
	struct pbtest_device *pbtest = to_pbtest(drm);
	struct pbtest_import *args = data;
	struct drm_gem_object *obj;
	int ret;

	if (args->pad || args->flags & ~PBTEST_IMPORT_FOREIGN ||
	    !PAGE_ALIGNED(args->extra) || args->extra > PBTEST_MAX_SIZE)
		return -EINVAL;

	ret = mutex_lock_interruptible(&pbtest->import_lock);
	if (ret)
		return ret;
	pbtest->import_flags = args->flags;
	pbtest->import_extra = args->extra;
	WRITE_ONCE(pbtest->importer, current);

	ret = drm_gem_prime_fd_to_handle(drm, file, args->fd, &args->handle);

	WRITE_ONCE(pbtest->importer, NULL);
	mutex_unlock(&pbtest->import_lock);
	if (ret)
		return ret;

	/* Another thread may have closed the handle by now. */
	obj = drm_gem_object_lookup(file, args->handle);
	if (!obj)
		return -ENOENT;
	args->offset = drm_vma_node_offset_addr(&obj->vma_node);
	args->size = obj->size;
	drm_gem_object_put(obj);
	return 0;
}
