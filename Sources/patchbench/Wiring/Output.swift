// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Toolbox

/// The two streams: results on standard output, everything else on standard error.
///
/// Whoever read them may be gone, as with a terminal that was closed or a pipe into `head`: that is no reason to leave
/// guests and builds behind, so what cannot be written is let go.
enum Output {
  /// How much is said beside results.
  enum Level: Int, Sendable {
    /// What went wrong, and nothing else.
    case quiet
    case usual
    /// All progress, one line each.
    case verbose
  }

  /// Set once, by the options.
  private static let chosen = Locked(Level.usual)
  static var level: Level {
    get { chosen.withLock { $0 } }
    set { chosen.withLock { $0 = newValue } }
  }

  static func result(_ text: String) {
    try? FileHandle.standardOutput.write(contentsOf: Data((text.hasSuffix("\n") ? text : text + "\n").utf8))
  }

  /// Prose for whoever waits: progress, and where things are.
  static func note(_ text: String) { status(text + "\n") }

  /// What is written over later.
  static func status(_ text: String) { if level != .quiet { raw(text) } }

  /// What went wrong. It is said whatever the level is.
  static func error(_ text: String) { raw(text + "\n") }

  private static func raw(_ text: String) {
    try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
  }

  /// Has a pipe that nobody reads answer with an error instead of ending this process. A handler, and not to ignore it:
  /// that would be handed on to every tool.
  static func outliveReaders() { signal(SIGPIPE) { _ in } }

  /// Whether to colour what goes to `descriptor`: only on a terminal, and not where the user asked for none
  /// (https://no-color.org).
  static func isColored(_ descriptor: Int32) -> Bool {
    let environment = ProcessInfo.processInfo.environment
    return isatty(descriptor) == 1 && environment["NO_COLOR", default: ""].isEmpty && environment["TERM"] != "dumb"
  }

  /// The terminal's width in columns; 100 where there is no terminal.
  static func width(_ descriptor: Int32) -> Int {
    var size = winsize()
    guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 100 }
    return Int(size.ws_col)
  }
}
