/* SPDX-License-Identifier: Apache-2.0 */

// Letting the kernel fail on demand, and what it is asked in the meantime.
#ifndef PATCHBENCH_CGUEST_FAULTS_H
#define PATCHBENCH_CGUEST_FAULTS_H

#include <stddef.h>
#include <stdint.h>

/// Has the nth place from here on fail at which this task can be made to: an allocation, or an access to user memory.
/// `file` is /proc/thread-self/fail-nth.
int cguest_fail_nth(int file, unsigned n);
/// Ends that. Returns whether it had failed.
int cguest_fail_nothing(int file);

/// Forks a child that ends at once. Returns its pid.
int cguest_fork_and_exit(void);
/// Has a signal without a handler of consequence come again and again, so many milliseconds apart; 0 ends it. No call is
/// restarted that it interrupts.
int cguest_pester(unsigned milliseconds);

/// Has the process ask for memory only by growing its one heap, and never give any back: what it is given by the kernel is
/// then no more and no less from one moment to the next.
int cguest_settle_heap(void);

/// The lowest fd that is free, which the next call that makes one gets.
int cguest_next_fd(void);
/// Begins or ends access to a dma-buf by the processor.
int cguest_dmabuf_sync(int dmabuf, int begin);
/// Gives a dma-buf a name, of which as many bytes are read as there are up to the zero.
int cguest_dmabuf_name(int dmabuf, const char *name);

/// Gives a buffer a name that is global on its device, and opens it by that name: a handle more each time.
int cguest_drm_flink(int fd, uint32_t handle, uint32_t *name);
int cguest_drm_open_name(int fd, uint32_t name, uint32_t *handle);
/// Attaches a fence to a buffer of vgem's, as one who writes to it, and signals it.
int cguest_vgem_attach(int fd, uint32_t handle, uint32_t *fence);
int cguest_vgem_signal(int fd, uint32_t fence);

/// The calls of the exporters and importers, by number, for whoever passes them memory that cannot be read or written.
enum cguest_call {
  CGUEST_CALL_CREATE_DUMB,
  CGUEST_CALL_MAP_DUMB,
  CGUEST_CALL_EXPORT,
  CGUEST_CALL_IMPORT,
  CGUEST_CALL_CLOSE,
  CGUEST_CALL_UDMABUF,
  CGUEST_CALL_HEAP,
  CGUEST_CALL_SYNC,
};
int cguest_raw_call(int fd, enum cguest_call call, void *args);
/// Writes the arguments of a call to memory: a handle or an fd, and a number of pages.
void cguest_fill_call(enum cguest_call call, void *args, int64_t first, uint32_t pages);

/// An address that every call refuses.
void *cguest_bad_pointer(void);

#endif
