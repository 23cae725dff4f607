/* SPDX-License-Identifier: Apache-2.0 */

// Makes the kernel fail on demand, and the calls that are made meanwhile.
#ifndef PATCHBENCH_CGUEST_FAULTS_H
#define PATCHBENCH_CGUEST_FAULTS_H

#include <stddef.h>
#include <stdint.h>

/// Makes this task fail at the nth place from now on that can fail: an allocation, or an access to user memory. `file`
/// is /proc/thread-self/fail-nth.
int cguest_fail_nth(int file, unsigned n);
/// Ends that. Returns whether the failure occurred.
int cguest_fail_nothing(int file);

/// Forks a child that ends at once. Returns its pid.
int cguest_fork_and_exit(void);
/// Raises a signal with an empty handler repeatedly, at this interval in milliseconds; 0 ends it. Interrupted calls are
/// not restarted.
int cguest_pester(unsigned milliseconds);

/// Makes the process allocate memory only by growing its one heap, and never return any: what it gets from the kernel
/// then does not change from one moment to the next.
int cguest_settle_heap(void);

/// The lowest free fd, which the next call that creates one gets.
int cguest_next_fd(void);
/// Begins or ends CPU access to a dma-buf.
int cguest_dmabuf_sync(int dmabuf, int begin);
/// Returns a sync file of all fences on a dma-buf, or -1.
int cguest_dmabuf_export_sync_file(int dmabuf);
/// Puts the fences of a sync file on a dma-buf, as a writer's.
int cguest_dmabuf_import_sync_file(int dmabuf, int file);
/// Names a dma-buf. The kernel reads the name up to its terminating zero.
int cguest_dmabuf_name(int dmabuf, const char *name);

/// Gives a buffer a name that is global on its device (flink), and opens it by that name: each time with a new handle.
int cguest_drm_flink(int fd, uint32_t handle, uint32_t *name);
int cguest_drm_open_name(int fd, uint32_t name, uint32_t *handle);
/// Attaches a write fence to a buffer of vgem, and signals it.
int cguest_vgem_attach(int fd, uint32_t handle, uint32_t *fence);
int cguest_vgem_signal(int fd, uint32_t fence);

/// The calls of the exporters and importers, by number, to be made with memory that cannot be read or written.
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
