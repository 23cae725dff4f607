// SPDX-License-Identifier: Apache-2.0

// Memory accesses that may be refused, and calls that change the shape of a mapping.
#define _GNU_SOURCE
#include "CGuest.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/dma-heap.h>
#include <linux/futex.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "drm_calls.h"

// Per thread: the workers of a race try at the same time.
static __thread sigjmp_buf way_out;
static __thread volatile sig_atomic_t trying;

static void on_refusal(int number) {
  if (trying) siglongjmp(way_out, number);
  // Not ours: it is raised again when the handler returns, and then ends the process.
  signal(number, SIG_DFL);
}

static void catch_refusals(void) {
  static volatile int caught;
  if (caught) return;
  // SA_NODEFER, so that siglongjmp() need not restore the mask, which would be one syscall for each try.
  struct sigaction action = {.sa_handler = on_refusal, .sa_flags = SA_NODEFER};
  sigaction(SIGSEGV, &action, NULL);
  sigaction(SIGBUS, &action, NULL);
  caught = 1;
}

int cguest_try_read(const volatile void *address, uint8_t *value) {
  catch_refusals();
  int number = sigsetjmp(way_out, 0);
  if (number == 0) {
    trying = 1;
    *value = *(const volatile uint8_t *)address;
  }
  trying = 0;
  return number;
}

int cguest_try_write(volatile void *address, uint8_t value) {
  catch_refusals();
  int number = sigsetjmp(way_out, 0);
  if (number == 0) {
    trying = 1;
    *(volatile uint8_t *)address = value;
  }
  trying = 0;
  return number;
}

void *cguest_mremap(void *from, size_t old_length, size_t new_length, int flags, void *to) {
  void *address = mremap(from, old_length, new_length, flags, to);
  return address == MAP_FAILED ? NULL : address;
}

int cguest_remap_file_pages(void *address, size_t length, size_t page) {
  return (int)syscall(SYS_remap_file_pages, address, length, 0, page, 0);
}

pid_t cguest_fork_child(void) {
  pid_t parent = getpid();
  pid_t pid = fork();
  if (pid != 0) return pid;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  return 0;
}

int cguest_take_descriptor(pid_t pid, int fd) {
  int process = cguest_pidfd_open(pid);
  if (process < 0) return -1;
  int taken = (int)syscall(SYS_pidfd_getfd, process, fd, 0);
  int code = errno;
  close(process);
  errno = code;
  return taken;
}

int cguest_ptrace_peek(pid_t pid, const void *address, long *word) {
  int status;
  if (ptrace(PTRACE_ATTACH, pid, NULL, NULL) < 0) return -1;
  if (waitpid(pid, &status, 0) != pid) return -1;
  errno = 0;
  *word = ptrace(PTRACE_PEEKDATA, pid, address, NULL);
  int code = errno;
  ptrace(PTRACE_DETACH, pid, NULL, NULL);
  errno = code;
  return code ? -1 : 0;
}

int cguest_read_remote(pid_t pid, const void *address, uint8_t *value) {
  struct iovec here = {.iov_base = value, .iov_len = 1};
  struct iovec there = {.iov_base = (void *)address, .iov_len = 1};
  return process_vm_readv(pid, &here, 1, &there, 1, 0) == 1 ? 0 : -1;
}

int cguest_futex_wake(void *address) { return (int)syscall(SYS_futex, address, FUTEX_WAKE, 1, NULL, NULL, 0); }

int cguest_seal_writing(int memfd) { return fcntl(memfd, F_ADD_SEALS, F_SEAL_WRITE); }

int cguest_drm_export_readonly(int fd, uint32_t handle) {
  struct drm_prime_handle prime = {.handle = handle, .flags = O_CLOEXEC, .fd = -1};
  return ioctl(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime) < 0 ? -1 : prime.fd;
}

int cguest_heap_alloc_readonly(int heap, size_t size) {
  struct dma_heap_allocation_data data = {.len = size, .fd_flags = O_CLOEXEC | O_RDONLY};
  return ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &data) < 0 ? -1 : (int)data.fd;
}
