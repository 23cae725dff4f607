// SPDX-License-Identifier: Apache-2.0

import CMalloc

/// Limits the free memory that this process keeps.
///
/// glibc gives each thread its own arena, and each arena keeps what its largest work needed. The results of one series
/// are a few MiB and, as JSON, many times that for a moment. Sooner or later each thread has written some. A run of
/// many series would then hold more memory than a run of few, although none of it is in use. See mallopt(3) and
/// malloc_trim(3).
public enum Allocator {
  /// Must be called before there are threads. All threads then allocate from one arena, and large blocks are returned
  /// when they are freed.
  public static func keepLittle() {
    _ = mallopt(M_ARENA_MAX, 1)
    _ = mallopt(M_MMAP_THRESHOLD, 256 << 10)
  }

  /// Returns free memory to the system from all arenas.
  public static func trim() { _ = malloc_trim(0) }
}
