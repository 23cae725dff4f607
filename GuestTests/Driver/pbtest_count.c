// SPDX-License-Identifier: GPL-2.0-only
/* DRM's counts for files, devices and dma-bufs, and who may map an object. */

#include <linux/dma-buf.h>
#include <linux/dma-resv.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/idr.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pfn.h>
#include <linux/rbtree.h>
#if IS_ENABLED(CONFIG_VIRTIO_DMA_SHARED_BUFFER)
#include <linux/virtio_dma_buf.h>
#endif

#include <drm/drm_device.h>
#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_gem.h>
#include <drm/drm_mm.h>
#include <drm/drm_vma_manager.h>

#include "pbtest.h"

/* Counts the clients that may map an object, and how often they were allowed to. */
void pbtest_count_allowed(struct drm_gem_object *obj,
			  struct pbtest_object *args)
{
	struct drm_vma_offset_node *node = &obj->vma_node;
	struct drm_vma_offset_file *entry;
	struct rb_node *rb;

	read_lock(&node->vm_lock);
	for (rb = rb_first(&node->vm_files); rb; rb = rb_next(rb)) {
		entry = rb_entry(rb, struct drm_vma_offset_file, vm_rb);
		args->allowed++;
		args->allowances += entry->vm_count;
	}
	read_unlock(&node->vm_lock);
}

static u64 pbtest_count_tree(const struct rb_root *root)
{
	struct rb_node *rb;
	u64 count = 0;

	for (rb = rb_first(root); rb; rb = rb_next(rb))
		count++;
	return count;
}

static u64 pbtest_module_count(struct module *module)
{
#ifdef CONFIG_MODULE_UNLOAD
	return module ? module_refcount(module) : 0;
#else
	return 0;
#endif
}

int pbtest_query_client(struct pbtest_client *args)
{
	struct drm_vma_offset_manager *manager;
	struct drm_gem_object *obj;
	struct drm_mm_node *node;
	struct drm_file *priv;
	struct file *file;
	int id;

	file = pbtest_drm_file(args->fd);
	if (IS_ERR(file))
		return PTR_ERR(file);
	priv = file->private_data;

	spin_lock(&priv->table_lock);
	idr_for_each_entry(&priv->object_idr, obj, id)
		args->handles++;
	spin_unlock(&priv->table_lock);

	mutex_lock(&priv->prime.lock);
	args->dmabufs = pbtest_count_tree(&priv->prime.dmabufs);
	args->dmabuf_handles = pbtest_count_tree(&priv->prime.handles);
	mutex_unlock(&priv->prime.lock);

	manager = priv->minor->dev->vma_offset_manager;
	drm_vma_offset_lock_lookup(manager);
	drm_mm_for_each_node(node, &manager->vm_addr_space_mm)
		args->objects++;
	drm_vma_offset_unlock_lookup(manager);

	args->device_count = kref_read(&priv->minor->dev->ref);
	args->module_count =
		pbtest_module_count(priv->minor->dev->driver->fops->owner);
	fput(file);
	return 0;
}

int pbtest_query_dmabuf(struct pbtest_dmabuf *args)
{
	struct dma_buf *dmabuf = dma_buf_get(args->fd);
	struct list_head *entry;

	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);

	/* Report whether the lock is held, without waiting for it. */
	args->locked = !dma_resv_trylock(dmabuf->resv);
	if (!args->locked) {
		list_for_each(entry, &dmabuf->attachments)
			args->attachments++;
		args->vmaps = dmabuf->vmapping_counter;
		args->busy = !dma_resv_test_signaled(dmabuf->resv,
						     DMA_RESV_USAGE_KERNEL);
		dma_resv_unlock(dmabuf->resv);
	}

	dma_buf_put(dmabuf);
	return 0;
}

int pbtest_query_lookup(struct pbtest_lookup *args)
{
	struct drm_vma_offset_manager *manager;
	struct drm_vma_offset_node *node;
	struct drm_file *priv;
	struct file *file;

	file = pbtest_drm_file(args->fd);
	if (IS_ERR(file))
		return PTR_ERR(file);
	priv = file->private_data;

	manager = priv->minor->dev->vma_offset_manager;
	drm_vma_offset_lock_lookup(manager);
	node = drm_vma_offset_lookup_locked(manager, args->start, args->pages);
	if (node) {
		args->found_start = drm_vma_node_start(node);
		args->found_pages = drm_vma_node_size(node);
	}
	drm_vma_offset_unlock_lookup(manager);

	fput(file);
	return node ? 0 : -ENOENT;
}

int pbtest_query_uuid(struct pbtest_uuid *args)
{
#if IS_ENABLED(CONFIG_VIRTIO_DMA_SHARED_BUFFER)
	struct dma_buf *dmabuf = dma_buf_get(args->fd);
	uuid_t uuid;
	int ret;

	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);

	ret = virtio_dma_buf_get_uuid(dmabuf, &uuid);
	if (!ret)
		export_uuid(args->uuid, &uuid);
	dma_buf_put(dmabuf);
	return ret;
#else
	return -ENOTTY;
#endif
}

int pbtest_query_allow(struct pbtest_allow *args)
{
	struct file *file = pbtest_drm_file(args->fd);
	struct drm_gem_object *obj;
	struct file *other;
	int ret = 0;

	if (IS_ERR(file))
		return PTR_ERR(file);
	other = pbtest_drm_file(args->other);
	if (IS_ERR(other)) {
		ret = PTR_ERR(other);
		goto out_file;
	}
	obj = drm_gem_object_lookup(file->private_data, args->handle);
	if (!obj) {
		ret = -ENOENT;
		goto out_other;
	}

	switch (args->how) {
	case PBTEST_ALLOW_ONCE:
#ifdef PBTEST_HAS_ALLOW_ONCE
		ret = drm_vma_node_allow_once(&obj->vma_node,
					      other->private_data);
#else
		ret = -ENOTTY;
#endif
		break;
	case PBTEST_ALLOW_REVOKE:
		drm_vma_node_revoke(&obj->vma_node, other->private_data);
		break;
	default:
		ret = -EINVAL;
	}

	drm_gem_object_put(obj);
out_other:
	fput(other);
out_file:
	fput(file);
	return ret;
}

int pbtest_query_page(struct pbtest_page *args)
{
#ifdef CONFIG_X86
	unsigned long mask = _PAGE_CACHE_MASK;
	unsigned int level;
	pte_t *pte;

	if (!pfn_valid(args->pfn))
		return -EFAULT;
	pte = lookup_address((unsigned long)__va(PFN_PHYS(args->pfn)), &level);
	if (!pte)
		return -EFAULT;
	if (level != PG_LEVEL_4K)
		mask = _PAGE_LARGE_CACHE_MASK;
	/* Write-back is the type without any bit set. */
	args->cached = !(pte_val(*pte) & mask);
	return 0;
#else
	return -ENOTTY;
#endif
}
