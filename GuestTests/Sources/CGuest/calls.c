// SPDX-License-Identifier: Apache-2.0

// Calls to exporters and importers with arbitrary arguments, valid or not.
#define _GNU_SOURCE
#include "CGuest.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/udmabuf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "drm_calls.h"

int cguest_heap_call(int heap, const struct cguest_heap *call) {
  // Longer than any kernel's version of it, so that the caller can choose the length.
  union {
    struct dma_heap_allocation_data data;
    char room[1024];
  } args = {.data = {.len = call->size, .fd = call->fd, .fd_flags = call->fd_flags, .heap_flags = call->heap_flags}};
  unsigned long request = _IOC(call->direction, 'H', call->number, call->bytes);
  return ioctl(heap, request, &args) < 0 ? -1 : (int)args.data.fd;
}

int cguest_heap_call_readonly(int heap, const struct cguest_heap *call) {
  struct dma_heap_allocation_data *data =
      mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) return -1;
  *data = (struct dma_heap_allocation_data){
      .len = call->size, .fd = call->fd, .fd_flags = call->fd_flags, .heap_flags = call->heap_flags};
  mprotect(data, 4096, PROT_READ);
  int result = ioctl(heap, _IOC(call->direction, 'H', call->number, call->bytes), data) < 0 ? -1 : 0;
  int code = errno;
  munmap(data, 4096);
  errno = code;
  return result;
}

int cguest_plain_memfd(uint64_t size) {
  int fd = memfd_create("plain", MFD_CLOEXEC);
  return fd < 0 || ftruncate(fd, (off_t)size) == 0 ? fd : -1;
}

int cguest_virtgpu_transfer(int fd, uint32_t handle, uint32_t width, uint32_t height) {
  struct drm_virtgpu_3d_transfer args = {.bo_handle = handle, .box = {.w = width, .h = height, .d = 1}};
  return ioctl(fd, DRM_IOCTL_VIRTGPU_TRANSFER_TO_HOST, &args);
}

int cguest_sealable_memfd(uint64_t size) {
  int fd = memfd_create("sealable", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  return fd < 0 || ftruncate(fd, (off_t)size) == 0 ? fd : -1;
}

int cguest_udmabuf_call(int device, int memfd, uint32_t flags, uint64_t offset, uint64_t size) {
  struct udmabuf_create create = {.memfd = (__u32)memfd, .flags = flags, .offset = offset, .size = size};
  return ioctl(device, UDMABUF_CREATE, &create);
}

int cguest_udmabuf_list(int device, const struct cguest_piece *pieces, unsigned count, unsigned said) {
  struct udmabuf_create_list *list = calloc(1, sizeof *list + count * sizeof list->list[0]);
  if (!list) return -1;
  list->flags = UDMABUF_FLAGS_CLOEXEC;
  list->count = said;
  for (unsigned i = 0; i < count; i++) {
    list->list[i].memfd = (__u32)pieces[i].memfd;
    list->list[i].offset = pieces[i].offset;
    list->list[i].size = pieces[i].size;
  }
  int fd = ioctl(device, UDMABUF_CREATE_LIST, list);
  free(list);
  return fd;
}

int cguest_udmabuf_bad_list(int device) { return ioctl(device, UDMABUF_CREATE_LIST, cguest_bad_pointer()); }

int cguest_udmabuf_cut_list(int device) {
  const size_t page = 4096;
  char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) return -1;
  munmap(pages + page, page);
  struct udmabuf_create_list head = {.count = 1};
  char *start = pages + page - sizeof head;
  memcpy(start, &head, sizeof head);
  int fd = ioctl(device, UDMABUF_CREATE_LIST, start);
  int code = errno;
  munmap(pages, page);
  errno = code;
  return fd;
}

int cguest_drm_export_flags(int fd, uint32_t handle, uint32_t flags) {
  struct drm_prime_handle prime = {.handle = handle, .flags = flags, .fd = -1};
  return ioctl(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime) < 0 ? -1 : prime.fd;
}

int cguest_drm_create_sized(int fd, struct cguest_dumb *buffer) {
  struct drm_mode_create_dumb dumb = {.height = buffer->height, .width = buffer->width, .bpp = buffer->bits};
  if (ioctl(fd, DRM_IOCTL_MODE_CREATE_DUMB, &dumb) < 0) return -1;
  buffer->handle = dumb.handle;
  buffer->pitch = dumb.pitch;
  buffer->size = dumb.size;
  return 0;
}

int cguest_dmabuf_sync_flags(int dmabuf, uint64_t flags) {
  struct dma_buf_sync sync = {.flags = flags};
  return ioctl(dmabuf, DMA_BUF_IOCTL_SYNC, &sync);
}

int cguest_punch(int fd, uint64_t offset, uint64_t size) {
  return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)size);
}

int cguest_refuse_exec_gain(void) {
  // From include/uapi/linux/prctl.h since 6.3; older headers do not have them.
  const int set_mdwe = 65, refuse_exec_gain = 1;
  return prctl(set_mdwe, refuse_exec_gain, 0, 0, 0);
}

int cguest_limit_descriptors(int most) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return -1;
  limit.rlim_cur = most < 0 ? limit.rlim_max : (rlim_t)most;
  return setrlimit(RLIMIT_NOFILE, &limit);
}
