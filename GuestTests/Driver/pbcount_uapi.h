/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * The ioctls of /dev/pbcount: pbcount is patchbench's instruction counter.
 *
 * It is separate from pbtest because it must also work if pbtest does not build.
 */
#ifndef PBCOUNT_UAPI_H
#define PBCOUNT_UAPI_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* The largest number of places. */
#define PBCOUNT_MOST	8192

/* The largest number of bits in one condition. */
#define PBCOUNT_BITS	5

/**
 * struct pbcount_place - an instruction to count
 * @address: of the instruction
 * @table: bit n is set if the condition holds when the bits form the number n;
 *	   0 if there is no condition
 * @bits: of the source, the least significant of the number first
 * @count: how many of @bits are used; with 0, the number is 0 if the source is
 *	   zero, and otherwise 1
 * @source: 0 is the flags register, n + 1 is general register n
 * @width: only so many bits of a general register count, from the lowest
 * @place: the result: its number, from 0 in the order of the calls
 *
 * A place in a module is lost when the module is unloaded, and has to be added
 * again.
 *
 * -EINVAL if there is no such source; -EINVAL or -EBUSY if there can be no kprobe (kernel/kprobes.c says why),
 * -ENOSPC if there are PBCOUNT_MOST places already, -EOPNOTSUPP if the kernel
 * has no kprobes.
 */
struct pbcount_place {
	__u64 address;
	__u32 table;
	__u8 bits[PBCOUNT_BITS];
	__u8 count;
	__u8 source;
	__u8 width;
	__u32 place;
};

/**
 * struct pbcount_runs - how often one place ran
 * @place: its number
 * @padding: 0
 * @held: how often its condition held
 * @fell: how often it did not, or how often the place ran without a condition
 */
struct pbcount_runs {
	__u32 place;
	__u32 padding;
	__u64 held;
	__u64 fell;
};

/**
 * struct pbcount_take - what ran since the last call
 * @runs: a pointer to an array of struct pbcount_runs
 * @room: the size of that array
 * @count: the result: how many were written; only places that ran are
 */
struct pbcount_take {
	__u64 runs;
	__u32 room;
	__u32 count;
};

#define PBCOUNT_ADD	_IOWR('P', 0x90, struct pbcount_place)
#define PBCOUNT_TAKE	_IOWR('P', 0x91, struct pbcount_take)
/* Stops watching the place with this number; -ENOENT if there is none. */
#define PBCOUNT_DROP	_IOW('P', 0x92, __u32)

#endif
