// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Toolbox

/// The two streams: results on standard output, everything else on standard error.
///
/// The reader may be gone: a terminal was closed, or the pipe went into `head`. That must not leave guests and builds
/// behind, so a failed write is ignored.
enum Output {
  /// How much to print besides results.
  enum Level: Int, Sendable {
    /// Errors only.
    case quiet
    case usual
    /// All progress, one line each.
    case verbose
  }

  /// The level. The options set it once.
  private static let chosen = Locked(Level.usual)
  static var level: Level {
    get { chosen.withLock { $0 } }
    set { chosen.withLock { $0 = newValue } }
  }

  static func result(_ text: String) {
    try? FileHandle.standardOutput.write(contentsOf: Data((text.hasSuffix("\n") ? text : text + "\n").utf8))
  }

  /// Prints prose for the user: progress, and where files are.
  static func note(_ text: String) { status(text + "\n") }

  /// Prints text that is overwritten later, without a newline.
  static func status(_ text: String) { if level != .quiet { raw(text) } }

  /// Prints an error, at any level.
  static func error(_ text: String) { raw(text + "\n") }

  private static func raw(_ text: String) {
    try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
  }

  /// Whether to color output to `descriptor`: only on a terminal, and not if the user disabled it
  /// (https://no-color.org).
  static func isColored(_ descriptor: Int32) -> Bool {
    let environment = ProcessInfo.processInfo.environment
    return isatty(descriptor) == 1 && environment["NO_COLOR", default: ""].isEmpty && environment["TERM"] != "dumb"
  }

  /// Returns the terminal's width in columns, or 100 if there is no terminal.
  static func width(_ descriptor: Int32) -> Int {
    var size = winsize()
    guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 100 }
    return Int(size.ws_col)
  }
}
