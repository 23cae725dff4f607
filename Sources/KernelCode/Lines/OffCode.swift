// SPDX-License-Identifier: Apache-2.0

extension LineSource {
  /// Returns the condition under which the preprocessor dropped a directive: a `#define` or `#include` of an option that
  /// is off is as little compiled as the code there.
  /// - Parameter compiled: the lines that the preprocessor kept; `nil` if unknown.
  /// - Returns: `nil` if it kept the directive, or if the directive is itself a condition.
  func leftOut(directive number: Int, _ compiled: Set<Int>?) -> String? {
    guard let compiled else { return nil }
    var first = number
    while first > 1, directives.contains(first - 1), code[first - 1].hasSuffix("\\") { first -= 1 }
    let word = code[first].dropFirst().drop { $0 == " " || $0 == "\t" }
    let section = section(before: first)
    if word.hasPrefix("define") || word.hasPrefix("undef") {
      // -fdirectives-only keeps these at their lines.
      return compiled.contains(first) ? nil : condition(of: section)
    }
    if ["if", "el", "endif"].contains(where: word.hasPrefix) { return nil }
    return isCompiled(section, compiled) == false ? condition(of: section) : nil
  }

  /// Returns the test of an option that a line in a function's body depends on: `IS_ENABLED(CONFIG_X)`. The compiler
  /// reads such code, and drops it without a trace if the option is off.
  func option(around number: Int) -> String? {
    var depth = Int.max
    for line in stride(from: number, to: 0, by: -1) {
      guard line == number || bodies.contains(line) else { return nil }
      guard hasWords(line), indents[line] < depth || line == number else { continue }
      depth = indents[line]
      if let test = Self.option(in: code[line]) { return test }
    }
    return nil
  }

  private static func option(in text: Substring) -> String? {
    for macro in ["IS_ENABLED(", "IS_BUILTIN(", "IS_REACHABLE(", "IS_MODULE("] {
      guard let start = text.firstRange(of: macro) else { continue }
      let symbol = text[start.upperBound...].prefix { $0 != ")" }
      if symbol.hasPrefix("CONFIG_") { return "\(macro)\(symbol))" }
    }
    return nil
  }
}
