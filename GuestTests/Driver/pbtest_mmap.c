// SPDX-License-Identifier: GPL-2.0-only
/* Mappings: of own buffers, filled by faults or at mmap, and forwarded ones. */

#include <linux/dma-buf.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/shmem_fs.h>

#include <drm/drm_drv.h>
#include <drm/drm_prime.h>
#include <drm/drm_vma_manager.h>

#include "pbtest.h"
#include "pbtest_kernel.h"

/*
 * Every mapping of a buffer, however it was made, has a page offset in the
 * device's address space: the buffer's fake offset, plus the one inside it.
 */
static bool pbtest_page_index(struct pbtest_bo *bo, unsigned long pgoff,
			      unsigned long *index)
{
	*index = pgoff - drm_vma_node_start(&bo->base.vma_node);
	return *index < bo->now.count;
}

static vm_fault_t pbtest_vm_fault(struct vm_fault *vmf)
{
	struct drm_gem_object *obj = vmf->vma->vm_private_data;
	struct pbtest_bo *bo = to_pbtest_bo(obj);
	vm_fault_t ret = VM_FAULT_SIGBUS;
	unsigned long index;
	int idx;

	if (dma_resv_lock_interruptible(obj->resv, NULL))
		return VM_FAULT_NOPAGE;

	/* An unplug zaps everything once; nothing may be mapped after that. */
	if (!drm_dev_enter(obj->dev, &idx))
		goto out_unlock;

	if (pbtest_page_index(bo, vmf->pgoff, &index)) {
		ret = vmf_insert_pfn(vmf->vma, vmf->address,
				     page_to_pfn(bo->now.pages[index]));
		if (ret == VM_FAULT_NOPAGE)
			atomic64_inc(&bo->faults);
	}

	drm_dev_exit(idx);
out_unlock:
	dma_resv_unlock(obj->resv);
	return ret;
}

/* Used by ptrace and /proc/PID/mem, as in TTM. */
static int pbtest_vm_access(struct vm_area_struct *vma, unsigned long addr,
			    void *buf, int len, int write)
{
	struct drm_gem_object *obj = vma->vm_private_data;
	struct pbtest_bo *bo = to_pbtest_bo(obj);
	unsigned long pgoff = vma->vm_pgoff +
			      ((addr - vma->vm_start) >> PAGE_SHIFT);
	int ret, idx, done = 0;

	if (len < 1)
		return -EIO;

	ret = dma_resv_lock_interruptible(obj->resv, NULL);
	if (ret)
		return ret;
	if (!drm_dev_enter(obj->dev, &idx)) {
		ret = -EIO;
		goto out_unlock;
	}

	while (done < len) {
		unsigned long offset = offset_in_page(addr + done);
		size_t part = min_t(size_t, len - done, PAGE_SIZE - offset);
		unsigned long index;
		void *address;

		if (!pbtest_page_index(bo, pgoff++, &index))
			break;

		address = kmap_local_page(bo->now.pages[index]);
		if (write)
			memcpy(address + offset, buf + done, part);
		else
			memcpy(buf + done, address + offset, part);
		kunmap_local(address);
		done += part;
	}
	ret = done ? done : -EIO;

	drm_dev_exit(idx);
out_unlock:
	dma_resv_unlock(obj->resv);
	return ret;
}

const struct vm_operations_struct pbtest_vm_ops = {
	.open = drm_gem_vm_open,
	.close = drm_gem_vm_close,
	.fault = pbtest_vm_fault,
	.access = pbtest_vm_access,
};

const struct vm_operations_struct pbtest_populated_vm_ops = {
	.open = drm_gem_vm_open,
	.close = drm_gem_vm_close,
	.access = pbtest_vm_access,
};

static int pbtest_populate(struct pbtest_bo *bo, struct vm_area_struct *vma,
			   unsigned long index)
{
	unsigned long address;
	int ret = 0;

	for (address = vma->vm_start; !ret && address < vma->vm_end;
	     address += PAGE_SIZE, index++) {
		struct page *page = bo->now.pages[index];

		if (bo->flags & PBTEST_BO_POPULATE_PFN)
			ret = remap_pfn_range(vma, address, page_to_pfn(page),
					      PAGE_SIZE, vma->vm_page_prot);
		else
			ret = vm_insert_page(vma, address, page);
	}
	return ret;
}

/* All of mmap except vm_ops and vm_private_data; vm_pgoff is the fake offset. */
static int pbtest_bo_map(struct pbtest_bo *bo, struct vm_area_struct *vma)
{
	struct drm_gem_object *obj = &bo->base;
	unsigned long index;
	int ret;

	/* Neither PFNs nor moving pages can be copied on write. */
	if (pbtest_is_cow_mapping(vma))
		return -EINVAL;

	/*
	 * Many exporters take this lock in their mmap: a caller that forwards
	 * with the reservation held deadlocks here.
	 */
	ret = dma_resv_lock_interruptible(obj->resv, NULL);
	if (ret)
		return ret;

	if (!pbtest_page_index(bo, vma->vm_pgoff, &index) ||
	    vma_pages(vma) > bo->now.count - index) {
		ret = -EINVAL;
		goto out_unlock;
	}

	if (bo->flags & PBTEST_BO_POPULATE_PAGE)
		pbtest_add_vm_flags(vma, VM_MIXEDMAP | VM_DONTEXPAND |
				    VM_DONTDUMP);
	else
		pbtest_add_vm_flags(vma, VM_IO | VM_PFNMAP | VM_DONTEXPAND |
				    VM_DONTDUMP);
	vma->vm_page_prot = vm_get_page_prot(vma->vm_flags);

	if (pbtest_bo_populates(bo))
		ret = pbtest_populate(bo, vma, index);

out_unlock:
	dma_resv_unlock(obj->resv);
	return ret;
}

/*
 * Undoes a mapping as vm_ops->close() would. It is needed because mmap_region()
 * does not call the mapping's operations if mmap returns an error.
 */
static void pbtest_undo_mmap(struct vm_area_struct *vma)
{
	if (vma->vm_ops && vma->vm_ops->close)
		vma->vm_ops->close(vma);
}

static int pbtest_bo_forward(struct pbtest_bo *bo, struct vm_area_struct *vma)
{
	struct drm_gem_object *obj = &bo->base;
	unsigned long pgoff = 0;
	int ret;

	spin_lock(&bo->lock);
	if (bo->forward_armed)
		pgoff = bo->forward_pgoff;
	bo->forward_armed = false;
	spin_unlock(&bo->lock);

	ret = pbtest_bo_reached(bo, PBTEST_FAIL_FORWARD_ENTRY);
	if (ret)
		return ret;

	/* An exporter that sets no vm_ops must not inherit ours. */
	vma->vm_ops = NULL;
	vma->vm_private_data = NULL;

	/* Not obj->dma_buf: it becomes NULL with the last handle. */
	ret = dma_buf_mmap(obj->import_attach->dmabuf, vma, pgoff);
	if (ret)
		return ret;

	ret = pbtest_bo_reached(bo, PBTEST_FAIL_FORWARD_LATE);
	if (ret) {
		pbtest_undo_mmap(vma);
		return ret;
	}

	/* The mapping belongs to the exporter now, and does not hold our object. */
	drm_gem_object_put(obj);
	return 0;
}

/* &drm_gem_object_funcs.mmap */
int pbtest_bo_mmap(struct drm_gem_object *obj, struct vm_area_struct *vma)
{
	struct pbtest_bo *bo = to_pbtest_bo(obj);
	int ret;

	if (pbtest_bo_is_imported(bo))
		return pbtest_bo_forward(bo, vma);

	ret = pbtest_bo_reached(bo, PBTEST_FAIL_MMAP_ENTRY);
	if (!ret)
		ret = pbtest_bo_map(bo, vma);
	if (!ret)
		ret = pbtest_bo_reached(bo, PBTEST_FAIL_MMAP_LATE);
	return ret;
}

/* Returns the buffer to be mapped, if its object has no mmap; otherwise NULL. */
static struct pbtest_bo *pbtest_fops_bo(struct drm_device *drm,
					struct vm_area_struct *vma)
{
	struct drm_vma_offset_manager *manager = drm->vma_offset_manager;
	struct drm_vma_offset_node *node;
	struct drm_gem_object *obj = NULL;
	struct pbtest_bo *bo;

	drm_vma_offset_lock_lookup(manager);
	node = drm_vma_offset_exact_lookup_locked(manager, vma->vm_pgoff,
						  vma_pages(vma));
	if (node) {
		obj = container_of(node, struct drm_gem_object, vma_node);
		if (!kref_get_unless_zero(&obj->refcount))
			obj = NULL;
	}
	drm_vma_offset_unlock_lookup(manager);
	if (!obj)
		return NULL;

	bo = to_pbtest_bo(obj);
	if (!pbtest_bo_is_imported(bo) && (bo->flags & PBTEST_BO_FOPS_MMAP))
		return bo;

	drm_gem_object_put(obj);
	return NULL;
}

/*
 * &file_operations.mmap. The file may be one that drm_gem_prime_mmap() created:
 * only its private data is set, and in that only the minor.
 */
int pbtest_fops_mmap(struct file *filp, struct vm_area_struct *vma)
{
	struct drm_file *priv = filp->private_data;
	struct pbtest_bo *bo = pbtest_fops_bo(priv->minor->dev, vma);
	int ret;

	if (!bo)
		return drm_gem_mmap(filp, vma);

	ret = pbtest_bo_reached(bo, PBTEST_FAIL_FOPS_ENTRY);
	/* PFNs cannot be copied on write, and GEM leaves that to the driver. */
	if (!ret && pbtest_is_cow_mapping(vma))
		ret = -EINVAL;
	if (!ret)
		ret = drm_gem_mmap(filp, vma);
	if (!ret) {
		ret = pbtest_bo_reached(bo, PBTEST_FAIL_FOPS_LATE);
		if (ret)
			pbtest_undo_mmap(vma);
	}

	drm_gem_object_put(&bo->base);
	return ret;
}

/* Only the mapping holds the file. */
static int pbtest_set_own_file(struct vm_area_struct *vma)
{
	struct file *own = pbtest_shmem_file(PBTEST_OWN_FILE_NAME,
					     vma->vm_end - vma->vm_start);

	if (IS_ERR(own))
		return PTR_ERR(own);

	vma_set_file(vma, own);
	fput(own);
	return 0;
}

/* &dma_buf_ops.mmap */
int pbtest_dmabuf_mmap(struct dma_buf *dmabuf, struct vm_area_struct *vma)
{
	struct drm_gem_object *obj = dmabuf->priv;
	struct pbtest_bo *bo = to_pbtest_bo(obj);
	int ret;

	ret = pbtest_bo_reached(bo, PBTEST_FAIL_DMABUF_ENTRY);
	if (ret)
		return ret;

	if (bo->flags & PBTEST_BO_PLAIN) {
		pbtest_add_vm_flags(vma, VM_DONTCOPY);
		return pbtest_bo_reached(bo, PBTEST_FAIL_DMABUF_LATE);
	}

	if (bo->flags & PBTEST_BO_LEAVE_VM_OPS) {
		/* No reference is needed: vm_file keeps the buffer alive. */
		vma->vm_pgoff += drm_vma_node_start(&obj->vma_node);
		ret = pbtest_bo_map(bo, vma);
		if (ret)
			return ret;
		return pbtest_bo_reached(bo, PBTEST_FAIL_DMABUF_LATE);
	}

	ret = drm_gem_dmabuf_mmap(dmabuf, vma);
	if (ret)
		return ret;

	if (bo->flags & PBTEST_BO_OWN_FILE)
		ret = pbtest_set_own_file(vma);
	if (!ret)
		ret = pbtest_bo_reached(bo, PBTEST_FAIL_DMABUF_LATE);
	if (ret)
		pbtest_undo_mmap(vma);
	return ret;
}

int pbtest_forward_ioctl(struct drm_device *drm, void *data,
			 struct drm_file *file)
{
	struct pbtest_forward *args = data;
	struct pbtest_bo *bo;
	int ret = -EINVAL;

	if (args->pad || args->pgoff > ULONG_MAX)
		return -EINVAL;

	bo = pbtest_bo_lookup(file, args->handle);
	if (!bo)
		return -ENOENT;

	if (pbtest_bo_is_imported(bo)) {
		spin_lock(&bo->lock);
		bo->forward_pgoff = args->pgoff;
		bo->forward_armed = true;
		spin_unlock(&bo->lock);
		ret = 0;
	}

	drm_gem_object_put(&bo->base);
	return ret;
}
