// SPDX-License-Identifier: Apache-2.0

public import BenchModel
internal import GuestProtocol
internal import Verdicts

extension RunRow {
  /// Folds a run's record.
  /// - Parameters:
  ///   - id: the record's id.
  ///   - directory: the run's, absolute.
  ///   - command: see ``RunRow/command``.
  ///   - patches: the ids of the patches of each series, by its name.
  public init(_ record: RunRecord, id: String, directory: String, command: String, patches: [String: [String]] = [:]) {
    self.id = id
    self.directory = directory
    self.command = command
    let header = record.header
    cell = header.cell
    started = record.started
    finished = record.interrupted ? nil : record.finished
    isPart = header.only != nil
    ground = Ground(
      source: header.source, revision: header.choice?.revision, release: record.base?.guestRun?.release,
      toolchain: header.toolchain, emulator: header.emulator, accelerator: header.accelerator,
      patchbench: header.patchbench, conditions: header.conditions)
    trials =
      (record.base.map { [TrialRow(base: $0, flaw: record.baseFlaw)] } ?? [])
      + judge(record).filter { $0.trial?.isFinished == true }.map {
        TrialRow($0, patches: patches[$0.series.name] ?? [])
      }
  }
}

extension TrialRow {
  /// - Parameter flaw: why nothing can be compared with it.
  init(base trial: Trial, flaw: Reason?) {
    series = nil
    verdict = nil
    reason = flaw?.description ?? ""
    seconds = trial.seconds.total
    isReused = trial.reused
    let run = trial.guestRun
    plan = run?.tests.map(\.name) ?? []
    results = (run?.tests ?? []).filter { $0.status != .ok }.map { test in
      let tries = Tries(ok: 0, of: [.notOk, .crash, .timeout].contains(test.status) ? 1 : 0)
      return ResultRow(
        test: test.name, status: test.status, change: nil, tries: tries, baseTries: tries, isWorse: false,
        reason: test.reason.isEmpty ? test.checks.first { !$0.passed }?.name ?? "" : test.reason)
    }
    reports = ReportRow.counted((run?.reports ?? []).map { ($0.title, false) })
  }

  init(_ judgement: Judgement, patches: [String]) {
    series = SeriesRow(judgement.series, patches: patches)
    verdict = judgement.verdict
    reason = judgement.reasons.first?.description ?? ""
    seconds = judgement.trial?.seconds.total
    isReused = judgement.trial?.reused ?? false
    // Where a trial ended early on purpose, the tests behind say nothing.
    let isCut = judgement.trial?.cutShort != nil
    let tests = judgement.tests.filter { !isCut || $0.series != .missing }
    plan = tests.map(\.name)
    results = tests.filter { $0.change != .same || $0.wasTriedAgain }.map { test in
      ResultRow(
        test: test.name, status: test.series, change: test.change, tries: test.seriesTries, baseTries: test.baseTries,
        isWorse: test.countsAgainst, reason: test.reason)
    }
    reports = ReportRow.counted(judgement.reports.map { ($0.report.title, $0.countsAgainst) })
  }
}

extension ReportRow {
  /// Returns each title once, in order.
  fileprivate static func counted(_ reports: [(title: String, isNew: Bool)]) -> [ReportRow] {
    var rows: [ReportRow] = []
    for report in reports {
      if let index = rows.firstIndex(where: { $0.title == report.title }) {
        rows[index].count += 1
        rows[index].isNew = rows[index].isNew || report.isNew
      } else {
        rows.append(ReportRow(title: report.title, count: 1, isNew: report.isNew))
      }
    }
    return rows
  }
}

extension Trial {
  fileprivate var guestRun: GuestRun? { if case .ran(let run) = result { run } else { nil } }

  fileprivate var isFinished: Bool { if case .interrupted = result { false } else { true } }

}
