/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PBTEST_H
#define PBTEST_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>

#include <drm/drm_device.h>
#include <drm/drm_file.h>
#include <drm/drm_gem.h>

#include "pbtest_uapi.h"

/* EHWPOISON; larger numbers are not for user space. */
#define PBTEST_MAX_ERRNO 133

struct dma_buf;
struct dma_buf_attachment;
struct drm_mode_create_dumb;
struct miscdevice;
struct page;
struct pbtest_fence;
struct sg_table;

struct pbtest_device {
	struct drm_device drm;

	/*
	 * Passes the arguments of DRM_IOCTL_PBTEST_IMPORT to
	 * pbtest_prime_import(): the PRIME core calls it in between and does not
	 * pass them on. The lock admits one such call at a time. An import by a
	 * task other than @importer is an ordinary one.
	 */
	struct mutex import_lock;
	struct task_struct *importer;
	u32 import_flags;
	u64 import_extra;
	u32 import_fail_step;
	u32 import_fail_error;
};

/* A set of pages, which a buffer uses or has used. */
struct pbtest_pages {
	struct page **pages;
	unsigned long count;
};

struct pbtest_bo {
	struct drm_gem_object base;
	/* In the list of all buffers, which pbtest_bo_id() searches. */
	struct list_head all;
	u64 id;
	/* PBTEST_BO_*, or PBTEST_IMPORT_* */
	u32 flags;

	/*
	 * Only for own buffers. The reservation lock keeps the pages and their
	 * mappings consistent, as in TTM. Code that only needs the pages takes
	 * pages_lock, inside the reservation lock or alone: not every kernel
	 * holds the latter when it asks for the scatter list. Writers hold both.
	 */
	struct mutex pages_lock;
	struct pbtest_pages now;
	struct pbtest_pages retired[PBTEST_RETIRED];
	u64 generation;
	atomic64_t faults;
	atomic_t pins;
	/* By &dma_buf_ops.pin */
	atomic_t dmabuf_pins;
	atomic_t maps;
	/* Under pages_lock. */
	u32 vmaps;

	/* Only for imported buffers. */
	struct sg_table *sgt;
	/* The scatter list is gone: it could not be mapped again. */
	bool unmapped;
	/* The number of move_notify calls; under the exporter's reservation lock. */
	u32 moves;

	/* What the next call has to do; under lock. */
	spinlock_t lock;
	u32 fail_step;
	u32 fail_error;
	bool forward_armed;
	unsigned long forward_pgoff;
	/* What the kernel is busy with; see pbtest_busy. */
	struct pbtest_fence *fence;
};

static inline struct pbtest_device *to_pbtest(struct drm_device *drm)
{
	return container_of(drm, struct pbtest_device, drm);
}

static inline struct pbtest_bo *to_pbtest_bo(struct drm_gem_object *obj)
{
	return container_of(obj, struct pbtest_bo, base);
}

static inline bool pbtest_bo_is_imported(const struct pbtest_bo *bo)
{
	return bo->sgt;
}

static inline bool pbtest_bo_populates(const struct pbtest_bo *bo)
{
	return bo->flags & (PBTEST_BO_POPULATE_PFN | PBTEST_BO_POPULATE_PAGE);
}

/* pbtest_drv.c */
bool pbtest_is_ours(const struct drm_gem_object *obj);

/* pbtest_bo.c */
struct pbtest_bo *pbtest_bo_create(struct drm_device *drm, u64 size, u32 flags);
struct pbtest_bo *pbtest_bo_create_imported(struct drm_device *drm, u64 size,
					    u32 flags, struct sg_table *sgt);
struct pbtest_bo *pbtest_bo_lookup(struct drm_file *file, u32 handle);
void pbtest_bo_free(struct drm_gem_object *obj);
u64 pbtest_bo_id(const void *candidate);
int pbtest_dumb_create(struct drm_file *file, struct drm_device *drm,
		       struct drm_mode_create_dumb *args);
int pbtest_create_ioctl(struct drm_device *drm, void *data,
			struct drm_file *file);

/* pbtest_pages.c */
int pbtest_pages_alloc(struct pbtest_pages *set, unsigned long count);
void pbtest_pages_free(struct pbtest_pages *set);
int pbtest_move_ioctl(struct drm_device *drm, void *data,
		      struct drm_file *file);

/* pbtest_fail.c */
int pbtest_bo_reached(struct pbtest_bo *bo, enum pbtest_step step);
int pbtest_fail_ioctl(struct drm_device *drm, void *data,
		      struct drm_file *file);
int pbtest_hold_ioctl(struct drm_device *drm, void *data,
		      struct drm_file *file);

/* pbtest_mmap.c */
extern const struct vm_operations_struct pbtest_vm_ops;
extern const struct vm_operations_struct pbtest_populated_vm_ops;
int pbtest_bo_mmap(struct drm_gem_object *obj, struct vm_area_struct *vma);
int pbtest_fops_mmap(struct file *filp, struct vm_area_struct *vma);
int pbtest_dmabuf_mmap(struct dma_buf *dmabuf, struct vm_area_struct *vma);
int pbtest_forward_ioctl(struct drm_device *drm, void *data,
			 struct drm_file *file);

/* pbtest_prime.c */
struct dma_buf *pbtest_prime_export(struct drm_gem_object *obj, int flags);
struct drm_gem_object *pbtest_prime_import(struct drm_device *drm,
					   struct dma_buf *dmabuf);
struct drm_gem_object *
pbtest_prime_import_sg_table(struct drm_device *drm,
			     struct dma_buf_attachment *attach,
			     struct sg_table *sgt);
int pbtest_import_ioctl(struct drm_device *drm, void *data,
			struct drm_file *file);
int pbtest_remap_ioctl(struct drm_device *drm, void *data,
		       struct drm_file *file);
int pbtest_peek_ioctl(struct drm_device *drm, void *data,
		      struct drm_file *file);

/* pbtest_dynamic.c */
int pbtest_dmabuf_pin(struct dma_buf_attachment *attach);
void pbtest_dmabuf_unpin(struct dma_buf_attachment *attach);
struct dma_buf *pbtest_bo_get_dmabuf(struct pbtest_bo *bo);
struct drm_gem_object *pbtest_import_dynamic(struct drm_device *drm,
					     struct dma_buf *dmabuf);

/* pbtest_fence.c */
int pbtest_busy_ioctl(struct drm_device *drm, void *data,
		      struct drm_file *file);
void pbtest_bo_idle(struct pbtest_bo *bo);
void pbtest_fences_drain(void);

/* pbtest_query.c */
extern struct miscdevice pbtest_query_device;
struct file *pbtest_drm_file(int fd);

/* pbtest_count.c */
void pbtest_count_allowed(struct drm_gem_object *obj,
			  struct pbtest_object *args);
int pbtest_query_client(struct pbtest_client *args);
int pbtest_query_dmabuf(struct pbtest_dmabuf *args);
int pbtest_query_lookup(struct pbtest_lookup *args);
int pbtest_query_uuid(struct pbtest_uuid *args);
int pbtest_query_allow(struct pbtest_allow *args);
int pbtest_query_page(struct pbtest_page *args);

/* pbtest_plain.c */
extern struct miscdevice pbtest_plain_device;

#endif
