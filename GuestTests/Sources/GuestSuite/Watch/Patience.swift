// SPDX-License-Identifier: Apache-2.0

/// How long tests wait for numbers that must recover. virtio-gpu frees an object only once the host has answered, and RCU
/// frees a file late. A series that leaks makes nearly every test wait in vain, and each look takes longer: the kernel
/// lists all dma-bufs, also those that leaked.
enum Patience {
  /// Rounds of ten milliseconds. PID 1 sets it, and each test's process inherits it.
  nonisolated(unsafe) private(set) static var rounds = 150
  /// The number of rounds in which numbers that have come to rest do not change.
  nonisolated(unsafe) private(set) static var restingRounds = 10

  /// Once this many tests have failed, the series is wrong, and what is left is to show where. No base fails as many.
  private static let mostFailed = 48

  /// Called by PID 1 with the number of tests that have failed so far, for more than a difference by design.
  static func adapt(failed: Int) {
    let isWrong = failed >= mostFailed
    rounds = isWrong ? 4 : 150
    restingRounds = isWrong ? 2 : 10
  }
}
