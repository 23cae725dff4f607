/* SPDX-License-Identifier: Apache-2.0 */

// The C library, as the guest's Swift sees it. Swift's own Glibc module does not exist in Embedded Swift, so the guest
// uses this one in both kinds of builds.
#ifndef PATCHBENCH_CLIBC_H
#define PATCHBENCH_CLIBC_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// Swift imports neither macros with casts or calls in them, nor variadic functions.
#define CLIBC_NAME(name) __attribute__((swift_name(name)))

CLIBC_NAME("getter:errno()")
static inline int clibc_errno(void) { return errno; }

CLIBC_NAME("getter:MAP_FAILED()")
static inline void *_Nonnull clibc_map_failed(void) { return MAP_FAILED; }

CLIBC_NAME("open(_:_:)")
static inline int clibc_open(const char *_Nonnull path, int flags) { return open(path, flags); }

CLIBC_NAME("open(_:_:_:)")
static inline int clibc_create(const char *_Nonnull path, int flags, mode_t mode) { return open(path, flags, mode); }

CLIBC_NAME("fcntl(_:_:)")
static inline int clibc_fcntl(int file, int command) { return fcntl(file, command); }

#endif
