// SPDX-License-Identifier: Apache-2.0

public import BenchModel

/// Reads what gcc with W=1, kernel-doc, sparse, coccicheck and checkpatch print.
public enum CheckOutput {
  /// Returns the findings, at most `limit`, in order and without duplicates. An error counts like a warning.
  ///
  ///     drivers/x.c:12:5: warning: symbol 'f' was not declared. Should it be static?      sparse, gcc
  ///     drivers/x.c:12: warning: Function parameter or struct member 'a' not described    kernel-doc
  ///     ./drivers/x.c:12:2-7: WARNING: Unsigned expression compared with zero: a >= 0     coccicheck
  ///     ./drivers/x.c:12:2-7: opportunity for str_yes_no(a)                               coccicheck
  ///     drivers/x.c:12: WARNING:LONG_LINE: line length of 120 exceeds 100 columns         checkpatch
  /// - Parameters:
  ///   - check: the check's name, which the findings get.
  ///   - tree: the absolute path that a tool may put in front of a file.
  public static func findings(
    in log: some Sequence<UInt8>, by check: String, tree: String? = nil, limit: Int = 1000
  ) -> [Diagnostic] {
    var found: [Diagnostic] = []
    var seen: Set<Diagnostic> = []
    let prefix = tree.map { $0.hasSuffix("/") ? $0 : $0 + "/" }
    for line in CompilerOutput.lines(of: log) {
      guard let (file, number, rest) = place(line), let message = message(rest) else { continue }
      let one = Diagnostic(
        file: CompilerOutput.relative(file, prefix), line: number, message: message, tool: check)
      if seen.insert(one).inserted { found.append(one) }
      if found.count >= limit { break }
    }
    return found
  }

  /// Strips `file:line:`, and the columns if there are any.
  private static func place(_ line: String) -> (file: Substring, line: Int, rest: Substring)? {
    guard let match = line.prefixMatch(of: /([^ :][^ :]*):([0-9]+):(?:[0-9]+(?:-[0-9]+)?:)? */),
      let number = Int(match.2)
    else { return nil }
    return (match.1, number, line[match.range.upperBound...])
  }

  /// The message without its severity; `nil` if the line only explains the one before it.
  private static func message(_ rest: Substring) -> String? {
    // checkpatch's types are written as gcc writes the names of its warnings.
    if let match = rest.wholeMatch(of: /(?:WARNING|ERROR|CHECK):([A-Z0-9_]+): (.+)/) {
      return "\(match.2) [\(match.1)]"
    }
    for severity in ["warning: ", "error: ", "WARNING: ", "ERROR: "] where rest.hasPrefix(severity) {
      return String(rest.dropFirst(severity.count))
    }
    if rest.hasPrefix("note: ") || rest.hasPrefix("In file included") || rest.first?.isWhitespace ?? true { return nil }
    // coccicheck's reports have no fixed beginning.
    return rest.contains("opportunity for") || rest.contains("Consider using") ? String(rest) : nil
  }
}
