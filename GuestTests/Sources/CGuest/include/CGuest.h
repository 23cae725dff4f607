/* SPDX-License-Identifier: Apache-2.0 */

// What the guest needs from C: variadic calls (ioctl, fcntl), macros that Swift does not import, and code that must run
// where Swift must not (before main, after fork, around a signal).
//
// Every function returns -1 and sets errno on failure unless it says otherwise.
#ifndef PATCHBENCH_CGUEST_H
#define PATCHBENCH_CGUEST_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "CGuestAccess.h"
#include "CGuestCalls.h"
#include "CGuestRace.h"
#include "CGuestDriver.h"
#include "CGuestFaults.h"

// DRM

/// Writes the name of a DRM chardev's driver into `name`, truncated to `size` and always terminated.
int cguest_drm_driver(int fd, char *name, size_t size);
/// Creates a dumb buffer of `pages` pages of 4096 bytes.
int cguest_drm_create_dumb(int fd, uint32_t pages, uint32_t *handle, uint64_t *size);
/// Returns the fake offset of a buffer. Refused for imported objects.
int cguest_drm_fake_offset(int fd, uint32_t handle, uint64_t *offset);
int cguest_drm_close_handle(int fd, uint32_t handle);
/// Returns a dma-buf fd for a handle.
int cguest_drm_export(int fd, uint32_t handle);
int cguest_drm_import(int fd, int dmabuf, uint32_t *handle);

// Exporters other than DRM drivers

/// Returns a memfd of `size` bytes, sealed against shrinking as udmabuf requires.
int cguest_sealed_memfd(const char *name, size_t size);
/// Returns a dma-buf fd for the whole of a memfd.
int cguest_udmabuf(int device, int memfd, size_t size);
/// Returns a dma-buf fd from a dma-heap.
int cguest_heap_alloc(int heap, size_t size);

// Memory

/// The effects of one touch of a page.
struct cguest_touch {
  /// Minor faults of this thread during the touch.
  long faults;
  /// Whether the touch raised SIGBUS.
  int sigbus;
};

/// Reads one byte and counts the minor faults that this took. Only `SIGBUS` is caught.
struct cguest_touch cguest_touch(const volatile void *address);
uint8_t cguest_peek(const volatile void *address);
void cguest_poke(volatile void *address, uint8_t value);

/// Moves a mapping to an address, replacing what is mapped there.
int cguest_move(void *from, size_t length, void *to);

// Processes

/// Forks a child that continues in the caller, with a return value of 0. It keeps the open files up to `as`, which
/// becomes a copy of `report`. Not for a process with threads: the child would have their locks but not the threads.
pid_t cguest_fork_test(int report, int as);

/// Leaves behind what a process can: a blocked and an ignored signal, descriptors, a limit, a working directory, a mode
/// mask, a priority, a mount on `directory`, a thread, and a process of another session. Returns that process, or -1.
pid_t cguest_leave_behind(const char *directory);
/// Forks a child that does nothing but hold copies of this process's mappings and descriptors until
/// `cguest_release_holder`. Returns its pid.
pid_t cguest_fork_holder(int *control);
/// Ends the child and waits for it.
int cguest_release_holder(pid_t pid, int control);
int cguest_pidfd_open(pid_t pid);
/// Makes a pipe that exec closes, and whose read end is non-blocking.
int cguest_report_pipe(int ends[2]);

// The machine

/// Syncs and resets the machine. That ends it: the host never lets a machine restart. A power-off would need ACPI,
/// whose tables take a third of an emulated boot. Returns only if the kernel refuses.
void cguest_end_machine(void);
/// The symbolic name of an errno, or NULL.
const char *cguest_errno_name(int number);
/// The abbreviated name of a signal ("SEGV"), or NULL.
const char *cguest_signal_name(int number);

#endif
