// SPDX-License-Identifier: Apache-2.0

import CClock
import Glibc

/// Measures the rate of this machine's time stamp counter.
///
/// An emulated guest uses the host's counter, and calibrates it against an emulated timer while it boots. On a busy
/// host the result can be wrong by a factor of thirty ("PIT calibration deviates from PMTIMER", and the wrong one is
/// used). The guest's seconds are then too short by that factor, and tests time out that have only just begun.
/// Therefore the guest is given the rate.
public enum TimeStampCounter {
  private struct Sample {
    /// Of the monotonic clock.
    var nanoseconds: Int64
    var ticks: UInt64

    /// Takes the best of several samples: an interruption between the clock and the counter separates the two.
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
  /// The error of a sample is at most a microsecond, so this span gives four digits.
  private static let span: Int64 = 10_000_000

  /// Starts the measurement, so that ``kilohertz`` does not have to wait later.
  public static func begin() { _ = first }

  /// The rate in kHz; `nil` on a machine without a counter. Takes ten milliseconds if the measurement was not started.
  public static let kilohertz: Int? = measured(from: first)

  /// Returns a separate measurement.
  static func measure() -> Int? { measured(from: Sample()) }

  private static func measured(from first: Sample?) -> Int? {
    guard let first else { return nil }
    while Sample.now() - first.nanoseconds < span { sched_yield() }
    guard let last = Sample() else { return nil }
    let rate = Double(last.ticks &- first.ticks) * 1e6 / Double(last.nanoseconds - first.nanoseconds)
    // No time stamp counter of this century is outside this range; in a migrated virtual machine it may jump.
    return (100_000...20_000_000).contains(rate) ? Int(rate.rounded()) : nil
  }
}
