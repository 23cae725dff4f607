// SPDX-License-Identifier: Apache-2.0

public import BenchModel
internal import Verdicts

/// What several cells say of the same series: one verdict for each series, and what each cell says of it.
public struct Matrix: Sendable {
  /// A series in all cells.
  public struct Row: Sendable {
    public var series: String
    /// That of its worst cell.
    public var verdict: Verdict
    public var cells: [Answer]
  }

  /// A series in one cell.
  public struct Answer: Sendable {
    public var kernel: String
    public var profile: String
    /// `nil` if the cell was not run.
    public var verdict: Verdict?
    /// The first reason of the verdict, or why the cell was not run; not escaped.
    public var reason: String
    /// What decides the verdict, in words, or why the cell was not run; not escaped.
    var words: String
    public var trial: Trial?
    /// The name of the run's directory, relative to the matrix's; `nil` if the cell was not run.
    public var directory: String?

    var name: String { "\(kernel)/\(profile)" }
    var word: String { verdict?.rawValue ?? "not run" }
    var time: String { verdict == nil ? "–" : Words.cost(trial) }
  }

  /// In the order in which the series first appear.
  public private(set) var rows: [Row]
  /// Whether a run was stopped before it finished.
  public let isStopped: Bool
  /// The cells that could not be run.
  public let gaps: [CellGap]

  /// The runs, each with the name of its directory.
  let runs: [(directory: String, report: Report)]

  /// - Parameters:
  ///   - runs: one per cell that was run, each with the name of its directory.
  ///   - gaps: the cells that could not be run.
  public init(_ runs: [(directory: String, report: Report)], gaps: [CellGap] = []) {
    self.gaps = gaps
    self.runs = runs
    isStopped = runs.contains { $0.report.record.interrupted }
    var names: [String] = []
    for name in runs.flatMap({ $0.report.judgements.map(\.series.name) }) where !names.contains(name) {
      names.append(name)
    }
    let ranked = runs.map { SeriesAnswer.ranked($0.report.judgements, $0.report.record.header) }
    rows = names.compactMap { name in
      var verdicts: [CellVerdict] = []
      var answers: [Answer] = []
      for (run, found) in zip(runs, ranked) {
        let record = run.report.record
        let cell = record.header.cell
        for answer in found where answer.judgement.series.name == name {
          let judgement = answer.judgement
          verdicts.append(CellVerdict(judgement, in: cell, base: record.base))
          answers.append(
            Answer(
              kernel: cell.kernel, profile: cell.profile, verdict: judgement.verdict,
              reason: judgement.reasons.first?.description ?? "", words: answer.words,
              trial: judgement.trial, directory: run.directory))
        }
      }
      answers += gaps.map {
        Answer(kernel: $0.kernel, profile: $0.profile, verdict: nil, reason: $0.reason, words: $0.reason)
      }
      return Verdict.worst(of: verdicts).map { Row(series: name, verdict: $0, cells: answers) }
    }
  }

  /// The rows, the best verdict first, and in their order where verdicts are equal.
  var ranked: [Row] {
    Verdict.bestFirst.flatMap { verdict in rows.filter { $0.verdict == verdict } }
  }

  /// Returns the same, of which only some series are told.
  /// - Parameter names: the names of the series.
  public func only(_ names: [String]) -> Matrix {
    var copy = self
    copy.rows = rows.filter { names.contains($0.series) }
    return copy
  }

  /// The exit status of a command that ran these cells. A cell that gave no answer never passes.
  public var exitStatus: Int32 {
    max(ExitStatus.of(rows.map(\.verdict)), gaps.isEmpty && !isStopped ? ExitStatus.fine : ExitStatus.inconclusive)
  }
}
