// SPDX-License-Identifier: Apache-2.0

// Makes the kernel fail on demand, and the calls that are made meanwhile.
#define _GNU_SOURCE
#include "CGuest.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/types.h>
#include <linux/udmabuf.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "drm_calls.h"

int cguest_fail_nth(int file, unsigned n) {
  char text[16];
  int length = snprintf(text, sizeof text, "%u", n);
  return pwrite(file, text, (size_t)length, 0) == length ? 0 : -1;
}

int cguest_fail_nothing(int file) {
  char text[16] = "";
  int code = errno;
  // This read and the write below count down as well, since both touch our memory. The kernel formats the number before
  // that, so the first read that succeeds reports it. If the read itself fails, nothing had failed until then.
  int fired = pread(file, text, sizeof text, 0) > 0 && strcmp(text, "0\n") == 0;
  while (pwrite(file, "0", 1, 0) != 1) {
  }
  errno = code;
  return fired;
}

int cguest_fork_and_exit(void) {
  pid_t pid = fork();
  if (pid == 0) _exit(0);
  return pid;
}

static void pestered(int number) { (void)number; }

int cguest_pester(unsigned milliseconds) {
  struct sigaction action = {.sa_handler = pestered};
  struct timeval time = {.tv_sec = 0, .tv_usec = (suseconds_t)milliseconds * 1000};
  struct itimerval timer = {.it_interval = time, .it_value = time};
  if (milliseconds != 0 && sigaction(SIGALRM, &action, NULL) < 0) return -1;
  return setitimer(ITIMER_REAL, &timer, NULL);
}

int cguest_settle_heap(void) {
  if (!mallopt(M_MMAP_MAX, 0) || !mallopt(M_TRIM_THRESHOLD, -1)) return -1;
  // After a fork the heap first grows by a separate mapping, since the old one is also the parent's.
  volatile char *room = malloc(4 << 20);
  if (!room) return -1;
  *room = 1;
  free((void *)room);
  return 0;
}

int cguest_next_fd(void) {
  int fd = fcntl(0, F_DUPFD, 0);
  if (fd >= 0) close(fd);
  return fd;
}

int cguest_dmabuf_sync(int dmabuf, int begin) {
  struct dma_buf_sync sync = {.flags = DMA_BUF_SYNC_RW | (begin ? DMA_BUF_SYNC_START : DMA_BUF_SYNC_END)};
  return ioctl(dmabuf, DMA_BUF_IOCTL_SYNC, &sync);
}

#ifndef DMA_BUF_IOCTL_EXPORT_SYNC_FILE
struct dma_buf_export_sync_file {
  __u32 flags;
  __s32 fd;
};
#define DMA_BUF_IOCTL_EXPORT_SYNC_FILE _IOWR(DMA_BUF_BASE, 2, struct dma_buf_export_sync_file)
#define DMA_BUF_IOCTL_IMPORT_SYNC_FILE _IOW(DMA_BUF_BASE, 3, struct dma_buf_export_sync_file)
#endif

int cguest_dmabuf_export_sync_file(int dmabuf) {
  struct dma_buf_export_sync_file args = {.flags = DMA_BUF_SYNC_RW, .fd = -1};
  return ioctl(dmabuf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &args) < 0 ? -1 : args.fd;
}

int cguest_dmabuf_import_sync_file(int dmabuf, int file) {
  struct dma_buf_export_sync_file args = {.flags = DMA_BUF_SYNC_WRITE, .fd = file};
  return ioctl(dmabuf, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &args);
}

int cguest_dmabuf_name(int dmabuf, const char *name) { return ioctl(dmabuf, DMA_BUF_SET_NAME_B, name); }

int cguest_drm_flink(int fd, uint32_t handle, uint32_t *name) {
  struct drm_gem_flink flink = {.handle = handle};
  if (ioctl(fd, DRM_IOCTL_GEM_FLINK, &flink) < 0) return -1;
  *name = flink.name;
  return 0;
}

int cguest_drm_open_name(int fd, uint32_t name, uint32_t *handle) {
  struct drm_gem_open args = {.name = name};
  if (ioctl(fd, DRM_IOCTL_GEM_OPEN, &args) < 0) return -1;
  *handle = args.handle;
  return 0;
}

int cguest_vgem_attach(int fd, uint32_t handle, uint32_t *fence) {
  struct drm_vgem_fence_attach attach = {.handle = handle, .flags = VGEM_FENCE_WRITE};
  if (ioctl(fd, DRM_IOCTL_VGEM_FENCE_ATTACH, &attach) < 0) return -1;
  *fence = attach.out_fence;
  return 0;
}

int cguest_vgem_signal(int fd, uint32_t fence) {
  struct drm_vgem_fence_signal args = {.fence = fence};
  return ioctl(fd, DRM_IOCTL_VGEM_FENCE_SIGNAL, &args);
}

int cguest_raw_call(int fd, enum cguest_call call, void *args) {
  static const unsigned long numbers[] = {
      [CGUEST_CALL_CREATE_DUMB] = DRM_IOCTL_MODE_CREATE_DUMB, [CGUEST_CALL_MAP_DUMB] = DRM_IOCTL_MODE_MAP_DUMB,
      [CGUEST_CALL_EXPORT] = DRM_IOCTL_PRIME_HANDLE_TO_FD,    [CGUEST_CALL_IMPORT] = DRM_IOCTL_PRIME_FD_TO_HANDLE,
      [CGUEST_CALL_CLOSE] = DRM_IOCTL_GEM_CLOSE,              [CGUEST_CALL_UDMABUF] = UDMABUF_CREATE,
      [CGUEST_CALL_HEAP] = DMA_HEAP_IOCTL_ALLOC,              [CGUEST_CALL_SYNC] = DMA_BUF_IOCTL_SYNC,
  };
  return ioctl(fd, numbers[call], args);
}

void cguest_fill_call(enum cguest_call call, void *args, int64_t first, uint32_t pages) {
  switch (call) {
    case CGUEST_CALL_CREATE_DUMB:
      *(struct drm_mode_create_dumb *)args = (struct drm_mode_create_dumb){.height = pages, .width = 1024, .bpp = 32};
      break;
    case CGUEST_CALL_MAP_DUMB:
      *(struct drm_mode_map_dumb *)args = (struct drm_mode_map_dumb){.handle = (__u32)first};
      break;
    case CGUEST_CALL_EXPORT:
      *(struct drm_prime_handle *)args =
          (struct drm_prime_handle){.handle = (__u32)first, .flags = O_CLOEXEC | O_RDWR, .fd = -1};
      break;
    case CGUEST_CALL_IMPORT:
      *(struct drm_prime_handle *)args = (struct drm_prime_handle){.fd = (__s32)first};
      break;
    case CGUEST_CALL_CLOSE:
      *(struct drm_gem_close *)args = (struct drm_gem_close){.handle = (__u32)first};
      break;
    case CGUEST_CALL_UDMABUF:
      *(struct udmabuf_create *)args =
          (struct udmabuf_create){.memfd = (__u32)first, .flags = UDMABUF_FLAGS_CLOEXEC, .size = pages * 4096ull};
      break;
    case CGUEST_CALL_HEAP:
      *(struct dma_heap_allocation_data *)args =
          (struct dma_heap_allocation_data){.len = pages * 4096ull, .fd_flags = O_CLOEXEC | O_RDWR};
      break;
    case CGUEST_CALL_SYNC:
      *(struct dma_buf_sync *)args = (struct dma_buf_sync){.flags = DMA_BUF_SYNC_RW | DMA_BUF_SYNC_START};
      break;
  }
}

void *cguest_bad_pointer(void) { return (void *)8; }
