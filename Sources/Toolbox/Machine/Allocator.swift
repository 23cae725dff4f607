// SPDX-License-Identifier: Apache-2.0

import CMalloc

/// The memory that this process keeps for later.
///
/// glibc gives each thread an arena of its own, and each keeps what its largest work took: the results of one series are
/// a few MiB, as JSON many times that for a moment, and sooner or later each thread has written some. A run of many series
/// then holds more than one of few, though none of it is in use. See mallopt(3) and malloc_trim(3).
public enum Allocator {
  /// To be called before there are threads: all allocate from one arena, and large pieces go back when they are freed.
  public static func keepLittle() {
    _ = mallopt(M_ARENA_MAX, 1)
    _ = mallopt(M_MMAP_THRESHOLD, 256 << 10)
  }

  /// Gives back what lies free, wherever it lies.
  public static func trim() { _ = malloc_trim(0) }
}
