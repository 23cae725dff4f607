/* SPDX-License-Identifier: Apache-2.0 */

// The DRM calls that the tests make. On Debian their headers are in libdrm-dev, not in linux-libc-dev. They are frozen
// ABI, so they are copied here to avoid the dependency (include/uapi/drm/drm.h, drm_mode.h, vgem_drm.h and
// virtgpu_drm.h).
#ifndef CGUEST_DRM_CALLS_H
#define CGUEST_DRM_CALLS_H

#include <linux/types.h>
#include <stddef.h>
#include <sys/ioctl.h>

struct drm_version {
  int major, minor, patchlevel;
  size_t name_len;
  char *name;
  size_t date_len;
  char *date;
  size_t desc_len;
  char *desc;
};
struct drm_gem_close {
  __u32 handle, pad;
};
struct drm_gem_flink {
  __u32 handle, name;
};
struct drm_gem_open {
  __u32 name, handle;
  __u64 size;
};
struct drm_prime_handle {
  __u32 handle, flags;
  __s32 fd;
};
struct drm_virtgpu_3d_box {
  __u32 x, y, z, w, h, d;
};
struct drm_virtgpu_3d_transfer {
  __u32 bo_handle;
  struct drm_virtgpu_3d_box box;
  __u32 level, offset, stride, layer_stride;
};
struct drm_mode_create_dumb {
  __u32 height, width, bpp, flags;
  __u32 handle, pitch;
  __u64 size;
};
struct drm_mode_map_dumb {
  __u32 handle, pad;
  __u64 offset;
};
struct drm_vgem_fence_attach {
  __u32 handle, flags, out_fence, pad;
};
struct drm_vgem_fence_signal {
  __u32 fence, flags;
};

#define DRM_IOCTL_VERSION _IOWR('d', 0x00, struct drm_version)
#define DRM_IOCTL_GEM_CLOSE _IOW('d', 0x09, struct drm_gem_close)
#define DRM_IOCTL_GEM_FLINK _IOWR('d', 0x0a, struct drm_gem_flink)
#define DRM_IOCTL_GEM_OPEN _IOWR('d', 0x0b, struct drm_gem_open)
#define DRM_IOCTL_PRIME_HANDLE_TO_FD _IOWR('d', 0x2d, struct drm_prime_handle)
#define DRM_IOCTL_PRIME_FD_TO_HANDLE _IOWR('d', 0x2e, struct drm_prime_handle)
#define DRM_IOCTL_VIRTGPU_TRANSFER_TO_HOST _IOWR('d', 0x47, struct drm_virtgpu_3d_transfer)
#define DRM_IOCTL_VGEM_FENCE_ATTACH _IOWR('d', 0x41, struct drm_vgem_fence_attach)
#define DRM_IOCTL_VGEM_FENCE_SIGNAL _IOW('d', 0x42, struct drm_vgem_fence_signal)
#define DRM_IOCTL_MODE_CREATE_DUMB _IOWR('d', 0xB2, struct drm_mode_create_dumb)
#define DRM_IOCTL_MODE_MAP_DUMB _IOWR('d', 0xB3, struct drm_mode_map_dumb)
#define VGEM_FENCE_WRITE 1

#endif
