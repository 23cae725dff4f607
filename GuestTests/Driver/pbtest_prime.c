// SPDX-License-Identifier: GPL-2.0-only
/* Sharing: dma-bufs of own buffers, and imports of foreign ones. */

#include <linux/delay.h>
#include <linux/dma-buf.h>
#include <linux/iosys-map.h>
#include <linux/mm.h>
#include <linux/scatterlist.h>
#include <linux/sched.h>

#include <drm/drm_drv.h>
#include <drm/drm_prime.h>
#include <drm/drm_vma_manager.h>

#include "pbtest.h"
#include "pbtest_kernel.h"

static void pbtest_unmap_dma_buf(struct dma_buf_attachment *attach,
				 struct sg_table *sgt,
				 enum dma_data_direction dir)
{
	struct sg_page_iter iter;

	for_each_sgtable_page(sgt, &iter, 0)
		put_page(sg_page_iter_page(&iter));
	atomic_dec(&to_pbtest_bo(attach->dmabuf->priv)->maps);
	drm_gem_unmap_dma_buf(attach, sgt, dir);
}

/*
 * An importer's scatter list keeps its pages, even if the buffer has moved
 * since. A real driver would pin the buffer instead, and could then not move
 * shared buffers, which is what the tests are about. They never access the
 * memory through the device.
 */
static struct sg_table *pbtest_map_dma_buf(struct dma_buf_attachment *attach,
					   enum dma_data_direction dir)
{
	struct drm_gem_object *obj = attach->dmabuf->priv;
	struct pbtest_bo *bo = to_pbtest_bo(obj);
	struct sg_page_iter iter;
	struct sg_table *sgt;
	int ret;

	if (bo->flags & PBTEST_BO_SLOW_MAP)
		msleep(PBTEST_SLOW_MAP_MS);

	ret = pbtest_bo_reached(bo, PBTEST_FAIL_MAP);
	if (ret)
		return ERR_PTR(ret);

	mutex_lock(&bo->pages_lock);
	sgt = drm_gem_map_dma_buf(attach, dir);
	if (!IS_ERR(sgt))
		for_each_sgtable_page(sgt, &iter, 0)
			get_page(sg_page_iter_page(&iter));
	mutex_unlock(&bo->pages_lock);
	if (IS_ERR(sgt))
		return sgt;

	atomic_inc(&bo->maps);
	ret = pbtest_bo_reached(bo, PBTEST_FAIL_MAP_LATE);
	if (ret) {
		pbtest_unmap_dma_buf(attach, sgt, dir);
		return ERR_PTR(ret);
	}
	return sgt;
}

static int pbtest_attach(struct dma_buf *dmabuf,
			 struct dma_buf_attachment *attach)
{
	struct pbtest_bo *bo = to_pbtest_bo(dmabuf->priv);
	int ret;

	ret = pbtest_bo_reached(bo, PBTEST_FAIL_ATTACH);
	if (!ret)
		ret = drm_gem_map_attach(dmabuf, attach);
	if (ret)
		return ret;

	ret = pbtest_bo_reached(bo, PBTEST_FAIL_ATTACH_LATE);
	if (ret)
		drm_gem_map_detach(dmabuf, attach);
	return ret;
}

static int pbtest_begin_cpu_access(struct dma_buf *dmabuf,
				   enum dma_data_direction dir)
{
	return pbtest_bo_reached(to_pbtest_bo(dmabuf->priv),
				 PBTEST_FAIL_BEGIN_ACCESS);
}

static int pbtest_end_cpu_access(struct dma_buf *dmabuf,
				 enum dma_data_direction dir)
{
	return pbtest_bo_reached(to_pbtest_bo(dmabuf->priv),
				 PBTEST_FAIL_END_ACCESS);
}

#define PBTEST_DMABUF_OPS \
	.attach = pbtest_attach, \
	.detach = drm_gem_map_detach, \
	.map_dma_buf = pbtest_map_dma_buf, \
	.unmap_dma_buf = pbtest_unmap_dma_buf, \
	.release = drm_gem_dmabuf_release, \
	.begin_cpu_access = pbtest_begin_cpu_access, \
	.end_cpu_access = pbtest_end_cpu_access, \
	.vmap = drm_gem_dmabuf_vmap, \
	.vunmap = drm_gem_dmabuf_vunmap

static const struct dma_buf_ops pbtest_dmabuf_ops = {
	PBTEST_DMABUF_OPS,
	PBTEST_CACHE_SGT_MAPPING
	.mmap = pbtest_dmabuf_mmap,
};

static const struct dma_buf_ops pbtest_dmabuf_ops_without_mmap = {
	PBTEST_DMABUF_OPS,
	PBTEST_CACHE_SGT_MAPPING
};

static const struct dma_buf_ops pbtest_dmabuf_ops_without_cache = {
	PBTEST_DMABUF_OPS,
	.mmap = pbtest_dmabuf_mmap,
};

static const struct dma_buf_ops pbtest_dmabuf_ops_dynamic = {
	PBTEST_DMABUF_OPS,
	.pin = pbtest_dmabuf_pin,
	.unpin = pbtest_dmabuf_unpin,
	.mmap = pbtest_dmabuf_mmap,
};

/* With GEM's own callbacks, which check whether the object has a list of pages. */
static const struct dma_buf_ops pbtest_dmabuf_ops_bare = {
	.attach = drm_gem_map_attach,
	.detach = drm_gem_map_detach,
	.map_dma_buf = drm_gem_map_dma_buf,
	.unmap_dma_buf = drm_gem_unmap_dma_buf,
	.release = drm_gem_dmabuf_release,
	.mmap = drm_gem_dmabuf_mmap,
};

static const struct dma_buf_ops *pbtest_ops(const struct pbtest_bo *bo)
{
	if (bo->flags & PBTEST_BO_NO_DMABUF_MMAP)
		return &pbtest_dmabuf_ops_without_mmap;
	if (bo->flags & PBTEST_BO_NO_CACHED_MAP)
		return &pbtest_dmabuf_ops_without_cache;
	if (bo->flags & PBTEST_BO_DYNAMIC)
		return &pbtest_dmabuf_ops_dynamic;
	if (bo->flags & PBTEST_BO_BARE)
		return &pbtest_dmabuf_ops_bare;
	return &pbtest_dmabuf_ops;
}

/* &drm_gem_object_funcs.export */
struct dma_buf *pbtest_prime_export(struct drm_gem_object *obj, int flags)
{
	struct pbtest_bo *bo = to_pbtest_bo(obj);
	struct dma_buf_export_info info = {
		.exp_name = KBUILD_MODNAME,
		.owner = obj->dev->driver->fops->owner,
		.ops = pbtest_ops(bo),
		.size = obj->size,
		.flags = flags,
		.priv = obj,
		.resv = obj->resv,
	};
	struct dma_buf *dmabuf;
	int ret;

	ret = pbtest_bo_reached(bo, PBTEST_FAIL_EXPORT);
	if (ret)
		return ERR_PTR(ret);

	dmabuf = drm_gem_dmabuf_export(obj->dev, &info);
	if (IS_ERR(dmabuf))
		return dmabuf;

	ret = pbtest_bo_reached(bo, PBTEST_FAIL_EXPORT_LATE);
	if (ret) {
		dma_buf_put(dmabuf);
		return ERR_PTR(ret);
	}
	return dmabuf;
}

/* Returns the error requested for this step of the current import. */
static int pbtest_import_reached(struct pbtest_device *pbtest,
				 enum pbtest_step step)
{
	if (READ_ONCE(pbtest->importer) != current ||
	    pbtest->import_fail_step != step)
		return 0;
	return -(int)pbtest->import_fail_error;
}

/* &drm_driver.gem_prime_import */
struct drm_gem_object *pbtest_prime_import(struct drm_device *drm,
					   struct dma_buf *dmabuf)
{
	struct pbtest_device *pbtest = to_pbtest(drm);
	bool ours = READ_ONCE(pbtest->importer) == current;
	bool foreign = ours && (pbtest->import_flags & PBTEST_IMPORT_FOREIGN);
	int ret = pbtest_import_reached(pbtest, PBTEST_FAIL_IMPORT);

	if (ret)
		return ERR_PTR(ret);

	if (!foreign && (dmabuf->ops == &pbtest_dmabuf_ops ||
			 dmabuf->ops == &pbtest_dmabuf_ops_without_mmap ||
			 dmabuf->ops == &pbtest_dmabuf_ops_without_cache ||
			 dmabuf->ops == &pbtest_dmabuf_ops_dynamic)) {
		struct drm_gem_object *obj = dmabuf->priv;

		if (obj->dev == drm) {
			drm_gem_object_get(obj);
			return obj;
		}
	}

	if (ours && (pbtest->import_flags & PBTEST_IMPORT_DYNAMIC))
		return pbtest_import_dynamic(drm, dmabuf);
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
	int ret;

	ret = pbtest_import_reached(pbtest, PBTEST_FAIL_IMPORT_SG_TABLE);
	if (ret)
		return ERR_PTR(ret);

	if (READ_ONCE(pbtest->importer) == current) {
		flags = pbtest->import_flags;
		size += pbtest->import_extra;
	}

	bo = pbtest_bo_create_imported(drm, size, flags, sgt);
	if (IS_ERR(bo))
		return ERR_CAST(bo);

	ret = pbtest_import_reached(pbtest, PBTEST_FAIL_IMPORT_SG_TABLE_LATE);
	if (ret) {
		/* The caller still owns the list, so the object must not free it. */
		bo->sgt = NULL;
		drm_gem_object_put(&bo->base);
		return ERR_PTR(ret);
	}

	ret = pbtest_import_reached(pbtest, PBTEST_FAIL_IMPORT_OPEN);
	if (ret) {
		bo->fail_step = PBTEST_FAIL_IMPORT_OPEN;
		bo->fail_error = -ret;
	}
	return &bo->base;
}

int pbtest_import_ioctl(struct drm_device *drm, void *data,
			struct drm_file *file)
{
	struct pbtest_device *pbtest = to_pbtest(drm);
	struct pbtest_import *args = data;
	struct drm_gem_object *obj;
	int ret;

	if (args->pad || args->pad2 || args->flags & ~PBTEST_IMPORT_FLAGS ||
	    !PAGE_ALIGNED(args->extra) || args->extra > PBTEST_MAX_SIZE)
		return -EINVAL;
	if (args->fail_step == PBTEST_FAIL_NOTHING ?
		    args->fail_error != 0 :
		    args->fail_step < PBTEST_FAIL_IMPORT ||
		    args->fail_step > PBTEST_FAIL_IMPORT_OPEN ||
		    args->fail_error < 1 || args->fail_error > PBTEST_MAX_ERRNO)
		return -EINVAL;

	ret = mutex_lock_interruptible(&pbtest->import_lock);
	if (ret)
		return ret;
	pbtest->import_flags = args->flags;
	pbtest->import_extra = args->extra;
	pbtest->import_fail_step = args->fail_step;
	pbtest->import_fail_error = args->fail_error;
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
	if (pbtest_bo_is_imported(to_pbtest_bo(obj))) {
		struct sg_table *sgt = to_pbtest_bo(obj)->sgt;
		struct scatterlist *sg;
		unsigned int i;

		args->sg_offset = sgt->sgl->offset;
		for_each_sgtable_sg(sgt, sg, i)
			args->sg_bytes += sg->length;
	}
	drm_gem_object_put(obj);
	return 0;
}

int pbtest_remap_ioctl(struct drm_device *drm, void *data,
		       struct drm_file *file)
{
	struct pbtest_remap *args = data;
	struct dma_buf_attachment *attach;
	struct sg_table *sgt;
	struct pbtest_bo *bo;
	int ret = 0;

	bo = pbtest_bo_lookup(file, args->handle);
	if (!bo)
		return -ENOENT;
	if (!pbtest_bo_is_imported(bo) || bo->unmapped) {
		ret = -EINVAL;
		goto out_put;
	}

	attach = bo->base.import_attach;
	dma_buf_unmap_attachment_unlocked(attach, bo->sgt, DMA_BIDIRECTIONAL);
	sgt = dma_buf_map_attachment_unlocked(attach, DMA_BIDIRECTIONAL);
	if (IS_ERR(sgt)) {
		bo->unmapped = true;
		ret = PTR_ERR(sgt);
		goto out_put;
	}
	args->same = sgt == bo->sgt;
	bo->sgt = sgt;

out_put:
	drm_gem_object_put(&bo->base);
	return ret;
}

int pbtest_peek_ioctl(struct drm_device *drm, void *data,
		      struct drm_file *file)
{
	struct pbtest_peek *args = data;
	struct iosys_map map;
	struct dma_buf *dmabuf;
	struct pbtest_bo *bo;
	int ret;

	bo = pbtest_bo_lookup(file, args->handle);
	if (!bo)
		return -ENOENT;

	ret = -EINVAL;
	if (!pbtest_bo_is_imported(bo))
		goto out_put;

	/* Not obj->dma_buf: it becomes NULL with the last handle. */
	dmabuf = bo->base.import_attach->dmabuf;
	if (args->offset >= dmabuf->size)
		goto out_put;

	ret = pbtest_dma_buf_vmap(dmabuf, &map);
	if (!ret) {
		args->value = iosys_map_rd(&map, args->offset, u8);
		pbtest_dma_buf_vunmap(dmabuf, &map);
	}

out_put:
	drm_gem_object_put(&bo->base);
	return ret;
}
