// SPDX-License-Identifier: Apache-2.0

import BenchModel
import GuestProtocol
import Verdicts

/// What the tests say of a kernel with the first patches of a series.
struct PatchAnswer: Sendable, Hashable {
  /// Whether its code is the base's, so that everything is as on the base.
  var isBase = false
  /// What the kernel does instead of running its tests: `does not boot: …`.
  var kernel: String?
  /// The tests that answered and are not worse than on the base.
  var good: Set<String> = []
  /// The tests that were worse at least once.
  var worse: Set<String> = []
  /// The tests that are worse for certain, in groups that failed alike.
  var groups: [[String]] = []
  /// The kernel reports that the base does not have, once each.
  var reports: [BisectionBreak.Symptom] = []

  init(isBase: Bool = false, kernel: String? = nil) {
    self.isBase = isBase
    self.kernel = kernel
  }

  /// Reads a guest's run. A test in which the guest died is worse for certain; the others have to be rerun.
  init(_ run: GuestRun, _ answers: BaseAnswers) {
    let deaths = run.deaths.map(\.test)
    var titles: Set<String> = []
    for report in run.reports where answers.isNew(report) && titles.insert(report.title).inserted {
      reports.append(BisectionBreak.Symptom(kind: .report, name: report.title, test: report.test))
    }
    let struck = answers.struck(in: run)
    for test in run.tests {
      if struck.contains(test.name) || answers.isWorse(test) {
        worse.insert(test.name)
      } else if ![.missing, .skip].contains(test.status) {
        good.insert(test.name)
      }
    }
    for test in deaths where !groups.contains([test]) { groups.append([test]) }
    switch run.ending {
    case .panicked, .stoppedEarly, .silent, .bootDeadline:
      if !run.booted {
        kernel = "does not boot: \(run.ending.words)"
      } else if deaths.isEmpty {
        kernel = "does not complete: \(run.ending.words) \(run.whereabouts)"
      }
    case .completed, .runDeadline, .flooded, .machineDied: break
    }
  }

  /// Everything that is worse for certain.
  var symptoms: [BisectionBreak.Symptom] {
    let kernels = kernel.map { [BisectionBreak.Symptom(kind: .kernel, name: $0)] } ?? []
    let tests = groups.map { BisectionBreak.Symptom(kind: .test, name: $0[0], alike: $0.count - 1) }
    return kernels + tests + reports
  }

  func state(of symptom: BisectionBreak.Symptom) -> CulpritSearch.Answer {
    switch symptom.kind {
    case .kernel: return kernel == nil ? .good : .bad
    case .test:
      if groups.joined().contains(symptom.name) { return .bad }
      return isBase || good.contains(symptom.name) ? .good : .none
    case .report:
      if reports.contains(where: { $0.name == symptom.name }) { return .bad }
      if isBase { return .good }
      let ran = symptom.test.map { good.contains($0) || worse.contains($0) } ?? (kernel == nil)
      return ran ? .good : .none
    }
  }

  /// Returns both answers of two guests of one kernel, in which different tests ran.
  func adding(_ other: PatchAnswer) -> PatchAnswer {
    var sum = self
    sum.isBase = isBase || other.isBase
    sum.kernel = kernel ?? other.kernel
    sum.good.formUnion(other.good)
    sum.worse.formUnion(other.worse)
    sum.groups += other.groups
    sum.reports += other.reports.filter { report in !reports.contains { $0.name == report.name } }
    return sum
  }
}

extension GuestRun {
  /// Why nothing that this guest says is evidence against a series; `nil` if it may be.
  var unreliable: String? {
    switch ending {
    case .machineDied, .flooded, .runDeadline: ending.words
    case .completed where !anomalies.isEmpty: anomalies[0]
    case .completed, .panicked, .stoppedEarly, .silent, .bootDeadline:
      isGarbled ? anomalies.first ?? "its output contradicts itself" : nil
    }
  }
}
