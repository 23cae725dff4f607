/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All differences between the kernels that pbtest is built for. Kbuild detects
 * which of them apply to a tree.
 */
#ifndef PBTEST_KERNEL_H
#define PBTEST_KERNEL_H

#include <linux/dma-buf.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/shmem_fs.h>

#include <drm/drm_drv.h>
#include <drm/drm_prime.h>

static inline void pbtest_add_vm_flags(struct vm_area_struct *vma,
				       unsigned long flags)
{
#ifdef PBTEST_HAS_VM_FLAGS_SET
	vm_flags_set(vma, flags);
#else
	vma->vm_flags |= flags;
#endif
}

static inline bool pbtest_is_cow_mapping(struct vm_area_struct *vma)
{
#ifdef PBTEST_HAS_VMA_IS_COW_MAPPING
	return vma_is_cow_mapping(vma);
#else
	return is_cow_mapping(vma->vm_flags);
#endif
}

static inline struct file *pbtest_shmem_file(const char *name, loff_t size)
{
#ifdef PBTEST_HAS_SHMEM_VMA_FLAGS
	return shmem_file_setup(name, size, mk_vma_flags(VMA_NORESERVE_BIT));
#else
	return shmem_file_setup(name, size, VM_NORESERVE);
#endif
}

/* Whether there is a PTE; only for VM_PFNMAP and VM_IO, under mmap_lock. */
static inline bool pbtest_mapped_pfn(struct vm_area_struct *vma,
				     unsigned long address, unsigned long *pfn)
{
#ifdef PBTEST_HAS_FOLLOW_PFNMAP
	struct follow_pfnmap_args args = { .vma = vma, .address = address };

	if (follow_pfnmap_start(&args))
		return false;
	*pfn = args.pfn;
	follow_pfnmap_end(&args);
	return true;
#else
	return !follow_pfn(vma, address, pfn);
#endif
}

/* Both are called without the reservation lock. */
static inline int pbtest_dma_buf_vmap(struct dma_buf *dmabuf,
				      struct iosys_map *map)
{
#ifdef PBTEST_HAS_VMAP_UNLOCKED
	return dma_buf_vmap_unlocked(dmabuf, map);
#else
	return dma_buf_vmap(dmabuf, map);
#endif
}

static inline void pbtest_dma_buf_vunmap(struct dma_buf *dmabuf,
					 struct iosys_map *map)
{
#ifdef PBTEST_HAS_VMAP_UNLOCKED
	dma_buf_vunmap_unlocked(dmabuf, map);
#else
	dma_buf_vunmap(dmabuf, map);
#endif
}

/* Sets the fields of a driver that only older kernels have. */
static inline void pbtest_complete_driver(struct drm_driver *driver)
{
#ifdef PBTEST_HAS_DRIVER_DATE
	driver->date = "20261101";
#endif
#ifdef PBTEST_HAS_PRIME_HOOKS
	driver->prime_handle_to_fd = drm_gem_prime_handle_to_fd;
	driver->prime_fd_to_handle = drm_gem_prime_fd_to_handle;
	driver->gem_prime_mmap = drm_gem_prime_mmap;
#endif
}

/* A kernel without this field keeps no mapping for its importers. */
#ifdef PBTEST_HAS_CACHE_SGT_MAPPING
#define PBTEST_CACHE_SGT_MAPPING .cache_sgt_mapping = true,
#else
#define PBTEST_CACHE_SGT_MAPPING
#endif

/* What importers are told before a buffer moves was renamed. */
#ifdef PBTEST_HAS_INVALIDATE_MAPPINGS
#define pbtest_moves invalidate_mappings
#define pbtest_announce_move dma_buf_invalidate_mappings
#else
#define pbtest_moves move_notify
#define pbtest_announce_move dma_buf_move_notify
#endif

/* The name of a symbol namespace was a token before 6.13, and is a string now. */
#ifdef PBTEST_HAS_NAMESPACE_STRINGS
#define PBTEST_IMPORT_NS(ns) MODULE_IMPORT_NS(__stringify(ns))
#else
#define PBTEST_IMPORT_NS(ns) MODULE_IMPORT_NS(ns)
#endif

#endif
