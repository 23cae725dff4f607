/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * What pbcount, patchbench's counter of instructions, can be asked, by way of
 * /dev/pbcount.
 *
 * It is a module of its own beside pbtest: what ran is to be known also where
 * pbtest does not build.
 */
#ifndef PBCOUNT_UAPI_H
#define PBCOUNT_UAPI_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* No more places are counted than this. */
#define PBCOUNT_MOST	8192

/* So many bits of the flags register can decide a condition. */
#define PBCOUNT_BITS	5

/**
 * struct pbcount_place - an instruction to count
 * @address: of the instruction
 * @table: bit n is set where the condition holds for the number n that the bits
 *	   make; only with @count
 * @bits: of the flags register, the lowest of the number first
 * @count: how many of @bits count; 0: there is no condition
 * @padding: 0
 * @place: the result: its number, from 0 in the order of the calls
 *
 * A place in a module goes with the module, and has to be added again.
 *
 * -EINVAL if nobody can stop there (kernel/kprobes.c says why not), -EBUSY
 * likewise, -ENOSPC if there are PBCOUNT_MOST, -EOPNOTSUPP if the kernel has no
 * kprobes.
 */
struct pbcount_place {
	__u64 address;
	__u32 table;
	__u8 bits[PBCOUNT_BITS];
	__u8 count;
	__u16 padding;
	__u32 place;
};

/**
 * struct pbcount_runs - how often one place ran
 * @place: its number
 * @padding: 0
 * @held: how often, with its condition held
 * @fell: how often else
 */
struct pbcount_runs {
	__u32 place;
	__u32 padding;
	__u64 held;
	__u64 fell;
};

/**
 * struct pbcount_take - what ran since this was last asked
 * @runs: where an array of struct pbcount_runs goes
 * @room: how many it has place for
 * @count: the result: how many were written, of those that ran alone
 */
struct pbcount_take {
	__u64 runs;
	__u32 room;
	__u32 count;
};

#define PBCOUNT_ADD	_IOWR('P', 0x90, struct pbcount_place)
#define PBCOUNT_TAKE	_IOWR('P', 0x91, struct pbcount_take)
/* The number of a place that is not looked at any more; -ENOENT: there is none. */
#define PBCOUNT_DROP	_IOW('P', 0x92, __u32)

#endif
