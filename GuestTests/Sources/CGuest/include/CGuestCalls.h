/* SPDX-License-Identifier: Apache-2.0 */

#ifndef CGUEST_CALLS_H
#define CGUEST_CALLS_H

#include <stdint.h>

// All return -1 and set errno on failure.

/// The arguments of an allocation from a heap, in an ioctl that may have another kernel's length or direction.
struct cguest_heap {
  uint64_t size;
  uint32_t fd, fd_flags;
  uint64_t heap_flags;
  /// The ioctl's number, 0 to 255, its direction (2 reads, 1 writes), and the length of its arguments in bytes, at most
  /// 1024.
  uint32_t number, direction, bytes;
};
/// Returns the descriptor that the kernel wrote back.
int cguest_heap_call(int heap, const struct cguest_heap *call);
/// The same with arguments that can be read but not written; returns 0.
int cguest_heap_call_readonly(int heap, const struct cguest_heap *call);

/// Creates a memfd that takes no seals; returns its descriptor.
int cguest_plain_memfd(uint64_t size);
/// One that has no seals and may get some.
int cguest_sealable_memfd(uint64_t size);
/// Has the host copy a box of a virtio GPU's buffer, in pixels, without 3D.
int cguest_virtgpu_transfer(int fd, uint32_t handle, uint32_t width, uint32_t height);

/// Returns a descriptor.
int cguest_udmabuf_call(int device, int memfd, uint32_t flags, uint64_t offset, uint64_t size);

/// A part of a memfd, in bytes.
struct cguest_piece {
  int memfd;
  uint64_t offset, size;
};
/// Returns a descriptor. `said` is the count passed to the kernel.
int cguest_udmabuf_list(int device, const struct cguest_piece *pieces, unsigned count, unsigned said);
/// The same with unreadable arguments.
int cguest_udmabuf_bad_list(int device);
/// The same with a list of which only the head is readable.
int cguest_udmabuf_cut_list(int device);

/// Returns a descriptor.
int cguest_drm_export_flags(int fd, uint32_t handle, uint32_t flags);
/// A dumb buffer: what is asked for, and then what was made. `pitch` and `size` are bytes.
struct cguest_dumb {
  uint32_t width, height, bits;
  uint32_t handle, pitch;
  uint64_t size;
};
int cguest_drm_create_sized(int fd, struct cguest_dumb *buffer);
int cguest_dmabuf_sync_flags(int dmabuf, uint64_t flags);

/// Punches a hole into a file's memory. In bytes.
int cguest_punch(int fd, uint64_t offset, uint64_t size);

/// PR_SET_MDWE with PR_MDWE_REFUSE_EXEC_GAIN. It cannot be undone.
int cguest_refuse_exec_gain(void);

/// Limits the number of this process's descriptors; -1 raises the limit to the hard limit.
int cguest_limit_descriptors(int most);

#endif
