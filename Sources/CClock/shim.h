/* SPDX-License-Identifier: Apache-2.0 */

#ifndef CCLOCK_SHIM_H
#define CCLOCK_SHIM_H

#include <stdbool.h>
#include <stdint.h>

// Reads the processor's time stamp counter. Returns false if there is none that user space may read.
static inline bool cclock_read_tsc(uint64_t *value) {
#if defined(__x86_64__)
  *value = __builtin_ia32_rdtsc();
  return true;
#else
  *value = 0;
  return false;
#endif
}

#endif
