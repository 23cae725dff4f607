// SPDX-License-Identifier: Apache-2.0

import BenchModel
public import Mutation
public import Verdicts

/// Shows which lines of the listed functions run on the base: as text for a terminal, and as JSON.
public struct LineTable: Codable, Sendable, Hashable {
  /// The number of lines that could run.
  public var lines: Int
  /// Lines that no test runs, and conditions with an outcome that is never taken, without a reason.
  public var gaps: [LineFate]
  /// Lines for which `unreachable.yaml` gives a reason.
  public var argued: [Argued]

  public struct Argued: Codable, Sendable, Hashable {
    public var line: LineFate
    public var why: String
  }

  public init(_ all: [LineFate], _ unreachable: UnreachableLines) {
    let asked = all.filter { ![.noCode, .declaration].contains($0.state) }
    lines = asked.count
    gaps = []
    argued = []
    for one in asked where one.isDoubt {
      let why = unreachable.reason(
        file: one.line.file, function: one.line.function, text: one.line.text, ran: one.state == .oneWay)
      if let why { argued.append(Argued(line: one, why: why)) } else { gaps.append(one) }
    }
  }

  public var text: String {
    let ran = lines - gaps.count - argued.count
    var text =
      "\(lines) lines: \(ran) ran, and conditions went both ways; \(argued.count) cannot run here, "
    text += "according to unreachable.yaml; \(gaps.count) are gaps\n"
    for (state, title) in [
      (LineFate.State.notRun, "run by no test"), (.oneWay, "went one way only"), (.notCompiled, "not compiled"),
      (.unseen, "cannot be seen"),
    ] {
      let found = gaps.filter { $0.state == state }
      if found.isEmpty { continue }
      text += "\n\(title): \(found.count)\n"
      var place = ""
      for one in found {
        let here = "\(one.line.file) \(one.line.function.map { "\($0)()" } ?? "")"
        if here != place { text += "  \(here)\n" }
        place = here
        let source = one.line.text.drop { $0 == " " || $0 == "\t" }
        let why = (one.missing + [one.reason]).filter { !$0.isEmpty }.joined(separator: ", ")
        text += "    \(one.line.number) \(source)\(why.isEmpty ? "" : "  (\(why))")\n"
      }
    }
    return text
  }
}
