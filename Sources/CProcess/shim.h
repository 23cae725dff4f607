/* SPDX-License-Identifier: Apache-2.0 */

#ifndef CPROCESS_SHIM_H
#define CPROCESS_SHIM_H

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

// Swift's Glibc module lacks pidfds. A signal sent to a pidfd never reaches another process that reused a dead
// process's PID.
static inline int cprocess_open(pid_t process) { return (int)syscall(SYS_pidfd_open, process, 0); }
static inline int cprocess_signal(int descriptor, int number) {
  return (int)syscall(SYS_pidfd_send_signal, descriptor, number, NULL, 0);
}

// It also lacks syncfs(2), which glibc declares only with _GNU_SOURCE.
static inline int cprocess_sync_file_system(int descriptor) { return (int)syscall(SYS_syncfs, descriptor); }

#endif
