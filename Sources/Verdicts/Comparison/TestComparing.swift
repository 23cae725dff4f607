// SPDX-License-Identifier: Apache-2.0

internal import BenchModel
internal import GuestProtocol

/// Compares the tests of both sides: the base's in the order of its plan, then those that only the series has.
/// - Parameters:
///   - base: the results of each guest of the base; the first ran all tests.
///   - series: the same for the series.
func compare(base: [[TestResult]], series: [[TestResult]]) -> [TestComparison] {
  let onBase = Side(base)
  let withSeries = Side(series)
  var seen: Set<String> = []
  // A hostile plan may name a test twice. The reader has then marked the run as anomalous, and the first result counts.
  let names = ((base.first ?? []) + (series.first ?? [])).map(\.name).filter { seen.insert($0).inserted }
  // Among many unsteady tests, some differ by chance alone.
  let mixed = names.count { onBase.isMixed($0) || withSeries.isMixed($0) }
  return names.map { name in
    let sides = (base: onBase.first[name], series: withSeries.first[name])
    let change =
      onBase.isMixed(name) || withSeries.isMixed(name)
      ? change(onBase.tries(name), withSeries.tries(name), significance: 0.05 / Double(max(1, mixed)))
      : change(base: sides.base, series: sides.series)
    return TestComparison(
      name: name,
      base: sides.base?.status ?? .missing,
      series: sides.series?.status ?? .missing,
      change: change,
      baseReason: sides.base?.words ?? "not in the base's plan",
      reason: sides.series?.words ?? "not in the plan with the series",
      baseTries: onBase.tries(name), seriesTries: withSeries.tries(name),
      checks: compare(base: sides.base?.checks ?? [], series: sides.series?.checks ?? []))
  }
}

/// The results of all guests of one side.
private struct Side {
  var first: [String: TestResult] = [:]
  private var answers: [String: [TestResult]] = [:]

  init(_ runs: [[TestResult]]) {
    for (number, run) in runs.enumerated() {
      var seen: Set<String> = []
      for test in run where seen.insert(test.name).inserted {
        // A test that gave no answer at first but gave one later has answered.
        if number == 0 || first[test.name].map({ !$0.status.isAnswer && test.status.isAnswer }) == true {
          first[test.name] = test
        }
        if test.status.isAnswer { answers[test.name, default: []].append(test) }
      }
    }
  }

  func tries(_ name: String) -> Tries {
    let all = answers[name] ?? []
    return Tries(ok: all.count { $0.musts == .ok }, of: all.count)
  }

  /// Returns whether tries had different results, even if none was `ok`.
  func isMixed(_ name: String) -> Bool {
    guard let all = answers[name], all.count > 1 else { return false }
    return Set(all.map { Way(status: $0.musts, failed: Set($0.failedMusts.map(\.name))) }).count > 1
  }

  private struct Way: Hashable {
    var status: TestStatus
    var failed: Set<String>
  }
}

/// Returns the change of a test that had different results.
private func change(_ base: Tries, _ series: Tries, significance: Double) -> Change {
  guard base.of > 0 else { return .new }
  guard series.of > 0 else { return .missing }
  if Tries.chance(base, series) >= significance { return .flaky }
  return series.ok * base.of < base.ok * series.of ? .regressed : .fixed
}

/// Returns the change of one test; `nil` means that the side's plan does not contain it.
func change(base: TestResult?, series: TestResult?) -> Change {
  guard let series else { return .missing }
  guard let base else { return series.status == .missing ? .missing : .new }
  switch (base.musts.severity, series.musts.severity) {
  case (nil, nil): return series.status == .missing && base.status != .missing ? .missing : .same
  case (nil, _?): return .new
  case (_?, nil): return .missing
  case (let before?, let after?):
    if after > before { return .regressed }
    if before > 0, after == 0 { return .fixed }
    // A test that is `not-ok` for a difference by design may have lost a check that must hold.
    if series.status == .notOk, lostCheck(base: base, series: series) { return .regressed }
    return differs(base, series) ? .differs : .same
  }
}

/// Returns whether a check that must hold, and passed on the base, fails or is gone with the series. One test makes many
/// checks, so `not-ok` on both sides may hide a new failure.
func lostCheck(base: TestResult, series: TestResult) -> Bool {
  let held = Set(series.checks.lazy.filter(\.passed).map(\.name))
  return base.checks.contains { $0.passed && $0.design == nil && !held.contains($0.name) }
}

/// Returns whether the two sides answer a question of design in different ways.
private func differs(_ base: TestResult, _ series: TestResult) -> Bool {
  compare(base: base.checks, series: series.checks).contains(where: \.isDifferentByDesign)
}

private func compare(base: [Check], series: [Check]) -> [CheckComparison] {
  let onBase = Dictionary(base.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
  let withSeries = Dictionary(series.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
  var seen: Set<String> = []
  return (base + series).compactMap { check in
    guard seen.insert(check.name).inserted else { return nil }
    return CheckComparison(name: check.name, base: onBase[check.name], series: withSeries[check.name])
  }
}
