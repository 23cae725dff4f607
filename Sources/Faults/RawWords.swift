// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage

/// Looks for unescaped text from a series in a run's reports.
enum RawWords {
  /// Looks for escape codes and markup in the HTML and Markdown reports.
  /// - Parameter markup: text that must not appear as HTML.
  /// - Returns: what is wrong; `nil` if nothing is.
  static func found(in run: FilePath, markup: [String]) throws -> String? {
    let files: [(String, (String) -> String)] = [
      ("report.html", { $0 }), ("report.md", outsideCode), ("report-details.md", outsideCode),
    ]
    for (name, read) in files {
      let text = try String(contentsOfFile: run.appending(name).string, encoding: .utf8)
      if text.contains("\u{1b}") { return "\(name) has an escape code" }
      if let raw = markup.first(where: read(text).contains) { return "\(name) has \(raw) unescaped" }
    }
    return nil
  }

  /// Returns Markdown without its code, which is shown literally: fenced blocks, and spans between equal runs of
  /// backticks.
  static func outsideCode(_ markdown: String) -> String {
    var lines: [Substring] = []
    var fence = 0
    for line in markdown.split(separator: "\n", omittingEmptySubsequences: false) {
      let ticks = line.prefix { $0 == "`" }.count
      if fence > 0 {
        if ticks >= fence, ticks == line.count { fence = 0 }
      } else if ticks >= 3, !line.dropFirst(ticks).contains("`") {
        fence = ticks
      } else {
        lines.append(line)
      }
    }
    return lines.map { outsideSpans($0) }.joined(separator: "\n")
  }

  private static func outsideSpans(_ line: Substring) -> String {
    var out = ""
    var rest = line
    while let begin = rest.firstIndex(of: "`") {
      out += rest[..<begin]
      rest = rest[begin...]
      let ticks = rest.prefix { $0 == "`" }
      rest = rest.dropFirst(ticks.count)
      guard let end = closing(ticks.count, in: rest) else {
        out += ticks
        continue
      }
      rest = rest[end...].dropFirst(ticks.count)
    }
    return out + rest
  }

  /// Returns where a run of exactly `count` backticks begins.
  private static func closing(_ count: Int, in text: Substring) -> Substring.Index? {
    var rest = text
    while let begin = rest.firstIndex(of: "`") {
      let ticks = rest[begin...].prefix { $0 == "`" }
      if ticks.count == count { return begin }
      rest = rest[ticks.endIndex...]
    }
    return nil
  }
}
