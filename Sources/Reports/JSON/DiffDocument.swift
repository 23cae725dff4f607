// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Verdicts

/// The diff of a series with the fate of each changed line.
struct DiffDocument: Encodable {
  var files: [FileDocument]
  var lines: [LineDocument]
  var omitted: Int
  @ExplicitNull var failure: String?

  struct FileDocument: Encodable {
    var path: String
    var hunks: [HunkDocument]
  }

  struct HunkDocument: Encodable {
    var heading: String
    /// As in a unified diff, each with its sign.
    var lines: [String]
  }

  struct LineDocument: Encodable {
    var file: String
    var line: Int
    var text: String
    @ExplicitNull var function: String?
    var follows: Bool
    var state: String
    var runs: Int
    var tests: Int
    var least: Bool
    var missing: [String]
    @ExplicitNull var reason: String?
    @ExplicitNull var accepted: String?

    init(_ fate: LineFate) {
      file = fate.line.file
      line = fate.line.number
      text = fate.line.text
      function = fate.line.function
      follows = fate.line.follows
      state = fate.state.rawValue
      runs = fate.runs
      tests = fate.tests.count
      least = fate.isLeast
      missing = fate.missing
      reason = fate.reason.isEmpty ? nil : fate.reason
      accepted = fate.accepted?.reason
    }
  }

  init?(_ trial: Trial?, accepted: [AcceptedLines]) {
    guard let changed = trial?.change?.lines, let diff = MarkedDiff(trial, accepted: accepted) else { return nil }
    files = changed.files.map { file in
      FileDocument(
        path: file.path,
        hunks: file.hunks.map { hunk in
          HunkDocument(heading: hunk.heading, lines: hunk.lines.map { $0.kind.rawValue + $0.text })
        })
    }
    lines = diff.fates.map(LineDocument.init)
    omitted = changed.omitted
    failure = changed.failure
  }
}
