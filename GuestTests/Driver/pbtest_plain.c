// SPDX-License-Identifier: GPL-2.0-only
/* /dev/pbtest-plain: forwards mappings without GEM in between. */

#include <linux/dma-buf.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <drm/drm_vma_manager.h>

#include "pbtest.h"
#include "pbtest_kernel.h"

/* The target of the next mmap of a file: one of the two, or neither. */
struct pbtest_next {
	struct dma_buf *dmabuf;
	struct drm_gem_object *obj;
};

static int pbtest_plain_open(struct inode *inode, struct file *file)
{
	file->private_data = NULL;
	return 0;
}

static void pbtest_plain_put(struct pbtest_next *next)
{
	if (!next)
		return;
	if (next->dmabuf)
		dma_buf_put(next->dmabuf);
	if (next->obj)
		drm_gem_object_put(next->obj);
	kfree(next);
}

static int pbtest_plain_release(struct inode *inode, struct file *file)
{
	pbtest_plain_put(file->private_data);
	return 0;
}

static long pbtest_plain_object(struct pbtest_next *next, unsigned long arg)
{
	struct pbtest_plain_object args;
	struct pbtest_bo *bo;
	struct file *file;
	long ret = 0;

	if (copy_from_user(&args, (void __user *)arg, sizeof(args)))
		return -EFAULT;

	file = pbtest_drm_file(args.fd);
	if (IS_ERR(file))
		return PTR_ERR(file);

	bo = pbtest_bo_lookup(file->private_data, args.handle);
	if (!bo) {
		ret = -ENOENT;
	} else if (!pbtest_is_ours(&bo->base) || pbtest_bo_is_imported(bo)) {
		drm_gem_object_put(&bo->base);
		ret = -EINVAL;
	} else {
		next->obj = &bo->base;
	}
	fput(file);
	return ret;
}

static long pbtest_plain_dmabuf(struct pbtest_next *next, unsigned long arg)
{
	struct pbtest_plain args;
	struct dma_buf *dmabuf;

	if (copy_from_user(&args, (void __user *)arg, sizeof(args)))
		return -EFAULT;
	if (args.pad)
		return -EINVAL;

	dmabuf = dma_buf_get(args.fd);
	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);
	next->dmabuf = dmabuf;
	return 0;
}

static long pbtest_plain_ioctl(struct file *file, unsigned int cmd,
			       unsigned long arg)
{
	struct pbtest_next *next;
	long ret;

	if (cmd != PBTEST_PLAIN_FORWARD && cmd != PBTEST_PLAIN_OBJECT)
		return -ENOTTY;

	next = kzalloc(sizeof(*next), GFP_KERNEL);
	if (!next)
		return -ENOMEM;

	if (cmd == PBTEST_PLAIN_FORWARD)
		ret = pbtest_plain_dmabuf(next, arg);
	else
		ret = pbtest_plain_object(next, arg);
	if (!ret)
		next = xchg(&file->private_data, next);
	pbtest_plain_put(next);
	return ret;
}

static int pbtest_plain_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct pbtest_next *next = xchg(&file->private_data, NULL);
	int ret = 0;

	if (!next) {
		pbtest_add_vm_flags(vma, VM_DONTCOPY);
		return 0;
	}

	if (next->dmabuf) {
		ret = dma_buf_mmap(next->dmabuf, vma, vma->vm_pgoff);
	} else {
		vma->vm_pgoff += drm_vma_node_start(&next->obj->vma_node);
		ret = drm_gem_mmap_obj(next->obj, next->obj->size, vma);
	}
	pbtest_plain_put(next);
	return ret;
}

static const struct file_operations pbtest_plain_fops = {
	.owner = THIS_MODULE,
	.open = pbtest_plain_open,
	.release = pbtest_plain_release,
	.unlocked_ioctl = pbtest_plain_ioctl,
	.mmap = pbtest_plain_mmap,
};

struct miscdevice pbtest_plain_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "pbtest-plain",
	.fops = &pbtest_plain_fops,
	.mode = 0666,
};
