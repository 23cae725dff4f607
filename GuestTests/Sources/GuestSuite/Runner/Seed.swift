// SPDX-License-Identifier: Apache-2.0

internal import CLibc

/// Where a race gets its random numbers from: the requested seed, or an unpredictable one.
///
/// It is passed to the tests' processes like the environment, by fork.
enum Seed {
  private static let name = "PATCHBENCH_SEED"

  /// Called once, before any test runs.
  static func give(_ seed: UInt32?) {
    if let seed { setenv(name, "\(seed)", 1) }
  }

  static func take() -> UInt32 {
    if let text = getenv(name), let seed = UInt32(String(cString: text)) { return seed }
    // Guests restored from one saved state share their random numbers, but not the time.
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt32.random(in: .min ... .max) ^ UInt32(truncatingIfNeeded: time.tv_nsec)
  }
}
