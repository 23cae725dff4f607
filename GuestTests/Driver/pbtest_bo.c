// SPDX-License-Identifier: GPL-2.0-only
/* Buffers: creation, destruction, and their DRM callbacks. */

#include <linux/delay.h>
#include <linux/log2.h>
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
	 PBTEST_BO_BARE | PBTEST_BO_SLOW_FREE)

/* None of these can be combined with another. */
#define PBTEST_BO_ALONE \
	(PBTEST_BO_PLAIN | PBTEST_BO_FOPS_MMAP | PBTEST_BO_OWN_FILE | \
	 PBTEST_BO_DYNAMIC | PBTEST_BO_BARE)

static LIST_HEAD(pbtest_all);
static DEFINE_SPINLOCK(pbtest_all_lock);
static u64 pbtest_last_id;

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

/* Only counts: it pins nothing, see pbtest_map_dma_buf(). */
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
 * Maps the buffer's current pages. After a move the old pages are kept for a
 * while, see PBTEST_RETIRED, and no caller keeps such a mapping for long.
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
 * Returns the id of a buffer, 0 if @candidate is none. It is not dereferenced:
 * vm_private_data may belong to another driver, which is then the finding.
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

/* If this fails, the caller still owns @sgt. */
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

	if (bo->flags & PBTEST_BO_SLOW_FREE)
		msleep(PBTEST_SLOW_FREE_MS);

	pbtest_bo_idle(bo);
	spin_lock(&pbtest_all_lock);
	list_del(&bo->all);
	spin_unlock(&pbtest_all_lock);

	if (pbtest_bo_is_imported(bo))
		drm_prime_gem_destroy(obj, bo->unmapped ? NULL : bo->sgt);

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
