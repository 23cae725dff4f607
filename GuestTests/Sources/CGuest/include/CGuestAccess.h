/* SPDX-License-Identifier: Apache-2.0 */

// Every access to a mapping's memory except the plain one: with a signal as the answer, from another process, through
// the kernel. And the calls that change a mapping's shape, if Swift cannot make them.
//
// Every function returns -1 and sets errno on failure unless it says otherwise.
#ifndef PATCHBENCH_CGUEST_ACCESS_H
#define PATCHBENCH_CGUEST_ACCESS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// Reads one byte into `value`. Returns 0, or the signal (`SIGSEGV`, `SIGBUS`) that this raised.
int cguest_try_read(const volatile void *address, uint8_t *value);
/// Writes one byte. Returns 0, or the signal that this raised.
int cguest_try_write(volatile void *address, uint8_t value);

/// The flags of mremap(), which Swift does not import.
enum { CGUEST_MREMAP_MAYMOVE = 1, CGUEST_MREMAP_DONTUNMAP = 4 };

/// Resizes, moves or copies a mapping. Returns its address, or NULL.
void *cguest_mremap(void *from, size_t old_length, size_t new_length, int flags, void *to);
/// The old syscall that gives a part of a mapping another offset in its own file.
int cguest_remap_file_pages(void *address, size_t length, size_t page);

/// Forks a child that continues in the caller, with a return value of 0, and that dies with its parent. Not for a
/// process with threads.
pid_t cguest_fork_child(void);
/// Copies a descriptor of another process into the caller, and returns the copy.
int cguest_take_descriptor(pid_t pid, int fd);

/// Stops a process and reads the word at an address of its memory, as a debugger does.
int cguest_ptrace_peek(pid_t pid, const void *address, long *word);
/// Reads a byte of another process's memory with process_vm_readv().
int cguest_read_remote(pid_t pid, const void *address, uint8_t *value);
/// Makes the kernel pin the page, which identifies a shared futex.
int cguest_futex_wake(void *address);

/// Seals a memfd against writing. The kernel refuses this (EBUSY) while the memfd has shared writable mappings.
int cguest_seal_writing(int memfd);

/// Exports a DRM handle as a read-only dma-buf.
int cguest_drm_export_readonly(int fd, uint32_t handle);
/// Returns a read-only dma-buf fd from a dma-heap.
int cguest_heap_alloc_readonly(int heap, size_t size);

#endif
