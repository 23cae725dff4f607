// SPDX-License-Identifier: Apache-2.0

public import BenchModel
internal import GuestProtocol

/// What differs between two runs in one cell each.
public struct RunDifference: Sendable, Hashable {
  public var then: Cell
  public var now: Cell
  /// What moved under the series.
  public var moves: [Move]
  /// The tests that fail on the base; `nil` if a base has no complete result.
  public var base: OneSided?
  /// The titles of the base's kernel reports; `nil` likewise.
  public var baseReports: OneSided?
  /// The series of both runs, in the order of the later one.
  public var series: [SeriesDifference]
  /// The series of the earlier run that the later one does not have, and the other way round.
  public var onlyThen: [NamedVerdict]
  public var onlyNow: [NamedVerdict]

  public init(then: RunRecord, now: RunRecord) {
    let (before, after) = (judge(then), judge(now))
    let pairs = SeriesPairs(before.map(\.series), after.map(\.series))
    self.then = then.header.cell
    self.now = now.header.cell
    moves = now.moves(since: then)
    series = pairs.pairs.map { pair in
      SeriesDifference(then: (before[pair.then], then), now: (after[pair.now], now))
    }
    onlyThen = pairs.onlyThen.map { NamedVerdict(name: before[$0].series.name, verdict: before[$0].verdict) }
    onlyNow = pairs.onlyNow.map { NamedVerdict(name: after[$0].series.name, verdict: after[$0].verdict) }
    if case .whole(let old) = BaseEvidence(then.base), case .whole(let new) = BaseEvidence(now.base) {
      base = Self.failing(old, new)
      baseReports = OneSided(new: Self.titles(new, without: old), gone: Self.titles(old, without: new))
    }
  }

  /// Whether something got worse. The base counts only if there are no series: otherwise each is compared with its own.
  public var gotWorse: Bool {
    if hasSeries { return series.contains(where: \.gotWorse) }
    return base?.new.isEmpty == false || baseReports?.new.isEmpty == false
  }

  /// Why the runs, or some of their series, cannot be compared.
  public var obstacle: String? {
    if series.isEmpty, hasSeries { return "no series of one run is in the other" }
    if !hasSeries, base == nil { return "a base has no complete result" }
    let count = series.count { $0.obstacle != nil }
    return count == 0 ? nil : "\(count) series cannot be compared"
  }

  private var hasSeries: Bool { !series.isEmpty || !onlyThen.isEmpty || !onlyNow.isEmpty }

  /// The tests that both bases answered and that fail in only one.
  private static func failing(_ then: GuestRun, _ now: GuestRun) -> OneSided {
    let (old, new) = (statuses(then), statuses(now))
    func fail(_ run: GuestRun, _ here: [String: TestStatus], _ there: [String: TestStatus]) -> [String] {
      run.tests.map(\.name).filter { name in
        guard let own = here[name], let other = there[name] else { return false }
        return own.isBad && other.isAnswer && !other.isBad
      }
    }
    return OneSided(new: fail(now, new, old), gone: fail(then, old, new))
  }

  private static func statuses(_ run: GuestRun) -> [String: TestStatus] {
    Dictionary(run.tests.map { ($0.name, $0.musts) }, uniquingKeysWith: { first, _ in first })
  }

  private static func titles(_ run: GuestRun, without other: GuestRun) -> [String] {
    let others = Set(other.reports.map(\.title))
    var seen: Set<String> = []
    return run.reports.map(\.title).filter { !others.contains($0) && seen.insert($0).inserted }
  }
}

/// What differs between the runs of two commands, cell by cell.
public struct RunsDifference: Sendable, Hashable {
  public var cells: [RunDifference]
  /// The cells that only one of the commands has.
  public var onlyThen: [Cell]
  public var onlyNow: [Cell]
  /// The cells that the later command should have run and did not, though the earlier one did.
  public var gaps: [CellGap]

  /// Two single runs are compared whatever their cells. Of several runs, those with the same kernel and profile are, and
  /// then those with the same profile, if there is only one on each side.
  /// - Parameter gaps: the cells that the later command did not run.
  public init(then: [RunRecord], now: [RunRecord], gaps: [CellGap] = []) {
    var left = (then: Array(then.indices), now: Array(now.indices))
    var pairs: [(then: Int, now: Int)] = []
    func match(_ isMatch: (Cell, Cell) -> Bool) {
      for index in left.now {
        let found = left.then.filter { isMatch(then[$0].header.cell, now[index].header.cell) }
        let rivals = left.now.filter { isMatch(now[$0].header.cell, now[index].header.cell) }
        guard found.count == 1, rivals.count == 1 else { continue }
        pairs.append((found[0], index))
        left.then.removeAll { $0 == found[0] }
        left.now.removeAll { $0 == index }
      }
    }
    match { ($0.kernel, $0.profile, $0.architecture) == ($1.kernel, $1.profile, $1.architecture) }
    match { ($0.profile, $0.architecture) == ($1.profile, $1.architecture) }
    if then.count == 1, now.count == 1 { match { _, _ in true } }
    pairs.sort { $0.now < $1.now }
    cells = pairs.map { RunDifference(then: then[$0.then], now: now[$0.now]) }
    onlyThen = left.then.map { then[$0].header.cell }
    onlyNow = left.now.map { now[$0].header.cell }
    let before = onlyThen
    self.gaps = gaps.filter { gap in before.contains { $0.kernel == gap.kernel && $0.profile == gap.profile } }
  }

  /// 0 nothing got worse, 1 something did, 3 something cannot be compared.
  public var exitStatus: Int32 {
    if cells.isEmpty || !gaps.isEmpty || cells.contains(where: { $0.obstacle != nil }) {
      return ExitStatus.inconclusive
    }
    return cells.contains(where: \.gotWorse) ? ExitStatus.worse : ExitStatus.fine
  }
}
