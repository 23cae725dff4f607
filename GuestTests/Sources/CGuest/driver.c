// SPDX-License-Identifier: Apache-2.0

// The ioctls of the guest's own modules, whose macros Swift cannot import, and the calls that load the modules.
#define _GNU_SOURCE
#include "CGuest.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int cguest_load_module(const char *path) {
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return -1;
  int result = (int)syscall(SYS_finit_module, file, "", 0);
  int code = errno;
  close(file);
  errno = code;
  return result;
}

int cguest_unload_module(const char *name) { return (int)syscall(SYS_delete_module, name, O_NONBLOCK); }

int cguest_pbtest_create(int fd, struct pbtest_create *args) { return ioctl(fd, DRM_IOCTL_PBTEST_CREATE, args); }

int cguest_pbtest_move(int fd, struct pbtest_move *args) { return ioctl(fd, DRM_IOCTL_PBTEST_MOVE, args); }

int cguest_pbtest_import(int fd, struct pbtest_import *args) { return ioctl(fd, DRM_IOCTL_PBTEST_IMPORT, args); }

int cguest_pbtest_forward(int fd, struct pbtest_forward *args) { return ioctl(fd, DRM_IOCTL_PBTEST_FORWARD, args); }

int cguest_pbtest_fail(int fd, struct pbtest_fail *args) { return ioctl(fd, DRM_IOCTL_PBTEST_FAIL, args); }

int cguest_pbtest_object(int fd, struct pbtest_object *args) { return ioctl(fd, PBTEST_QUERY_OBJECT, args); }

int cguest_pbtest_file(int fd, struct pbtest_file *args) { return ioctl(fd, PBTEST_QUERY_FILE, args); }

int cguest_pbtest_vma(int fd, struct pbtest_vma *args) { return ioctl(fd, PBTEST_QUERY_VMA, args); }

int cguest_pbtest_plain_forward(int fd, const struct pbtest_plain *args) { return ioctl(fd, PBTEST_PLAIN_FORWARD, args); }

int cguest_pbtest_hold(int fd, struct pbtest_hold *args) { return ioctl(fd, DRM_IOCTL_PBTEST_HOLD, args); }

int cguest_pbtest_peek(int fd, struct pbtest_peek *args) { return ioctl(fd, DRM_IOCTL_PBTEST_PEEK, args); }
int cguest_pbtest_busy(int fd, struct pbtest_busy *args) { return ioctl(fd, DRM_IOCTL_PBTEST_BUSY, args); }

int cguest_pbtest_remap(int fd, struct pbtest_remap *args) { return ioctl(fd, DRM_IOCTL_PBTEST_REMAP, args); }

int cguest_pbtest_page(int fd, struct pbtest_page *args) { return ioctl(fd, PBTEST_QUERY_PAGE, args); }

int cguest_pbtest_client(int fd, struct pbtest_client *args) { return ioctl(fd, PBTEST_QUERY_CLIENT, args); }

int cguest_pbtest_dmabuf(int fd, struct pbtest_dmabuf *args) { return ioctl(fd, PBTEST_QUERY_DMABUF, args); }

int cguest_pbtest_lookup(int fd, struct pbtest_lookup *args) { return ioctl(fd, PBTEST_QUERY_LOOKUP, args); }

int cguest_pbtest_uuid(int fd, struct pbtest_uuid *args) { return ioctl(fd, PBTEST_QUERY_UUID, args); }

int cguest_pbtest_allow(int fd, const struct pbtest_allow *args) { return ioctl(fd, PBTEST_QUERY_ALLOW, args); }

int cguest_pbtest_symbol(int fd, struct pbtest_symbol *args) { return ioctl(fd, PBTEST_QUERY_SYMBOL, args); }

int cguest_pbtest_plain_object(int fd, const struct pbtest_plain_object *args) {
  return ioctl(fd, PBTEST_PLAIN_OBJECT, args);
}

int cguest_pbcount_add(int fd, struct pbcount_place *args) { return ioctl(fd, PBCOUNT_ADD, args); }

int cguest_pbcount_take(int fd, struct pbcount_take *args) { return ioctl(fd, PBCOUNT_TAKE, args); }

int cguest_pbcount_drop(int fd, uint32_t place) { return ioctl(fd, PBCOUNT_DROP, &place); }
