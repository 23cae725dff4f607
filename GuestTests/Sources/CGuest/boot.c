// SPDX-License-Identifier: Apache-2.0

// What PID 1 must do before any Swift runs, and at the very end.
#define _GNU_SOURCE
#include "CGuest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <unistd.h>

static const struct {
  const char *type;
  const char *target;
} mounts[] = {
    {"proc", "/proc"},
    {"sysfs", "/sys"},
    {"devtmpfs", "/dev"},
    {"debugfs", "/sys/kernel/debug"},
    {"tmpfs", "/tmp"},
};

static void say(const char *what, const char *where, int number) {
  char line[160];
  int length = snprintf(line, sizeof line, "<3>patchbench: cannot %s %s: %s\n", what, where, strerror(number));
  int kmsg = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
  if (kmsg < 0) return;
  if (length > 0) (void)!write(kmsg, line, (size_t)length);
  close(kmsg);
}

// A constructor runs before any Swift, which may need /proc: a Swift runtime reads it while it starts.
__attribute__((constructor(101))) static void set_up_as_init(void) {
  if (getpid() != 1) return;
  int failed[sizeof mounts / sizeof *mounts];
  for (size_t i = 0; i < sizeof mounts / sizeof *mounts; i++)
    failed[i] = mount(mounts[i].type, mounts[i].target, mounts[i].type, 0, NULL) < 0 ? errno : 0;
  // Reported only now, because /dev/kmsg comes with the mounts. EBUSY: the kernel has already mounted devtmpfs.
  for (size_t i = 0; i < sizeof mounts / sizeof *mounts; i++)
    if (failed[i] && failed[i] != EBUSY) say("mount", mounts[i].target, failed[i]);
  // The initramfs has no /dev/console, so the kernel could not open one for PID 1. Without it messages would be
  // lost, and the first files opened would become standard output.
  int null = open("/dev/null", O_RDWR);
  int console = open("/dev/console", O_WRONLY | O_NOCTTY);
  if (console < 0) say("open", "/dev/console", errno);
  dup2(null, 0);
  dup2(console < 0 ? 0 : console, 1);
  dup2(console < 0 ? 0 : console, 2);
  if (null > 2) close(null);
  if (console > 2) close(console);
}

void cguest_end_machine(void) {
  sync();
  reboot(RB_AUTOBOOT);
}

const char *cguest_errno_name(int number) { return strerrorname_np(number); }

const char *cguest_signal_name(int number) { return sigabbrev_np(number); }
