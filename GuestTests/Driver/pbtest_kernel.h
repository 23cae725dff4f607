/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All differences between the kernels that pbtest is built for. Kbuild detects
 * which of them apply to a tree.
 */
#ifndef PBTEST_KERNEL_H
#define PBTEST_KERNEL_H

#include <linux/dma-buf.h>
#include <linux/mm.h>

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

#endif
