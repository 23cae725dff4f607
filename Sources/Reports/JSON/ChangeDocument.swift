// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Verdicts

/// The changes in the compiled code, and which of them ran.
struct ChangeDocument: Encodable {
  var pieces: [PieceDocument]
  var functions: [FunctionDocument]
  var notCompiled: [String]
  var unexamined: [String]
  @ExplicitNull var notCounted: String?
  /// `null` in a run of a patchbench version that did not examine lines.
  @ExplicitNull var diff: DiffDocument?

  struct PieceDocument: Encodable {
    var kind: String
    var name: String
    var file: String
    var carriers: [String]
    /// `ran`, `not-reached`, `not-counted`; `null` if no guest ran.
    @ExplicitNull var state: String?
    @ExplicitNull var carrier: String?
    var runs: Int
    var tests: Int
  }

  struct FunctionDocument: Encodable {
    var name: String
    var file: String
    /// Sorted by the tests' names.
    var runs: [RunsDocument]
  }

  struct RunsDocument: Encodable {
    var test: String
    var count: Int
  }

  init?(_ trial: Trial?, accepted: [AcceptedLines]) {
    guard let change = trial?.change else { return nil }
    let execution = trial?.run?.execution
    let reached = execution.map(change.reached) ?? []
    pieces = change.pieces.enumerated().map { index, piece in
      let entry = index < reached.count ? reached[index] : nil
      return PieceDocument(
        kind: piece.kind.rawValue, name: piece.name, file: piece.file, carriers: piece.carriers,
        state: entry?.state.rawValue, carrier: entry?.carrier, runs: entry?.runs ?? 0, tests: entry?.tests ?? 0)
    }
    functions = change.functions.map { function in
      let runs = (execution?.runs[function.name] ?? [:]).sorted { $0.key < $1.key }
      return FunctionDocument(
        name: function.name, file: function.file, runs: runs.map { RunsDocument(test: $0.key, count: $0.value) })
    }
    notCompiled = change.notCompiled
    unexamined = change.unexamined
    notCounted = execution?.failure
    diff = DiffDocument(trial, accepted: accepted)
  }
}
