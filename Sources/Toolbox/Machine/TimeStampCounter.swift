// SPDX-License-Identifier: Apache-2.0

import CClock
import Glibc

/// How fast this machine's time stamp counter runs.
///
/// An emulated guest has the host's own, and calibrates it against an emulated timer while it boots. Where the host is busy
/// that can go wrong by a factor of thirty ("PIT calibration deviates from PMTIMER", and the wrong one is taken), and the
/// guest's seconds are then as many times too short: tests time out that have only begun. So it is told.
public enum TimeStampCounter {
  private struct Sample {
    /// Of the monotonic clock.
    var nanoseconds: Int64
    var ticks: UInt64

    /// The best of some: whoever is interrupted between the clock and the counter sees them apart.
    init?() {
      var best: (gap: Int64, sample: (Int64, UInt64))?
      for _ in 0..<64 {
        let before = Self.now()
        var ticks: UInt64 = 0
        guard cclock_read_tsc(&ticks) else { return nil }
        let gap = Self.now() - before
        if best.map({ gap < $0.gap }) ?? true { best = (gap, (before + gap / 2, ticks)) }
      }
      guard let best else { return nil }
      (nanoseconds, ticks) = best.sample
    }

    static func now() -> Int64 {
      var time = timespec()
      clock_gettime(CLOCK_MONOTONIC, &time)
      return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
  }

  private static let first = Sample()
  /// The error of a sample is a microsecond at worst, so that this long gives four digits.
  private static let span: Int64 = 10_000_000

  /// Begins to measure; what asks for ``kilohertz`` later need not wait then.
  public static func begin() { _ = first }

  /// In kHz; `nil` on a machine that has none. Takes ten milliseconds if nobody has begun.
  public static let kilohertz: Int? = measured(from: first)

  /// A measurement of its own.
  static func measure() -> Int? { measured(from: Sample()) }

  private static func measured(from first: Sample?) -> Int? {
    guard let first else { return nil }
    while Sample.now() - first.nanoseconds < span { sched_yield() }
    guard let last = Sample() else { return nil }
    let rate = Double(last.ticks &- first.ticks) * 1e6 / Double(last.nanoseconds - first.nanoseconds)
    // Nothing else is a time stamp counter of this century; a virtual machine that was moved has one that jumped.
    return (100_000...20_000_000).contains(rate) ? Int(rate.rounded()) : nil
  }
}
