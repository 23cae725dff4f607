// SPDX-License-Identifier: Apache-2.0

extension Mutant {
  /// Lines of context around the change, as in git.
  private static let context = 3

  /// Returns the change as a unified diff in the format of `git diff`.
  /// - Parameter source: the original file, whose path appears in the diff.
  public func diff(of source: CSource) -> String {
    let last = source.line(of: max(start, end - 1))
    let lines = source.range(ofLines: line...last)
    let changed =
      source.text(lines.lowerBound..<start) + replacement + source.text(end..<lines.upperBound)
    let from = max(1, line - Self.context)
    let to = min(source.lineCount, last + Self.context)
    func rows(_ text: String, _ mark: String) -> String {
      var rows = text.split(separator: "\n", omittingEmptySubsequences: false).map { mark + $0 + "\n" }
      if text.hasSuffix("\n") { rows.removeLast() } else { rows.append("\\ No newline at end of file\n") }
      return rows.joined()
    }
    func around(_ first: Int, _ last: Int) -> String {
      first > last ? "" : rows(source.text(source.range(ofLines: first...last)), " ")
    }
    let added =
      changed.isEmpty
      ? 0 : changed.split(separator: "\n", omittingEmptySubsequences: false).count - (changed.hasSuffix("\n") ? 1 : 0)
    let outside = (line - from) + (to - last)
    return """
      diff --git a/\(file) b/\(file)
      --- a/\(file)
      +++ b/\(file)
      @@ -\(from),\(outside + last - line + 1) +\(from),\(outside + added) @@ \(function)

      """ + around(from, line - 1) + rows(source.text(lines), "-") + (changed.isEmpty ? "" : rows(changed, "+"))
        + around(last + 1, to)
  }

  /// Returns the change as a mail in the format of `git format-patch`, so that it is judged like a series.
  public func mail(of source: CSource) -> String {
    """
    From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001
    From: patchbench <patchbench@localhost>
    Date: Thu, 1 Jan 1970 00:00:00 +0000
    Subject: [PATCH] \(`operator`.rawValue) in \(function)()

    \(place): “\(before)” becomes “\(after)”.
    ---
    \(diff(of: source))--
    patchbench

    """
  }
}
