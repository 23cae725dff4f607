internal import BenchModel
internal import GuestProtocol

/// Sets the tests of two guests side by side: the base's in the order of its plan, then those only the series has.
func compare(base: [TestResult], series: [TestResult]) -> [TestComparison] {
  // A hostile plan may name a test twice; the reader has then marked the run as anomalous, and the first one stands.
  let onBase = Dictionary(base.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
  let withSeries = Dictionary(series.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
  var seen: Set<String> = []
  return (base + series).compactMap { test in
    guard seen.insert(test.name).inserted else { return nil }
    let sides = (base: onBase[test.name], series: withSeries[test.name])
    return TestComparison(
      name: test.name,
      base: sides.base?.status ?? .missing,
      series: sides.series?.status ?? .missing,
      change: change(base: sides.base, series: sides.series),
      baseReason: sides.base?.words ?? "not in the base's plan",
      reason: sides.series?.words ?? "not in the plan with the series",
      checks: compare(base: sides.base?.checks ?? [], series: sides.series?.checks ?? []))
  }
}

/// What became of one test; `nil` where that side's plan does not have it.
func change(base: TestResult?, series: TestResult?) -> Change {
  guard let series else { return .missing }
  guard let base else { return series.status == .missing ? .missing : .new }
  switch (base.status.severity, series.status.severity) {
  case (nil, nil): return series.status == .missing && base.status != .missing ? .missing : .same
  case (nil, _?): return .new
  case (_?, nil): return .missing
  case (let before?, let after?):
    if after > before { return .regressed }
    if before > 0, after == 0 { return .fixed }
    if base.status == .notOk, series.status == .notOk, lostCheck(base: base, series: series) { return .regressed }
    return .same
  }
}

/// Whether a check that held on the base fails or is gone with the series. One test looks at many things, so that
/// `not-ok` on both sides may hide that something else broke.
func lostCheck(base: TestResult, series: TestResult) -> Bool {
  let held = Set(series.checks.lazy.filter(\.passed).map(\.name))
  return base.checks.contains { $0.passed && !held.contains($0.name) }
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
