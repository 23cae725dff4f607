// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Reports
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

  /// In which form progress is told.
  enum Form: String, Sendable, CaseIterable {
    /// For people.
    case text
    /// One JSON object a line. Nothing else is on standard error then but errors.
    case json
  }

  private static let chosenForm = Locked(Form.text)
  /// The form. The options set it once.
  static var form: Form {
    get { chosenForm.withLock { $0 } }
    set { chosenForm.withLock { $0 = newValue } }
  }

  static func result(_ text: String) {
    try? FileHandle.standardOutput.write(contentsOf: Data((text.hasSuffix("\n") ? text : text + "\n").utf8))
  }

  private static let counted = Locked(0)
  /// How many notes were printed, also by others than who asks: by the one who hears signals.
  static var notes: Int { counted.withLock { $0 } }

  /// Prints prose for the user: progress, and where files are.
  static func note(_ text: String) {
    switch form {
    case .text:
      counted.withLock { $0 += 1 }
      status(text + "\n")
    case .json: object(ProgressLine.note(text.trimmingCharacters(in: .newlines), at: Date()))
    }
  }

  /// Prints a table for the user while standard output has the same for programs.
  static func aside(_ text: String) { if form == .text { note(text) } }

  /// Prints where the reports are: the files `report.SUFFIX` in a directory.
  static func reports(_ files: [String]) {
    switch form {
    case .text:
      guard let first = files.first else { return }
      let others = files.dropFirst().map { URL(filePath: $0).lastPathComponent }
      note(
        "report: \(visible(first))" + (others.isEmpty ? "" : "\n  also \(visible(others.joined(separator: ", ")))"))
    case .json: object(ProgressLine.reports(files, at: Date()))
    }
  }

  /// Prints one line of JSON about a run's progress.
  static func object(_ line: String) { raw(line + "\n") }

  /// Prints text that is overwritten later, without a newline.
  static func status(_ text: String) { if level != .quiet, form == .text { raw(text) } }

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

  /// Whether progress is shown by lines that are overwritten.
  static var isLive: Bool {
    isatty(2) == 1 && level != .verbose && ProcessInfo.processInfo.environment["TERM"] != "dumb"
  }

  /// Returns the terminal's width in columns, or 100 if there is no terminal.
  static func width(_ descriptor: Int32) -> Int { size(descriptor).map { Int($0.ws_col) } ?? 100 }

  /// Returns the terminal's height in lines, or 24 if there is no terminal.
  static func height(_ descriptor: Int32) -> Int { size(descriptor).map { Int($0.ws_row) } ?? 24 }

  private static func size(_ descriptor: Int32) -> winsize? {
    var size = winsize()
    guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else { return nil }
    return size
  }
}
