// SPDX-License-Identifier: Apache-2.0

internal import BenchModel
public import Foundation
internal import GuestProtocol
internal import Verdicts

/// Nights that never were, to find out how the history bears a year of them: some series get worse and better again,
/// some tests are flaky, bases move once a month, series come in versions.
public struct SimulatedYear: Sendable {
  public var nights: Int
  public var series: Int
  public var tests: Int

  public init(nights: Int = 365, series: Int = 20, tests: Int = 300) {
    self.nights = nights
    self.series = series
    self.tests = tests
  }

  /// When the first night begins.
  public static let start = Date(timeIntervalSince1970: 1_700_000_000)

  /// The names of all tests.
  public var testNames: [String] { (0..<tests).map { "family-\($0 / 20)/exporter-to-importer/what-\($0)" } }

  private static let cells = ["linux-6.1", "linux-6.12", "linux-7.3"].flatMap { kernel in
    ["kasan", "modules"].map { profile in
      Cell(kernel: kernel, profile: profile, architecture: "x86_64", toolchain: "gcc", extent: .boot, guest: "q35")
    }
  }

  /// Returns the runs of a night, one per cell: three kernels with two profiles each.
  public func runs(of night: Int) -> [RunRow] {
    Self.cells.enumerated().map { index, cell in
      var random = Steady(seed: UInt64(night * 64 + index))
      let began = Self.start.addingTimeInterval(Double(night) * 86_400 + Double(index) * 1800)
      let names = testNames
      let rows = (0..<series).map { trial($0, night, names, &random) }
      return RunRow(
        id: "night-\(night)-\(index)", directory: "/nights/\(night)/\(index)", command: "/nights/\(night)", cell: cell,
        started: began, finished: began.addingTimeInterval(1700), isPart: false,
        ground: RunRow.Ground(
          source: "\(cell.kernel) of month \(night / 30)", revision: nil, release: cell.kernel, toolchain: "gcc 12",
          emulator: "QEMU 7.2", accelerator: .tcg, patchbench: "1", conditions: nil),
        trials: [base(names)] + rows)
    }
  }

  /// As on linux-6.12: a few tests fail on the base, and many have no device there.
  private func base(_ names: [String]) -> TrialRow {
    let results = names.enumerated().filter { $0.offset % 3 == 0 }.map { index, name in
      ResultRow(
        test: name, status: index % 36 == 0 ? .notOk : .skip, change: nil, tries: Tries(ok: 0, of: 1),
        baseTries: Tries(ok: 0, of: 1), isWorse: false, reason: "no such device")
    }
    return TrialRow(
      series: nil, verdict: nil, reason: "", seconds: 20, isReused: false, plan: names, results: results, reports: [])
  }

  private func trial(_ number: Int, _ night: Int, _ names: [String], _ random: inout Steady) -> TrialRow {
    var series = PatchSeries(name: "series-\(number)-v\(night / 60 + 1)", patches: [])
    series.origin = SeriesOrigin()
    series.origin?.messageID = "\(night / 60).\(number)@example.org"
    let isWorse = number % 4 == 0 && random.below(4) > 0
    let worse = isWorse ? (0..<8 + random.below(20)).map { _ in names[random.below(names.count)] } : []
    let flaky = random.below(10) == 0 ? [names[random.below(names.count)]] : []
    func result(_ name: String, _ status: TestStatus, _ change: Change, _ ok: Int) -> ResultRow {
      ResultRow(
        test: name, status: status, change: change, tries: Tries(ok: ok, of: 4), baseTries: Tries(ok: 4, of: 4),
        isWorse: change == .regressed, reason: "still mapped, expected unmapped")
    }
    return TrialRow(
      series: SeriesRow(series, patches: ["\(number)-\(night / 60)"]), verdict: isWorse ? .regresses : .clean,
      reason: isWorse ? "\(worse[0]): ok on base, not-ok with the series" : "all results match the base",
      seconds: 30 + Double(random.below(30)), isReused: random.below(3) > 0, plan: names,
      results: Set(worse).sorted().map { result($0, .notOk, .regressed, 0) }
        + flaky.filter { !worse.contains($0) }.map { result($0, .ok, .flaky, 3) },
      reports: isWorse ? [ReportRow(title: "WARNING in function_\(random.below(40))", count: 2, isNew: true)] : [])
  }
}

/// The same numbers each time, so that two measurements are of the same year.
private struct Steady {
  private var state: UInt64

  init(seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 | 1 }

  mutating func below(_ limit: Int) -> Int {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return Int(state % UInt64(limit))
  }
}
