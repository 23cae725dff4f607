// SPDX-License-Identifier: Apache-2.0

import Glibc

/// What happens when this process writes to a pipe that nobody reads any more.
public enum BrokenPipe {
  private static let handled: Void = { signal(SIGPIPE) { _ in } }()

  /// Makes such a write return `EPIPE` from now on, instead of ending this process. This is a handler and not `SIG_IGN`,
  /// because every tool would inherit `SIG_IGN`.
  public static func becomesAnError() { handled }
}
