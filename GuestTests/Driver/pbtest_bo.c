// SPDX-License-Identifier: GPL-2.0
/* Buffers: what they are made of, how they move, and what they are told. */

#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/log2.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include <drm/drm_drv.h>
#include <drm/drm_prime.h>
#include <drm/drm_vma_manager.h>

#include "pbtest.h"
#include "pbtest_kernel.h"

#define PBTEST_BO_FLAGS \
	(PBTEST_BO_NO_DMABUF_MMAP | PBTEST_BO_POPULATE_PFN | \
	 PBTEST_BO_POPULATE_PAGE | PBTEST_BO_LEAVE_VM_OPS | PBTEST_BO_PLAIN | \
	 PBTEST_BO_SLOW_MAP | PBTEST_BO_FOPS_MMAP | \
	 PBTEST_BO_NO_CACHED_MAP | PBTEST_BO_OWN_FILE | PBTEST_BO_DYNAMIC | \
	 PBTEST_BO_BARE)

/* Each of them only without any other. */
#define PBTEST_BO_ALONE \
	(PBTEST_BO_PLAIN | PBTEST_BO_FOPS_MMAP | PBTEST_BO_OWN_FILE | \
	 PBTEST_BO_DYNAMIC | PBTEST_BO_BARE)

static LIST_HEAD(pbtest_all);
static DEFINE_SPINLOCK(pbtest_all_lock);
static u64 pbtest_last_id;

static void pbtest_pages_free(struct pbtest_pages *set)
{
	unsigned long i;

	for (i = 0; i < set->count; i++)
		put_page(set->pages[i]);
	kvfree(set->pages);
	set->pages = NULL;
	set->count = 0;
}

static int pbtest_pages_alloc(struct pbtest_pages *set, unsigned long count)
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

static struct sg_table *pbtest_bo_get_sg_table(struct drm_gem_object *obj)
{
	struct pbtest_bo *bo = to_pbtest_bo(obj);

	int ret;

	lockdep_assert_held(&bo->pages_lock);
	ret = pbtest_bo_reached(bo, PBTEST_FAIL_SG_TABLE);
	if (ret)
		return ERR_PTR(ret);
	return drm_prime_pages_to_sg(obj->dev, bo->now.pages, bo->now.count);
}

static int pbtest_bo_open(struct drm_gem_object *obj, struct drm_file *file)
{
	struct pbtest_bo *bo = to_pbtest_bo(obj);

	return pbtest_bo_reached(bo, pbtest_bo_is_imported(bo) ?
				 PBTEST_FAIL_IMPORT_OPEN : PBTEST_FAIL_OPEN);
}

/* Nothing is pinned by it: see pbtest_map_dma_buf(). Pins are counted. */
static int pbtest_bo_pin(struct drm_gem_object *obj)
{
	struct pbtest_bo *bo = to_pbtest_bo(obj);
	int ret = pbtest_bo_reached(bo, PBTEST_FAIL_PIN);

	if (!ret)
		atomic_inc(&bo->pins);
	return ret;
}

static void pbtest_bo_unpin(struct drm_gem_object *obj)
{
	atomic_dec(&to_pbtest_bo(obj)->pins);
}

/*
 * Shows the pages that the buffer has now. Those that it left are kept for a
 * while, see PBTEST_RETIRED, and nobody keeps such a mapping for long.
 */
static int pbtest_bo_vmap(struct drm_gem_object *obj, struct iosys_map *map)
{
	struct pbtest_bo *bo = to_pbtest_bo(obj);
	void *address = NULL;

	mutex_lock(&bo->pages_lock);
	if (bo->now.count)
		address = vmap(bo->now.pages, bo->now.count, VM_MAP,
			       PAGE_KERNEL);
	if (address)
		bo->vmaps++;
	mutex_unlock(&bo->pages_lock);
	if (!address)
		return -ENOMEM;

	iosys_map_set_vaddr(map, address);
	return 0;
}

static void pbtest_bo_vunmap(struct drm_gem_object *obj, struct iosys_map *map)
{
	struct pbtest_bo *bo = to_pbtest_bo(obj);

	vunmap(map->vaddr);
	mutex_lock(&bo->pages_lock);
	bo->vmaps--;
	mutex_unlock(&bo->pages_lock);
}

#define PBTEST_BO_FUNCS \
	.free = pbtest_bo_free, \
	.open = pbtest_bo_open, \
	.export = pbtest_prime_export, \
	.pin = pbtest_bo_pin, \
	.unpin = pbtest_bo_unpin, \
	.get_sg_table = pbtest_bo_get_sg_table, \
	.vmap = pbtest_bo_vmap, \
	.vunmap = pbtest_bo_vunmap

static const struct drm_gem_object_funcs pbtest_bo_funcs = {
	PBTEST_BO_FUNCS,
	.mmap = pbtest_bo_mmap,
	.vm_ops = &pbtest_vm_ops,
};

static const struct drm_gem_object_funcs pbtest_populated_bo_funcs = {
	PBTEST_BO_FUNCS,
	.mmap = pbtest_bo_mmap,
	.vm_ops = &pbtest_populated_vm_ops,
};

static const struct drm_gem_object_funcs pbtest_fops_bo_funcs = {
	PBTEST_BO_FUNCS,
	.vm_ops = &pbtest_vm_ops,
};

static const struct drm_gem_object_funcs pbtest_bare_bo_funcs = {
	.free = pbtest_bo_free,
	.export = pbtest_prime_export,
};

static struct pbtest_bo *pbtest_bo_alloc(struct drm_device *drm, u64 size,
					 u32 flags)
{
	struct pbtest_bo *bo;

	if (!size || !PAGE_ALIGNED(size) || size > PBTEST_MAX_SIZE)
		return ERR_PTR(-EINVAL);

	bo = kzalloc(sizeof(*bo), GFP_KERNEL);
	if (!bo)
		return ERR_PTR(-ENOMEM);

	bo->flags = flags;
	bo->base.funcs = &pbtest_bo_funcs;
	mutex_init(&bo->pages_lock);
	spin_lock_init(&bo->lock);
	drm_gem_private_object_init(drm, &bo->base, size);

	spin_lock(&pbtest_all_lock);
	bo->id = ++pbtest_last_id;
	list_add(&bo->all, &pbtest_all);
	spin_unlock(&pbtest_all_lock);
	return bo;
}

/*
 * The id of a buffer, 0 if this is none. Takes nothing for granted: what stands
 * in vm_private_data may be somebody else's, and that is then what to report.
 */
u64 pbtest_bo_id(const void *candidate)
{
	struct pbtest_bo *bo;
	u64 id = 0;

	spin_lock(&pbtest_all_lock);
	list_for_each_entry(bo, &pbtest_all, all) {
		if (&bo->base == candidate) {
			id = bo->id;
			break;
		}
	}
	spin_unlock(&pbtest_all_lock);
	return id;
}

struct pbtest_bo *pbtest_bo_create(struct drm_device *drm, u64 size, u32 flags)
{
	struct pbtest_bo *bo = pbtest_bo_alloc(drm, size, flags);
	int ret;

	if (IS_ERR(bo))
		return bo;

	bo->generation = 1;
	if (pbtest_bo_populates(bo))
		bo->base.funcs = &pbtest_populated_bo_funcs;
	if (flags & PBTEST_BO_FOPS_MMAP)
		bo->base.funcs = &pbtest_fops_bo_funcs;
	if (flags & PBTEST_BO_BARE)
		bo->base.funcs = &pbtest_bare_bo_funcs;

	ret = pbtest_pages_alloc(&bo->now, size >> PAGE_SHIFT);
	if (!ret)
		ret = drm_gem_create_mmap_offset(&bo->base);
	if (ret) {
		drm_gem_object_put(&bo->base);
		return ERR_PTR(ret);
	}
	return bo;
}

/* If this fails, @sgt is still the caller's. */
struct pbtest_bo *pbtest_bo_create_imported(struct drm_device *drm, u64 size,
					    u32 flags, struct sg_table *sgt)
{
	struct pbtest_bo *bo = pbtest_bo_alloc(drm, size, flags);
	int ret;

	if (IS_ERR(bo))
		return bo;

	ret = drm_gem_create_mmap_offset(&bo->base);
	if (ret) {
		drm_gem_object_put(&bo->base);
		return ERR_PTR(ret);
	}
	bo->sgt = sgt;
	return bo;
}

void pbtest_bo_free(struct drm_gem_object *obj)
{
	struct pbtest_bo *bo = to_pbtest_bo(obj);
	int i;

	pbtest_bo_idle(bo);
	spin_lock(&pbtest_all_lock);
	list_del(&bo->all);
	spin_unlock(&pbtest_all_lock);

	if (pbtest_bo_is_imported(bo))
		drm_prime_gem_destroy(obj, bo->sgt);

	pbtest_pages_free(&bo->now);
	for (i = 0; i < PBTEST_RETIRED; i++)
		pbtest_pages_free(&bo->retired[i]);

	drm_gem_object_release(obj);
	mutex_destroy(&bo->pages_lock);
	kfree(bo);
}

struct pbtest_bo *pbtest_bo_lookup(struct drm_file *file, u32 handle)
{
	struct drm_gem_object *obj = drm_gem_object_lookup(file, handle);

	return obj ? to_pbtest_bo(obj) : NULL;
}

int pbtest_dumb_create(struct drm_file *file, struct drm_device *drm,
		       struct drm_mode_create_dumb *args)
{
	struct pbtest_bo *bo;
	int ret;

	args->pitch = args->width * DIV_ROUND_UP(args->bpp, 8);
	args->size = PAGE_ALIGN((u64)args->pitch * args->height);

	bo = pbtest_bo_create(drm, args->size, 0);
	if (IS_ERR(bo))
		return PTR_ERR(bo);

	ret = drm_gem_handle_create(file, &bo->base, &args->handle);
	drm_gem_object_put(&bo->base);
	return ret;
}

int pbtest_create_ioctl(struct drm_device *drm, void *data,
			struct drm_file *file)
{
	struct pbtest_create *args = data;
	struct pbtest_bo *bo;
	int ret;

	if (args->flags & ~PBTEST_BO_FLAGS)
		return -EINVAL;
	if ((args->flags & PBTEST_BO_POPULATE_PFN) &&
	    (args->flags & PBTEST_BO_POPULATE_PAGE))
		return -EINVAL;
	if ((args->flags & PBTEST_BO_LEAVE_VM_OPS) &&
	    !(args->flags & (PBTEST_BO_POPULATE_PFN | PBTEST_BO_POPULATE_PAGE)))
		return -EINVAL;

	if ((args->flags & PBTEST_BO_ALONE) && !is_power_of_2(args->flags))
		return -EINVAL;

	bo = pbtest_bo_create(drm, args->size, args->flags);
	if (IS_ERR(bo))
		return PTR_ERR(bo);

	args->offset = drm_vma_node_offset_addr(&bo->base.vma_node);
	ret = drm_gem_handle_create(file, &bo->base, &args->handle);
	drm_gem_object_put(&bo->base);
	return ret;
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

/* Takes over @fresh, and gives back the set that was retired longest ago. */
static void pbtest_bo_move(struct pbtest_bo *bo, struct pbtest_pages *fresh,
			   bool zap)
{
	struct drm_gem_object *obj = &bo->base;
	struct pbtest_pages *oldest;
	unsigned long i;

	dma_resv_assert_held(obj->resv);

	/*
	 * Zapped first, copied then: from here on nobody writes to the old
	 * pages, and who faults waits for the reservation lock.
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
	 * Such a mapping is filled before mmap_region() hangs it on the address
	 * space, where no zap would find it yet.
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
			dma_buf_move_notify(dmabuf);
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

/* Returns the error that was asked for at this step, once. */
int pbtest_bo_reached(struct pbtest_bo *bo, enum pbtest_step step)
{
	int ret = 0;

	spin_lock(&bo->lock);
	if (bo->fail_step == step) {
		ret = -(int)bo->fail_error;
		bo->fail_step = PBTEST_FAIL_NOTHING;
	}
	spin_unlock(&bo->lock);
	return ret;
}

int pbtest_fail_ioctl(struct drm_device *drm, void *data,
		      struct drm_file *file)
{
	struct pbtest_fail *args = data;
	struct pbtest_bo *bo;
	bool valid;

	if (args->pad || (args->step > PBTEST_FAIL_END_ACCESS &&
			  args->step != PBTEST_FAIL_DMABUF_PIN))
		return -EINVAL;
	if (args->step == PBTEST_FAIL_NOTHING ? args->error != 0 :
	    args->error < 1 || args->error > PBTEST_MAX_ERRNO)
		return -EINVAL;

	bo = pbtest_bo_lookup(file, args->handle);
	if (!bo)
		return -ENOENT;

	valid = args->step == PBTEST_FAIL_NOTHING ||
		pbtest_bo_is_imported(bo) ==
			(args->step == PBTEST_FAIL_FORWARD_ENTRY ||
			 args->step == PBTEST_FAIL_FORWARD_LATE);

	if (valid) {
		spin_lock(&bo->lock);
		bo->fail_step = args->step;
		bo->fail_error = args->error;
		spin_unlock(&bo->lock);
	}

	drm_gem_object_put(&bo->base);
	return valid ? 0 : -EINVAL;
}

int pbtest_hold_ioctl(struct drm_device *drm, void *data,
		      struct drm_file *file)
{
	struct pbtest_hold *args = data;
	struct pbtest_bo *bo;
	int ret;

	bo = pbtest_bo_lookup(file, args->handle);
	if (!bo)
		return -ENOENT;

	ret = dma_resv_lock_interruptible(bo->base.resv, NULL);
	if (!ret) {
		schedule_timeout_interruptible(
			msecs_to_jiffies(args->milliseconds));
		dma_resv_unlock(bo->base.resv);
		if (signal_pending(current))
			ret = -EINTR;
	}

	drm_gem_object_put(&bo->base);
	return ret;
}
