/* SPDX-License-Identifier: Apache-2.0 */

#ifndef CPROCESS_SHIM_H
#define CPROCESS_SHIM_H

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

// Swift's Glibc module has no process descriptors; a signal that goes to one never reaches a process that got the number
// of a dead one.
static inline int cprocess_open(pid_t process) { return (int)syscall(SYS_pidfd_open, process, 0); }
static inline int cprocess_signal(int descriptor, int number) {
  return (int)syscall(SYS_pidfd_send_signal, descriptor, number, NULL, 0);
}

// Nor syncfs(2), which glibc declares with _GNU_SOURCE alone.
static inline int cprocess_sync_file_system(int descriptor) { return (int)syscall(SYS_syncfs, descriptor); }

#endif
