/* SPDX-License-Identifier: Apache-2.0 */

#include <libvirt/libvirt.h>
#include <libvirt/libvirt-qemu.h>
#include <libvirt/virterror.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// Makes this process the parent of its orphaned descendants. prctl(2) is variadic, which Swift cannot call.
static inline int clibvirt_adopt_orphans(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }

struct clibvirt_limit {
  int resource;
  unsigned long long most;
};

// Lowers limits of another process permanently. prlimit(2) requires the caller to have the same user as the target, or
// a capability that root in a container may lack. So a child that has become that user makes the call. Between fork and
// _exit it makes only system calls, because this process has threads. Returns an errno.
static inline int clibvirt_lower_limits(
    pid_t process, uid_t user, gid_t group, const struct clibvirt_limit *limits, int count) {
  pid_t child = fork();
  if (child < 0) return errno;
  if (child == 0) {
    if (syscall(SYS_setresgid, group, group, group) < 0 || syscall(SYS_setresuid, user, user, user) < 0) _exit(errno);
    for (int i = 0; i < count; i++) {
      const struct {
        unsigned long long now, ever;
      } limit = {limits[i].most, limits[i].most};
      if (syscall(SYS_prlimit64, process, limits[i].resource, &limit, NULL) < 0) _exit(errno);
    }
    _exit(0);
  }
  int status;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return errno;
  return WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
}

// Checks whether a user may read and write a file, by asking the kernel as that user. Returns an errno.
static inline int clibvirt_may_open(const char *path, uid_t user, gid_t group, const gid_t *groups, int count) {
  pid_t child = fork();
  if (child < 0) return errno;
  if (child == 0) {
    if (syscall(SYS_setgroups, count, groups) < 0 || syscall(SYS_setresgid, group, group, group) < 0 ||
        syscall(SYS_setresuid, user, user, user) < 0 || syscall(SYS_faccessat, AT_FDCWD, path, R_OK | W_OK) < 0)
      _exit(errno);
    _exit(0);
  }
  int status;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return errno;
  return WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
}
