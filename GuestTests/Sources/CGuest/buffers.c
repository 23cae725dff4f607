// SPDX-License-Identifier: Apache-2.0

// The ioctls of the exporters and the importers.
#define _GNU_SOURCE
#include "CGuest.h"

#include <fcntl.h>
#include <linux/dma-heap.h>
#include <linux/types.h>
#include <linux/udmabuf.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "drm_calls.h"

int cguest_drm_driver(int fd, char *name, size_t size) {
  struct drm_version version = {.name_len = size - 1, .name = name};
  memset(name, 0, size);
  return ioctl(fd, DRM_IOCTL_VERSION, &version);
}

int cguest_drm_create_dumb(int fd, uint32_t pages, uint32_t *handle, uint64_t *size) {
  // One line of 1024 pixels of 32 bits is one page.
  struct drm_mode_create_dumb dumb = {.height = pages, .width = 1024, .bpp = 32};
  if (ioctl(fd, DRM_IOCTL_MODE_CREATE_DUMB, &dumb) < 0) return -1;
  *handle = dumb.handle;
  *size = dumb.size;
  return 0;
}

int cguest_drm_fake_offset(int fd, uint32_t handle, uint64_t *offset) {
  struct drm_mode_map_dumb map = {.handle = handle};
  if (ioctl(fd, DRM_IOCTL_MODE_MAP_DUMB, &map) < 0) return -1;
  *offset = map.offset;
  return 0;
}

int cguest_drm_close_handle(int fd, uint32_t handle) {
  struct drm_gem_close close = {.handle = handle};
  return ioctl(fd, DRM_IOCTL_GEM_CLOSE, &close);
}

int cguest_drm_export(int fd, uint32_t handle) {
  struct drm_prime_handle prime = {.handle = handle, .flags = O_CLOEXEC | O_RDWR, .fd = -1};
  return ioctl(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime) < 0 ? -1 : prime.fd;
}

int cguest_drm_import(int fd, int dmabuf, uint32_t *handle) {
  struct drm_prime_handle prime = {.fd = dmabuf};
  if (ioctl(fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime) < 0) return -1;
  *handle = prime.handle;
  return 0;
}

int cguest_sealed_memfd(const char *name, size_t size) {
  int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) return -1;
  if (ftruncate(fd, (off_t)size) < 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) < 0) {
    close(fd);
    return -1;
  }
  return fd;
}

int cguest_udmabuf(int device, int memfd, size_t size) {
  struct udmabuf_create create = {.memfd = (__u32)memfd, .flags = UDMABUF_FLAGS_CLOEXEC, .size = size};
  return ioctl(device, UDMABUF_CREATE, &create);
}

int cguest_heap_alloc(int heap, size_t size) {
  struct dma_heap_allocation_data data = {.len = size, .fd_flags = O_CLOEXEC | O_RDWR};
  return ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &data) < 0 ? -1 : (int)data.fd;
}
