// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Verdicts

/// The changes in the compiled code, and which of them ran.
struct ChangeDocument: Encodable {
  var pieces: [PieceDocument]
  var functions: [FunctionDocument]
  var notCompiled: [String]
  /// One per file of `notCompiled` for which it is known.
  var notCompiledCauses: [CauseDocument]
  /// One per file of `notCompiled` that another profile compiles.
  var compiledElsewhere: [ElsewhereDocument]
  var aside: [String]
  var moved: [MoveDocument]
  var unexamined: [String]
  @ExplicitNull var notCounted: String?
  /// `null` in a run of a patchbench version that did not examine lines.
  @ExplicitNull var diff: DiffDocument?

  struct ElsewhereDocument: Encodable {
    var file: String
    var profiles: [String]
  }

  struct CauseDocument: Encodable {
    var file: String
    /// `option`, `architecture`, `no-makefile`, `not-included`
    var cause: String
    /// The option or the architecture.
    @ExplicitNull var name: String?

    init(_ file: String, _ cause: NotCompiledCause) {
      self.file = file
      switch cause {
      case .option(let option, _): (self.cause, name) = ("option", option)
      case .architecture(let other): (self.cause, name) = ("architecture", other)
      case .noMakefile: self.cause = "no-makefile"
      case .notIncluded: self.cause = "not-included"
      }
    }
  }

  struct MoveDocument: Encodable {
    var from: String
    var to: String
  }

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
    notCompiledCauses = change.notCompiled.compactMap { file in
      change.causes?[file].map { CauseDocument(file, $0) }
    }
    compiledElsewhere = change.notCompiled.compactMap { file in
      change.elsewhere?[file].map { ElsewhereDocument(file: file, profiles: $0) }
    }
    aside = change.aside ?? []
    moved = (change.moved ?? [:]).sorted { $0.key < $1.key }.map { MoveDocument(from: $0.value, to: $0.key) }
    unexamined = change.unexamined
    notCounted = execution?.failure
    diff = DiffDocument(trial, accepted: accepted)
  }
}
