// SPDX-License-Identifier: Apache-2.0

import Dispatch

/// Runs blocking calls (C libraries, long file operations) on threads outside Swift's cooperative pool.
public enum Blocking {
  /// Runs `body` to completion, even on cancellation.
  public static func run<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
    await withCheckedContinuation { continuation in
      DispatchQueue.global().async { continuation.resume(returning: body()) }
    }
  }
}
