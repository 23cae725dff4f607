/* SPDX-License-Identifier: Apache-2.0 */

#include <guestfs.h>
#include <stdlib.h>

// Adds an image read-only: libguestfs puts an overlay over it. The format is explicit, because the guest that wrote the
// image could choose what QEMU would guess. The optional arguments are variadic, which Swift cannot call.
static inline int cguestfs_add_read_only(guestfs_h *handle, const char *image) {
  return guestfs_add_drive_opts(
      handle, image, GUESTFS_ADD_DRIVE_OPTS_READONLY, 1, GUESTFS_ADD_DRIVE_OPTS_FORMAT, "raw", -1);
}

// Returns a handle that ignores the LIBGUESTFS_* environment variables.
static inline guestfs_h *cguestfs_create(void) { return guestfs_create_flags(GUESTFS_CREATE_NO_ENVIRONMENT); }
