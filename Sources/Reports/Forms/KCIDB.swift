// SPDX-License-Identifier: Apache-2.0

internal import BenchModel
internal import Foundation
internal import GuestProtocol
internal import Verdicts

/// Makes KCIDB's objects of some runs: a checkout for each kernel with each series, and one without; a build of it for
/// each profile; its tests; and an issue for each title of a kernel report, with its incidents.
///
/// A test's status is about the tested code alone: what fails on the base as well is `FAIL` there and here. The verdict,
/// which compares, is a test of its own: `patchbench.verdict`. Where the harness failed before there was a kernel to
/// test, the build is missing.
struct KCIDB {
  private(set) var document = KCIDBDocument()
  private var checkouts: [String: Int] = [:]
  private var issues: Set<String> = []
  private var names = Names()

  init(_ runs: ToldRuns) {
    for record in runs.records { takeBase(record) }
    for entry in runs.entries { take(entry) }
    for gap in runs.gaps {
      for name in runs.names.isEmpty ? [nil] : runs.names.map(Optional.init) { take(gap, series: name) }
    }
  }

  /// Ids that are there already get a number.
  private struct Names {
    private var seen: Set<String> = []

    mutating func take(_ name: String) -> String {
      var candidate = name
      var number = 2
      while !seen.insert(candidate).inserted {
        candidate = "\(name)#\(number)"
        number += 1
      }
      return candidate
    }
  }

  // MARK: - Checkouts and builds

  private mutating func takeBase(_ record: RunRecord) {
    let index = checkout(record.header.cell.kernel, series: nil, record)
    document.checkouts[index].patchsetHash = ""
    if let base = record.base, Self.wasApplied(base) { document.checkouts[index].valid = true }
    let build = takeBuild(of: record.base, in: record, checkout: index, reason: record.flawWords)
    guard let run = record.base?.run else { return }
    takeBoot(run, hasFailed: !run.booted && record.baseFlaw != nil, build, record)
    var ids: [String: String] = [:]
    for test in run.tests {
      var one = self.test(test.name, Self.status(test), build, run, record)
      one.logExcerpt = Self.excerpt(test, run, status: one.status)
      one.misc = KCIDBDocument.Test.Misc(name: visible(test.name))
      ids[test.name] = one.id
      document.tests.append(one)
    }
    for report in run.reports { takeReport(report, comment: nil, build, test: report.test.flatMap { ids[$0] }) }
  }

  private mutating func take(_ entry: ToldRuns.Entry) {
    let (judgement, record) = (entry.judgement, entry.record)
    let series = judgement.series
    let index = checkout(record.header.cell.kernel, series: series.name, record)
    document.checkouts[index].patchsetHash = entry.patchset
    document.checkouts[index].messageId = MailHead.messageID(series.origin?.messageID).map {
      String($0.dropFirst().dropLast())
    }
    document.checkouts[index].comment = (series.cover?.subject ?? series.patches.first?.subject).map(KCIDBText.comment)
    if case .doesNotApply(let failure)? = judgement.trial?.result {
      document.checkouts[index].valid = false
      document.checkouts[index].logExcerpt = KCIDBText.excerpt(failure.words.map(\.description))
      return
    }
    if let trial = judgement.trial, Self.wasApplied(trial) { document.checkouts[index].valid = true }
    let build = takeBuild(
      of: judgement.trial, in: record, checkout: index, reason: judgement.reasons.first?.description)
    // A test of a build that failed, or is missing, would be invalid. Such a build is the verdict.
    if document.builds.last?.status == .pass { takeVerdict(entry, build) }
    guard let run = judgement.trial?.run else { return }
    takeBoot(run, hasFailed: judgement.verdict == .doesNotBoot, build, record)
    takeTests(entry, run, build)
  }

  /// A cell that was not run is a build that is missing.
  private mutating func take(_ gap: CellGap, series: String?) {
    let index = checkout(gap.kernel, series: series, nil)
    document.builds.append(
      KCIDBDocument.Build(
        id: names.take("\(document.checkouts[index].id):\(KCIDBText.part(gap.profile))"),
        checkoutId: document.checkouts[index].id, comment: KCIDBText.comment("not run: \(gap.reasonWords)"),
        configName: visible(gap.profile), status: .miss))
  }

  /// Returns the index of the checkout of a kernel with a series, which is made if it is not there.
  /// - Parameter record: of a run with it; `nil` if there was none.
  private mutating func checkout(_ kernel: String, series: String?, _ record: RunRecord?) -> Int {
    let name = series.map { "series:\(KCIDBText.part($0))" } ?? "base"
    let key = "\(KCIDBText.part(kernel)):\(name)"
    if let index = checkouts[key] { return index }
    // With milliseconds, so that no two runs of a CI system have equal ids.
    let started = record.map { $0.started.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true)) }
    let revision = record?.header.choice?.revision
    document.checkouts.append(
      KCIDBDocument.Checkout(
        id: names.take("\(KCIDBDocument.origin):\(started ?? "not-run"):\(key)"),
        gitCommitHash: revision?.wholeMatch(of: /[0-9a-f]{40}/) == nil ? nil : revision, startTime: started,
        misc: KCIDBDocument.Checkout.Misc(
          kernel: visible(kernel), source: record.map { visible($0.header.source) }, series: series.map { visible($0) })
      ))
    checkouts[key] = document.checkouts.count - 1
    return document.checkouts.count - 1
  }

  /// - Returns: the build's id.
  private mutating func takeBuild(of trial: Trial?, in record: RunRecord, checkout: Int, reason: String?) -> String {
    let checkout = document.checkouts[checkout].id
    let cell = record.header.cell
    var build = KCIDBDocument.Build(
      id: names.take("\(checkout):\(KCIDBText.part(cell.profile))"), checkoutId: checkout,
      duration: SecondsDocument.rounded(Cost.known(trial?.seconds.known.build)),
      architecture: cell.architecture.wholeMatch(of: /[a-z0-9_]*/) == nil ? nil : cell.architecture,
      compiler: visible(record.header.toolchain), configName: visible(cell.profile), status: .miss)
    switch trial?.result {
    case .sameCode, .built, .ran: build.status = .pass
    case .doesNotBuild(let failure):
      build.status = .fail
      let lines = failure.diagnostics.map { error in
        "\(Words.place(of: error).map { "\($0): " } ?? "")\(Words.message(of: error))"
      }
      build.logExcerpt = KCIDBText.excerpt(lines.isEmpty ? failure.tail : lines)
    case .fault(let fault) where fault.stage > .build: build.status = .pass
    case .fault, .interrupted, .doesNotApply, nil: break
    }
    if build.status != .pass { build.comment = reason.map(KCIDBText.comment) }
    document.builds.append(build)
    return build.id
  }

  private static func wasApplied(_ trial: Trial) -> Bool {
    switch trial.result {
    case .doesNotBuild, .sameCode, .built, .ran: true
    case .fault(let fault): fault.stage > .apply
    case .interrupted: trial.seconds.build != nil
    case .doesNotApply: false
    }
  }

  // MARK: - Tests

  private mutating func takeVerdict(_ entry: ToldRuns.Entry, _ build: String) {
    let judgement = entry.judgement
    let status: KCIDBDocument.Status =
      judgement.verdict.isWorse
      ? .fail : judgement.verdict != .inconclusive ? .pass : entry.isAnsweredElsewhere ? .skip : .miss
    document.tests.append(
      KCIDBDocument.Test(
        id: names.take("\(build):patchbench.verdict"), buildId: build, path: "patchbench.verdict",
        comment: KCIDBText.comment("\(judgement.verdict.rawValue): \(judgement.reasons.first?.description ?? "")"),
        logExcerpt: KCIDBText.excerpt(judgement.reasons.map(\.description)), status: status))
  }

  /// `boot` is the path that KernelCI has for it.
  private mutating func takeBoot(_ run: GuestRun, hasFailed: Bool, _ build: String, _ record: RunRecord) {
    var test = test("", run.booted ? .pass : hasFailed ? .fail : .miss, build, run, record)
    test.path = "boot"
    test.id = names.take("\(build):boot")
    if test.status != .pass { test.logExcerpt = KCIDBText.excerpt([run.ending.words] + run.lastLines) }
    document.tests.append(test)
  }

  private mutating func takeTests(_ entry: ToldRuns.Entry, _ run: GuestRun, _ build: String) {
    var ids: [String: String] = [:]
    for compared in entry.judgement.tests {
      let checks = compared.checks.compactMap(\.series)
      let result = TestResult(name: compared.name, status: compared.series, reason: compared.reason, checks: checks)
      // What looks worse and is not held against the series says nothing about its code, and neither does a flaky test.
      let isOpen =
        compared.isWorse && !entry.isProven(test: compared.name)
        || compared.change == .flaky && !compared.baseTries.isMixed
      var one = test(compared.name, isOpen ? .miss : Self.status(result), build, run, entry.record)
      if compared.isNotable {
        one.comment = KCIDBText.comment("\(compared.change.rawValue): \(Words.sides(compared))")
      }
      one.logExcerpt = Self.excerpt(result, run, status: one.status)
      one.misc = KCIDBDocument.Test.Misc(
        name: visible(compared.name), base: compared.base.rawValue, change: compared.change.rawValue)
      ids[compared.name] = one.id
      document.tests.append(one)
    }
    for compared in entry.judgement.reports {
      let known = compared.known.map { "known: \($0.reason), \($0.link)" }
      takeReport(
        compared.report, comment: compared.onBase ? "on the base as well" : known, build,
        test: compared.report.test.flatMap { ids[$0] })
    }
  }

  private mutating func test(
    _ name: String, _ status: KCIDBDocument.Status, _ build: String, _ run: GuestRun, _ record: RunRecord
  ) -> KCIDBDocument.Test {
    let path = KCIDBText.path(name)
    let header = record.header
    let place =
      "QEMU guest \(header.cell.guest), accelerator \(run.accelerator.rawValue), "
      + Words.counted(header.processors, "processor")
    return KCIDBDocument.Test(
      id: name.isEmpty ? "" : names.take("\(build):\(path)"), buildId: build,
      environment: KCIDBDocument.Test.Environment(comment: visible(place)), path: path, status: status,
      duration: SecondsDocument.rounded(Cost.known(run.seconds?[name])))
  }

  /// What differs by design alone has passed.
  private static func status(_ test: TestResult) -> KCIDBDocument.Status {
    switch test.musts {
    case .ok: .pass
    case .notOk, .crash, .timeout: .fail
    case .skip: .skip
    case .missing: .miss
    }
  }

  private static func excerpt(_ test: TestResult, _ run: GuestRun, status: KCIDBDocument.Status) -> String? {
    guard status == .fail || status == .miss else { return nil }
    let checks = test.checks.filter { !$0.passed }.map { check in
      "not ok \(check.name)\(check.detail.isEmpty ? "" : ": \(check.detail)")"
    }
    let reason = test.reason.isEmpty || !checks.isEmpty ? [] : [test.reason]
    return KCIDBText.excerpt(reason + checks + (run.logs?[test.name] ?? []))
  }

  // MARK: - Issues

  private mutating func takeReport(_ report: KernelReport, comment: String?, _ build: String, test: String?) {
    let id = "\(KCIDBDocument.origin):kernel-report:\(KCIDBText.part(report.title))"
    if issues.insert(id).inserted {
      document.issues.append(
        KCIDBDocument.Issue(
          id: id, reportSubject: visible(report.title), comment: KCIDBText.comment("\(report.kind.rawValue) report")))
    }
    document.incidents.append(
      KCIDBDocument.Incident(
        id: names.take("\(build):\(KCIDBText.part(report.title))"), issueId: id, buildId: build, testId: test,
        comment: comment.map(KCIDBText.comment)))
  }
}
