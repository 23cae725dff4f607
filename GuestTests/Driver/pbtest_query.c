// SPDX-License-Identifier: GPL-2.0-only
/* /dev/pbtest: what only the kernel knows about objects, files and mappings. */

#include <linux/dma-buf.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kdev_t.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/rbtree.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include <drm/drm_file.h>
#include <drm/drm_gem.h>
#include <drm/drm_ioctl.h>
#include <drm/drm_vma_manager.h>

#include "pbtest.h"
#include "pbtest_kernel.h"

static void pbtest_symbol(char *name, const void *address)
{
	if (address)
		snprintf(name, PBTEST_NAME_MAX, "%ps", address);
}

static void pbtest_describe_bo(struct pbtest_bo *bo, struct pbtest_object *args)
{
	args->flags |= PBTEST_OBJECT_OWN;
	args->id = bo->id;
	args->bo_flags = bo->flags;
	args->faults = atomic64_read(&bo->faults);
	args->pins = atomic_read(&bo->pins);
	args->maps = atomic_read(&bo->maps);
	args->dmabuf_pins = atomic_read(&bo->dmabuf_pins);
	args->moves = READ_ONCE(bo->moves);

	mutex_lock(&bo->pages_lock);
	args->generation = bo->generation;
	args->vmaps = bo->vmaps;
	mutex_unlock(&bo->pages_lock);

	spin_lock(&bo->lock);
	if (bo->fail_step != PBTEST_FAIL_NOTHING)
		args->flags |= PBTEST_OBJECT_FAIL_ARMED;
	if (bo->forward_armed)
		args->flags |= PBTEST_OBJECT_FORWARD_ARMED;
	spin_unlock(&bo->lock);
}

/* Returns the DRM file that is open at @fd, with a reference. */
struct file *pbtest_drm_file(int fd)
{
	struct file *file = fget(fd);

	if (!file)
		return ERR_PTR(-EBADF);

	/* Otherwise private_data is not a DRM file. */
	if (file->f_op->open != drm_open) {
		fput(file);
		return ERR_PTR(-EINVAL);
	}
	return file;
}

static int pbtest_query_object(struct pbtest_object *args)
{
	struct drm_gem_object *obj;
	struct dma_buf *dmabuf;
	struct file *file;
	int ret = 0;

	file = pbtest_drm_file(args->fd);
	if (IS_ERR(file))
		return PTR_ERR(file);

	obj = drm_gem_object_lookup(file->private_data, args->handle);
	if (!obj) {
		ret = -ENOENT;
		goto out;
	}

	args->refcount = kref_read(&obj->refcount) - 1;
	args->size = obj->size;
	args->offset = drm_vma_node_offset_addr(&obj->vma_node);
	pbtest_symbol(args->funcs, obj->funcs);
	pbtest_count_allowed(obj, args);

	mutex_lock(&obj->dev->object_name_lock);
	args->handle_count = obj->handle_count;
	dmabuf = obj->dma_buf;
	if (dmabuf)
		args->flags |= PBTEST_OBJECT_HAS_DMABUF;
	if (obj->import_attach) {
		args->flags |= PBTEST_OBJECT_IMPORTED;
		dmabuf = obj->import_attach->dmabuf;
	}
	if (dmabuf)
		args->dmabuf_count = file_count(dmabuf->file);
	mutex_unlock(&obj->dev->object_name_lock);

	if (pbtest_is_ours(obj))
		pbtest_describe_bo(to_pbtest_bo(obj), args);

out:
	if (obj)
		drm_gem_object_put(obj);
	fput(file);
	return ret;
}

/*
 * Counts the mappings on an address space, and those of them that show a page
 * of the range. Walks all of them: the interval tree's iterators are not
 * exported to modules, but those of the underlying rbtree are.
 */
static void pbtest_count_vmas(struct address_space *mapping,
			      struct pbtest_file *args)
{
	struct rb_node *node;

	i_mmap_lock_read(mapping);
	for (node = rb_first_cached(&mapping->i_mmap); node;
	     node = rb_next(node)) {
		struct vm_area_struct *vma =
			rb_entry(node, struct vm_area_struct, shared.rb);
		u64 last = (u64)vma->vm_pgoff + vma_pages(vma) - 1;

		args->vmas++;
		if (vma->vm_pgoff <= args->last && last >= args->first)
			args->vmas_within++;
	}
	args->i_mmap_writable = atomic_read(&mapping->i_mmap_writable);
	i_mmap_unlock_read(mapping);
}

static bool pbtest_is_linked(struct vm_area_struct *vma)
{
	struct address_space *mapping = vma->vm_file->f_mapping;
	struct rb_node *node;

	i_mmap_lock_read(mapping);
	node = rb_first_cached(&mapping->i_mmap);
	while (node && node != &vma->shared.rb)
		node = rb_next(node);
	i_mmap_unlock_read(mapping);
	return node;
}

static int pbtest_query_file(struct pbtest_file *args)
{
	struct dma_buf *dmabuf;
	struct file *file;

	if (args->first > args->last)
		return -EINVAL;

	file = fget(args->fd);
	if (!file)
		return -EBADF;

	args->count = file_count(file) - 1;
	args->dev = new_encode_dev(file_inode(file)->i_sb->s_dev);
	args->ino = file_inode(file)->i_ino;
	args->mapping_ino = file->f_mapping->host->i_ino;
	snprintf(args->name, PBTEST_NAME_MAX, "%pD", file);
	pbtest_symbol(args->f_op, file->f_op);
	pbtest_count_vmas(file->f_mapping, args);

	/* A module has no other way to tell. */
	dmabuf = dma_buf_get(args->fd);
	if (!IS_ERR(dmabuf)) {
		if (dmabuf->file == file)
			args->flags |= PBTEST_FILE_DMABUF;
		dma_buf_put(dmabuf);
	}

	fput(file);
	return 0;
}

static void pbtest_describe_vma_file(struct file *file,
				     struct pbtest_vma *args)
{
	args->flags |= PBTEST_VMA_HAS_FILE;
	args->file_count = file_count(file);
	args->dev = new_encode_dev(file_inode(file)->i_sb->s_dev);
	args->ino = file_inode(file)->i_ino;
	args->mapping_ino = file->f_mapping->host->i_ino;
	snprintf(args->file_name, PBTEST_NAME_MAX, "%pD", file);
	pbtest_symbol(args->f_op, file->f_op);
}

/* Only if write-combining differs from the normal protection of memory. */
static bool pbtest_is_write_combine(struct vm_area_struct *vma)
{
	pgprot_t plain = vm_get_page_prot(vma->vm_flags);
	pgprot_t combined = pgprot_writecombine(vma->vm_page_prot);

	return pgprot_val(pgprot_writecombine(plain)) != pgprot_val(plain) &&
	       pgprot_val(combined) == pgprot_val(vma->vm_page_prot);
}

static void pbtest_describe_vma(struct vm_area_struct *vma,
				struct pbtest_vma *args)
{
	unsigned long pfn;

	args->start = vma->vm_start;
	args->end = vma->vm_end;
	args->pgoff = vma->vm_pgoff;
	args->vm_flags = vma->vm_flags;

	if (vma->vm_file) {
		pbtest_describe_vma_file(vma->vm_file, args);
		if (pbtest_is_linked(vma))
			args->flags |= PBTEST_VMA_LINKED;
	}

	if (vma->vm_ops)
		args->flags |= PBTEST_VMA_HAS_OPS;
	if (vma->vm_private_data)
		args->flags |= PBTEST_VMA_HAS_PRIVATE;
	pbtest_symbol(args->vm_ops, vma->vm_ops);

	if (vma->vm_ops == &pbtest_vm_ops ||
	    vma->vm_ops == &pbtest_populated_vm_ops)
		args->flags |= PBTEST_VMA_OWN;
	args->id = pbtest_bo_id(vma->vm_private_data);
	if (pbtest_is_write_combine(vma))
		args->flags |= PBTEST_VMA_WRITE_COMBINE;

	if (vma->vm_flags & (VM_IO | VM_PFNMAP) &&
	    pbtest_mapped_pfn(vma, args->address & PAGE_MASK, &pfn)) {
		args->flags |= PBTEST_VMA_PRESENT;
		args->pfn = pfn;
	}
}

static int pbtest_query_vma(struct pbtest_vma *args)
{
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;
	struct file *file = NULL;
	int ret = 0;

	if (args->fd >= 0) {
		file = fget(args->fd);
		if (!file)
			return -EBADF;
	} else if (args->fd != -1) {
		return -EBADF;
	}

	ret = mmap_read_lock_killable(mm);
	if (ret)
		goto out;

	vma = vma_lookup(mm, args->address);
	if (vma) {
		pbtest_describe_vma(vma, args);
		if (file && vma->vm_file == file)
			args->flags |= PBTEST_VMA_SAME_FILE;
		if (file && vma->vm_file &&
		    vma->vm_file->f_mapping == file->f_mapping)
			args->flags |= PBTEST_VMA_SAME_MAPPING;
		/* Do not count the reference that this call holds. */
		if (args->flags & PBTEST_VMA_SAME_FILE)
			args->file_count--;
	} else {
		ret = -EFAULT;
	}
	mmap_read_unlock(mm);

out:
	if (file)
		fput(file);
	return ret;
}

static int pbtest_query(unsigned int cmd, void *data)
{
	/* Output fields are not read, so what the caller left there is cleared. */
	switch (cmd) {
	case PBTEST_QUERY_OBJECT: {
		struct pbtest_object *args = data;

		*args = (struct pbtest_object){
			.fd = args->fd, .handle = args->handle,
		};
		return pbtest_query_object(args);
	}
	case PBTEST_QUERY_FILE: {
		struct pbtest_file *args = data;

		*args = (struct pbtest_file){
			.fd = args->fd, .first = args->first,
			.last = args->last,
		};
		return pbtest_query_file(args);
	}
	case PBTEST_QUERY_VMA: {
		struct pbtest_vma *args = data;

		*args = (struct pbtest_vma){
			.address = args->address, .fd = args->fd,
		};
		return pbtest_query_vma(args);
	}
	case PBTEST_QUERY_CLIENT: {
		struct pbtest_client *args = data;

		*args = (struct pbtest_client){ .fd = args->fd };
		return pbtest_query_client(args);
	}
	case PBTEST_QUERY_DMABUF: {
		struct pbtest_dmabuf *args = data;

		*args = (struct pbtest_dmabuf){ .fd = args->fd };
		return pbtest_query_dmabuf(args);
	}
	case PBTEST_QUERY_LOOKUP: {
		struct pbtest_lookup *args = data;

		*args = (struct pbtest_lookup){
			.fd = args->fd, .start = args->start,
			.pages = args->pages,
		};
		return pbtest_query_lookup(args);
	}
	case PBTEST_QUERY_UUID: {
		struct pbtest_uuid *args = data;

		*args = (struct pbtest_uuid){ .fd = args->fd };
		return pbtest_query_uuid(args);
	}
	case PBTEST_QUERY_ALLOW:
		return pbtest_query_allow(data);
	case PBTEST_QUERY_PAGE: {
		struct pbtest_page *args = data;

		*args = (struct pbtest_page){ .pfn = args->pfn };
		return pbtest_query_page(args);
	}
	case PBTEST_QUERY_SYMBOL: {
		struct pbtest_symbol *args = data;

		*args = (struct pbtest_symbol){ .address = args->address };
		pbtest_symbol(args->name, (void *)(uintptr_t)args->address);
		return 0;
	}
	default:
		return -ENOTTY;
	}
}

static long pbtest_query_ioctl(struct file *file, unsigned int cmd,
			       unsigned long arg)
{
	union {
		struct pbtest_object object;
		struct pbtest_file file;
		struct pbtest_vma vma;
		struct pbtest_client client;
		struct pbtest_dmabuf dmabuf;
		struct pbtest_lookup lookup;
		struct pbtest_uuid uuid;
		struct pbtest_allow allow;
		struct pbtest_page page;
		struct pbtest_symbol symbol;
	} *args;
	size_t size = _IOC_SIZE(cmd);
	long ret;

	if (size > sizeof(*args))
		return -ENOTTY;

	args = kzalloc(sizeof(*args), GFP_KERNEL);
	if (!args)
		return -ENOMEM;

	if (copy_from_user(args, (void __user *)arg, size)) {
		ret = -EFAULT;
		goto out;
	}
	ret = pbtest_query(cmd, args);
	if (!ret && copy_to_user((void __user *)arg, args, size))
		ret = -EFAULT;

out:
	kfree(args);
	return ret;
}

static const struct file_operations pbtest_query_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = pbtest_query_ioctl,
};

struct miscdevice pbtest_query_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "pbtest",
	.fops = &pbtest_query_fops,
	.mode = 0666,
};
