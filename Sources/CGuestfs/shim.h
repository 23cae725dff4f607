/* SPDX-License-Identifier: Apache-2.0 */

#include <guestfs.h>
#include <stdlib.h>

// Adds an image that is never written to: libguestfs puts an overlay of its own over it. The format is said, since
// what QEMU would guess from it is its guest's to choose. Optional arguments are variable ones, which Swift cannot pass.
static inline int cguestfs_add_read_only(guestfs_h *handle, const char *image) {
  return guestfs_add_drive_opts(
      handle, image, GUESTFS_ADD_DRIVE_OPTS_READONLY, 1, GUESTFS_ADD_DRIVE_OPTS_FORMAT, "raw", -1);
}

// A handle that takes nothing from LIBGUESTFS_* of the environment.
static inline guestfs_h *cguestfs_create(void) { return guestfs_create_flags(GUESTFS_CREATE_NO_ENVIRONMENT); }
