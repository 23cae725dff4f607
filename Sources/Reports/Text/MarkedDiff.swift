// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Verdicts

/// The diff of a series with the fate of each changed line.
struct MarkedDiff {
  struct File {
    var path: String
    var hunks: [Hunk]
  }

  struct Hunk {
    var heading: String
    var rows: [Row]
  }

  struct Row {
    var line: DiffLine
    /// `nil` for a line that does not have to run.
    var fate: LineFate?

    /// `ran 12×, 3 tests`, with `at least` if counting stopped early. Empty for a line that does not have to run or has
    /// no code.
    var mark: String {
      guard let fate else { return "" }
      let seen = "\(fate.isLeast ? "at least " : "")\(fate.runs)×, \(Words.counted(fate.tests.count, "test"))"
      let word =
        switch fate.state {
        case .ran: "ran \(seen)"
        case .oneWay: "never \(fate.missing.joined(separator: " or ")); ran \(seen)"
        case .notRun: "did not run"
        case .unseen: "cannot be seen: \(fate.reason)"
        case .notCompiled: "not compiled: \(fate.reason)"
        case .sameCode: "same code"
        case .declaration: "counted by function"
        case .noCode: ""
        }
      return word + (fate.accepted.map { " (accepted: \($0.reason))" } ?? "")
    }

    /// `ran`, `one-way`, …; `none` for a line without a mark.
    var look: String { fate.map { $0.state == .noCode ? "none" : $0.state.rawValue } ?? "none" }
  }

  var files: [File]
  /// Remarks to show with the diff.
  var remarks: [String]
  let fates: [LineFate]

  /// - Returns: `nil` if lines were not examined.
  init?(_ trial: Trial?, accepted: [AcceptedLines]) {
    guard let changed = trial?.change?.lines, !changed.files.isEmpty else { return nil }
    let run = trial?.run
    fates = changed.fates(run?.booted == true ? run?.execution : nil, accepted: accepted)
    var known: [String: LineFate] = [:]
    for fate in fates { known[fate.line.name] = fate }
    files = changed.files.map { file in
      File(
        path: file.path,
        hunks: file.hunks.map { hunk in
          Hunk(
            heading: hunk.heading,
            rows: hunk.lines.map { line in
              let fate = known["\(file.path):\(line.number)"]
              let isAsked = line.kind == .added || line.kind == .context && fate?.line.follows == true
              return Row(line: line, fate: isAsked ? fate : nil)
            })
        })
    }
    remarks = []
    let order: [LineFate.State] = [.ran, .oneWay, .notRun, .unseen, .notCompiled, .sameCode]
    let counts = order.compactMap { state -> String? in
      let count = fates.count { $0.state == state }
      return count == 0 ? nil : "\(count) \(Self.words(state))"
    }
    if !counts.isEmpty { remarks.append("Changed lines of code: \(counts.joined(separator: ", ")).") }
    if changed.omitted > 0 { remarks.append("\(Words.counted(changed.omitted, "line")) of the diff are not shown.") }
    if let failure = changed.failure { remarks.append("Lines were not counted: \(failure).") }
  }

  private static func words(_ state: LineFate.State) -> String {
    switch state {
    case .ran: "ran"
    case .oneWay: "went only one way"
    case .notRun: "did not run"
    case .unseen: "cannot be seen"
    case .notCompiled: "not compiled"
    case .sameCode: "compile to the same code"
    case .declaration, .noCode: state.rawValue
    }
  }
}
