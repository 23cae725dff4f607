// SPDX-License-Identifier: GPL-2.0-only
/* The pages of buffers, and how they move. */

#include <linux/dma-buf.h>
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/mm.h>

#include <drm/drm_gem.h>
#include <drm/drm_vma_manager.h>

#include "pbtest.h"
#include "pbtest_kernel.h"

void pbtest_pages_free(struct pbtest_pages *set)
{
	unsigned long i;

	for (i = 0; i < set->count; i++)
		put_page(set->pages[i]);
	kvfree(set->pages);
	set->pages = NULL;
	set->count = 0;
}

int pbtest_pages_alloc(struct pbtest_pages *set, unsigned long count)
{
	set->count = 0;
	set->pages = kvcalloc(count, sizeof(*set->pages), GFP_KERNEL);
	if (!set->pages)
		return -ENOMEM;

	while (set->count < count) {
		struct page *page = alloc_page(GFP_HIGHUSER | __GFP_ZERO |
					       __GFP_RETRY_MAYFAIL |
					       __GFP_NOWARN);

		if (!page) {
			pbtest_pages_free(set);
			return -ENOMEM;
		}
		set->pages[set->count++] = page;
	}
	return 0;
}

static void pbtest_pages_poison(struct pbtest_pages *set)
{
	unsigned long i;

	for (i = 0; i < set->count; i++) {
		void *address = kmap_local_page(set->pages[i]);

		memset(address, PBTEST_POISON, PAGE_SIZE);
		kunmap_local(address);
	}
}

/* Consumes @fresh, and frees the set that was retired longest ago. */
static void pbtest_bo_move(struct pbtest_bo *bo, struct pbtest_pages *fresh,
			   bool zap)
{
	struct drm_gem_object *obj = &bo->base;
	struct pbtest_pages *oldest;
	unsigned long i;

	dma_resv_assert_held(obj->resv);

	/*
	 * Zap before copying: from here on nothing writes to the old pages, and
	 * faults wait for the reservation lock.
	 */
	if (zap)
		drm_vma_node_unmap(&obj->vma_node,
				   obj->dev->anon_inode->i_mapping);

	for (i = 0; i < bo->now.count; i++)
		copy_highpage(fresh->pages[i], bo->now.pages[i]);
	pbtest_pages_poison(&bo->now);

	oldest = &bo->retired[bo->generation % PBTEST_RETIRED];
	mutex_lock(&bo->pages_lock);
	swap(*oldest, bo->now);
	swap(*fresh, bo->now);
	bo->generation++;
	mutex_unlock(&bo->pages_lock);
}

int pbtest_move_ioctl(struct drm_device *drm, void *data,
		      struct drm_file *file)
{
	struct pbtest_move *args = data;
	struct pbtest_pages fresh = {};
	struct dma_buf *dmabuf;
	struct pbtest_bo *bo;
	int ret;

	if (args->flags & ~PBTEST_MOVE_NO_ZAP)
		return -EINVAL;

	bo = pbtest_bo_lookup(file, args->handle);
	if (!bo)
		return -ENOENT;

	if (pbtest_bo_is_imported(bo)) {
		ret = -EINVAL;
		goto out_put;
	}
	/*
	 * Such a mapping is filled before mmap_region() adds it to the address
	 * space, so a zap would not find it yet.
	 */
	if (pbtest_bo_populates(bo)) {
		ret = -EBUSY;
		goto out_put;
	}

	ret = pbtest_pages_alloc(&fresh, bo->base.size >> PAGE_SHIFT);
	if (ret)
		goto out_put;

	dmabuf = pbtest_bo_get_dmabuf(bo);
	ret = dma_resv_lock_interruptible(bo->base.resv, NULL);
	if (!ret) {
		if (dmabuf)
			pbtest_announce_move(dmabuf);
		pbtest_bo_move(bo, &fresh, !(args->flags & PBTEST_MOVE_NO_ZAP));
		args->generation = bo->generation;
		dma_resv_unlock(bo->base.resv);
	}
	if (dmabuf)
		dma_buf_put(dmabuf);
	pbtest_pages_free(&fresh);

out_put:
	drm_gem_object_put(&bo->base);
	return ret;
}
