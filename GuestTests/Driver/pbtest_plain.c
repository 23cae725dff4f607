// SPDX-License-Identifier: GPL-2.0
/* /dev/pbtest-plain: what forwards mappings without GEM in between. */

#include <linux/dma-buf.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/uaccess.h>

#include "pbtest.h"
#include "pbtest_kernel.h"

/* A file's private data is the dma-buf that its next mmap goes to. */

static int pbtest_plain_open(struct inode *inode, struct file *file)
{
	file->private_data = NULL;
	return 0;
}

static void pbtest_plain_put(struct dma_buf *dmabuf)
{
	if (dmabuf)
		dma_buf_put(dmabuf);
}

static int pbtest_plain_release(struct inode *inode, struct file *file)
{
	pbtest_plain_put(file->private_data);
	return 0;
}

static long pbtest_plain_ioctl(struct file *file, unsigned int cmd,
			       unsigned long arg)
{
	struct pbtest_plain args;
	struct dma_buf *dmabuf;

	if (cmd != PBTEST_PLAIN_FORWARD)
		return -ENOTTY;
	if (copy_from_user(&args, (void __user *)arg, sizeof(args)))
		return -EFAULT;
	if (args.pad)
		return -EINVAL;

	dmabuf = dma_buf_get(args.fd);
	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);
	pbtest_plain_put(xchg(&file->private_data, dmabuf));
	return 0;
}

static int pbtest_plain_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct dma_buf *dmabuf = xchg(&file->private_data, NULL);
	int ret = 0;

	if (dmabuf)
		ret = dma_buf_mmap(dmabuf, vma, vma->vm_pgoff);
	else
		pbtest_add_vm_flags(vma, VM_DONTCOPY);
	pbtest_plain_put(dmabuf);
	return ret;
}

static const struct file_operations pbtest_plain_fops = {
	.owner = THIS_MODULE,
	.open = pbtest_plain_open,
	.release = pbtest_plain_release,
	.unlocked_ioctl = pbtest_plain_ioctl,
	.mmap = pbtest_plain_mmap,
};

struct miscdevice pbtest_plain_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "pbtest-plain",
	.fops = &pbtest_plain_fops,
	.mode = 0666,
};
