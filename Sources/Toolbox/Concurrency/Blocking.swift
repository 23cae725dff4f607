// SPDX-License-Identifier: Apache-2.0

import Dispatch

/// Runs calls that block (C libraries, long file operations) on threads that Swift's cooperative pool does not miss.
public enum Blocking {
  /// Runs `body` to its end, cancelled or not.
  public static func run<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
    await withCheckedContinuation { continuation in
      DispatchQueue.global().async { continuation.resume(returning: body()) }
    }
  }
}
