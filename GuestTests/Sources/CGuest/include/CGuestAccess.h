/* SPDX-License-Identifier: Apache-2.0 */

// Every way to a mapping's memory but the plain one: with a signal for an answer, out of another process, through the
// kernel's own hands. And the calls that change a mapping's shape, where Swift cannot make them.
//
// Every function returns -1 and sets errno on failure unless it says otherwise.
#ifndef PATCHBENCH_CGUEST_ACCESS_H
#define PATCHBENCH_CGUEST_ACCESS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// Reads one byte into `value`. Returns 0, or the signal (`SIGSEGV`, `SIGBUS`) that answered.
int cguest_try_read(const volatile void *address, uint8_t *value);
/// Writes one byte. Returns 0, or the signal that answered.
int cguest_try_write(volatile void *address, uint8_t value);

/// The flags of mremap(), which Swift does not see.
enum { CGUEST_MREMAP_MAYMOVE = 1, CGUEST_MREMAP_DONTUNMAP = 4 };

/// Resizes, moves or copies a mapping. Returns its address, or NULL.
void *cguest_mremap(void *from, size_t old_length, size_t new_length, int flags, void *to);
/// The old call that gives a part of a mapping another offset in its own file.
int cguest_remap_file_pages(void *address, size_t length, size_t page);

/// Forks a child that goes on where the caller is, with 0 for an answer, and that dies with its parent. Not for a
/// process with threads.
pid_t cguest_fork_child(void);
/// Returns, in the caller, a copy of a descriptor of another process.
int cguest_take_descriptor(pid_t pid, int fd);

/// Stops a process and reads the word at an address of its memory, as a debugger does.
int cguest_ptrace_peek(pid_t pid, const void *address, long *word);
/// Reads a byte of another process's memory with process_vm_readv().
int cguest_read_remote(pid_t pid, const void *address, uint8_t *value);
/// Makes the kernel take hold of the page itself, which a shared futex is named by.
int cguest_futex_wake(void *address);

/// Seals a memfd against writing, which the kernel refuses (EBUSY) as long as it counts a shared writable mapping.
int cguest_seal_writing(int memfd);

/// Opens a dma-buf of a DRM handle that may be read only.
int cguest_drm_export_readonly(int fd, uint32_t handle);
/// Returns a dma-buf fd from a dma-heap that may be read only.
int cguest_heap_alloc_readonly(int heap, size_t size);

#endif
