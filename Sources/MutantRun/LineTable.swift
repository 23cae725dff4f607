import BenchModel
public import Verdicts

/// Which lines of some functions run on the base, for a terminal.
public enum LineTable {
  public static func text(_ lines: [LineFate]) -> String {
    let asked = lines.filter { ![.noCode, .declaration].contains($0.state) }
    let doubts = asked.filter(\.isDoubt)
    var text = "\(asked.count) lines, \(asked.count - doubts.count) ran, with both ways out where they are conditions\n"
    for (state, title) in [
      (LineFate.State.notRun, "run by no test"), (.oneWay, "went one way only"), (.notCompiled, "not compiled"),
      (.unseen, "cannot be seen"),
    ] {
      let found = doubts.filter { $0.state == state }
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
