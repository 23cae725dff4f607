// SPDX-License-Identifier: Apache-2.0

// Touching memory that may raise a signal, and the children that Swift must not fork.
#define _GNU_SOURCE
#include "CGuest.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static sigjmp_buf before_touch;

static void on_sigbus(int number) {
  (void)number;
  siglongjmp(before_touch, 1);
}

struct cguest_touch cguest_touch(const volatile void *address) {
  struct cguest_touch result = {0, 0};
  struct sigaction action = {.sa_handler = on_sigbus}, old;
  struct rusage before, after;
  sigaction(SIGBUS, &action, &old);
  if (sigsetjmp(before_touch, 1) == 0) {
    // The first two calls fault in the code of getrusage and the pages of both structures, which a forked process
    // shares with its parent until it writes to them. So the last two count only the touch between them.
    getrusage(RUSAGE_THREAD, &after);
    getrusage(RUSAGE_THREAD, &before);
    getrusage(RUSAGE_THREAD, &before);
    (void)*(const volatile uint8_t *)address;
    getrusage(RUSAGE_THREAD, &after);
    result.faults = after.ru_minflt - before.ru_minflt;
  } else {
    result.sigbus = 1;
  }
  sigaction(SIGBUS, &old, NULL);
  return result;
}

uint8_t cguest_peek(const volatile void *address) { return *(const volatile uint8_t *)address; }

void cguest_poke(volatile void *address, uint8_t value) { *(volatile uint8_t *)address = value; }

int cguest_move(void *from, size_t length, void *to) {
  return mremap(from, length, length, MREMAP_MAYMOVE | MREMAP_FIXED, to) == MAP_FAILED ? -1 : 0;
}

pid_t cguest_fork_test(int report, int as) {
  pid_t pid = fork();
  if (pid != 0) return pid;
  // A test must neither see nor keep open what PID 1 has open: the results port, the kernel's log.
  if (dup2(report, as) < 0 || close_range((unsigned)as + 1, ~0U, 0) < 0) _exit(126);
  // This name distinguishes a test from PID 1 in the kernel's reports.
  prctl(PR_SET_NAME, "patchbench-test");
  return 0;
}

pid_t cguest_fork_holder(int *control) {
  int ends[2];
  if (pipe(ends) < 0) return -1;
  pid_t parent = getpid();
  pid_t pid = fork();
  if (pid == 0) {
    // Only calls that are safe after fork. A killed test must not leave its child behind with the buffer.
    char byte;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);
    close(ends[1]);
    (void)!read(ends[0], &byte, 1);
    _exit(0);
  }
  close(ends[0]);
  if (pid < 0) {
    close(ends[1]);
    return -1;
  }
  *control = ends[1];
  return pid;
}

int cguest_release_holder(pid_t pid, int control) {
  int status;
  close(control);
  return waitpid(pid, &status, 0) == pid ? 0 : -1;
}

int cguest_pidfd_open(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

int cguest_report_pipe(int ends[2]) {
  if (pipe2(ends, O_CLOEXEC) < 0) return -1;
  // Only our end: the test must block until there is room, or a long report would be lost.
  return fcntl(ends[0], F_SETFL, O_NONBLOCK);
}

static void *sleep_on(void *unused) {
  for (;;) pause();
  return unused;
}

static int leave_in_process(const char *directory) {
  sigset_t all;
  struct rlimit few = {64, 64};
  sigfillset(&all);
  for (int i = 0; i < 20; i++)
    if (dup(0) < 0) return -1;
  if (mkdir(directory, 0700) < 0 || mount("tmpfs", directory, "tmpfs", 0, NULL) < 0 || chdir(directory) < 0) return -1;
  if (sigprocmask(SIG_BLOCK, &all, NULL) < 0 || signal(SIGUSR1, SIG_IGN) == SIG_ERR) return -1;
  umask(0777);
  return setrlimit(RLIMIT_NOFILE, &few) < 0 || setpriority(PRIO_PROCESS, 0, 5) < 0 ? -1 : 0;
}

pid_t cguest_leave_behind(const char *directory) {
  pthread_t thread;
  if (leave_in_process(directory) < 0) return -1;
  errno = pthread_create(&thread, NULL, sleep_on, NULL);
  if (errno) return -1;
  pid_t child = fork();
  if (child == 0) {
    setsid();
    sleep_on(NULL);
  }
  return child;
}
