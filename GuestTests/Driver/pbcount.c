// SPDX-License-Identifier: GPL-2.0-only
/*
 * pbcount: counts how often instructions of the kernel run, and for conditional
 * ones how often their condition held.
 *
 * Each place is a kprobe that increments a counter. Tracefs can count as well,
 * with histograms of kprobe events, but reading those takes longer than the
 * tests that they watch.
 */
#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/fs.h>
#include <linux/kprobes.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "pbcount_uapi.h"

struct pbcount {
	struct kprobe probe;
	struct pbcount_place what;
	/* A run increments only one of them, so a read at any time is consistent. */
	atomic64_t held;
	atomic64_t fell;
	/* The part of probe.nmissed that was already reported. */
	unsigned long missed;
};

/* Nothing is ever removed: the module stays loaded until the machine ends. */
static struct pbcount *pbcounts[PBCOUNT_MOST];
static u32 pbcount_count;
static DEFINE_MUTEX(pbcount_lock);

/*
 * How many general registers conditions can name. Only on arm64 do branches
 * test registers themselves (cbz, tbz).
 */
#if defined(CONFIG_ARM64)
#define PBCOUNT_REGISTERS	31
#else
#define PBCOUNT_REGISTERS	0
#endif

static u64 pbcount_source(const struct pbcount_place *what,
			  const struct pt_regs *regs)
{
#if defined(CONFIG_X86)
	return regs->flags;
#elif defined(CONFIG_ARM64)
	if (!what->source)
		return regs->pstate;
	return regs->regs[what->source - 1] & GENMASK_ULL(what->width - 1, 0);
#else
#error "pbcount does not know this architecture's flags"
#endif
}

static bool pbcount_is_valid(const struct pbcount_place *what)
{
	u8 i;

	if (what->count > PBCOUNT_BITS || what->source > PBCOUNT_REGISTERS)
		return false;
	/* The flags are never tested as a whole. */
	if (what->source ? !what->width || what->width > BITS_PER_LONG :
	    what->width || (what->table && !what->count))
		return false;
	for (i = 0; i < what->count; i++)
		if (what->bits[i] >= BITS_PER_LONG)
			return false;
	return true;
}

/* Runs wherever a kprobe does, so it calls no other function. */
static int pbcount_hit(struct kprobe *probe, struct pt_regs *regs)
{
	struct pbcount *here = container_of(probe, struct pbcount, probe);
	u64 source = pbcount_source(&here->what, regs);
	u32 number = here->what.count ? 0 : !!source;
	u8 i;

	for (i = 0; i < here->what.count; i++)
		number |= (source >> here->what.bits[i] & 1) << i;
	if (here->what.table >> number & 1)
		atomic64_inc(&here->held);
	else
		atomic64_inc(&here->fell);
	return 0;
}
NOKPROBE_SYMBOL(pbcount_hit);

static int pbcount_add(struct pbcount_place *what)
{
	struct pbcount *here;
	int ret;

	if (!pbcount_is_valid(what))
		return -EINVAL;
	if (pbcount_count == PBCOUNT_MOST)
		return -ENOSPC;

	here = kzalloc(sizeof(*here), GFP_KERNEL);
	if (!here)
		return -ENOMEM;

	here->what = *what;
	here->probe.addr = (kprobe_opcode_t *)(uintptr_t)what->address;
	here->probe.pre_handler = pbcount_hit;
	ret = register_kprobe(&here->probe);
	if (ret) {
		kfree(here);
		return ret;
	}

	what->place = pbcount_count;
	pbcounts[pbcount_count++] = here;
	return 0;
}

static int pbcount_take(struct pbcount_take *args)
{
	struct pbcount_runs __user *to = u64_to_user_ptr(args->runs);
	u32 i;

	args->count = 0;
	for (i = 0; i < pbcount_count && args->count < args->room; i++) {
		struct pbcount *here = pbcounts[i];
		unsigned long missed = READ_ONCE(here->probe.nmissed);
		struct pbcount_runs runs = { .place = i };

		if (atomic64_read(&here->held))
			runs.held = atomic64_xchg(&here->held, 0);
		if (atomic64_read(&here->fell))
			runs.fell = atomic64_xchg(&here->fell, 0);
		/* It ran in an interrupt of a handler; the condition is unknown. */
		if (!here->what.table)
			runs.fell += missed - here->missed;
		here->missed = missed;
		if (!runs.held && !runs.fell)
			continue;
		if (copy_to_user(&to[args->count], &runs, sizeof(runs)))
			return -EFAULT;
		args->count++;
	}
	return 0;
}

static long pbcount_ioctl(struct file *file, unsigned int cmd,
			  unsigned long arg)
{
	void __user *user = (void __user *)arg;
	union {
		struct pbcount_place place;
		struct pbcount_take take;
		__u32 number;
	} args;
	long ret;

	if (_IOC_SIZE(cmd) > sizeof(args))
		return -ENOTTY;
	if (copy_from_user(&args, user, _IOC_SIZE(cmd)))
		return -EFAULT;

	mutex_lock(&pbcount_lock);
	switch (cmd) {
	case PBCOUNT_ADD:
		ret = pbcount_add(&args.place);
		break;
	case PBCOUNT_TAKE:
		ret = pbcount_take(&args.take);
		break;
	case PBCOUNT_DROP:
		ret = args.number < pbcount_count ?
		      disable_kprobe(&pbcounts[args.number]->probe) : -ENOENT;
		break;
	default:
		ret = -ENOTTY;
	}
	mutex_unlock(&pbcount_lock);

	if (!ret && _IOC_DIR(cmd) & _IOC_READ &&
	    copy_to_user(user, &args, _IOC_SIZE(cmd)))
		ret = -EFAULT;
	return ret;
}

static const struct file_operations pbcount_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = pbcount_ioctl,
};

static struct miscdevice pbcount_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "pbcount",
	.fops = &pbcount_fops,
	.mode = 0600,
};

static int __init pbcount_init(void)
{
	return misc_register(&pbcount_device);
}
module_init(pbcount_init);

MODULE_DESCRIPTION("Counts how often instructions run, for patchbench");
MODULE_LICENSE("GPL");
