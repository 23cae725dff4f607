// SPDX-License-Identifier: Apache-2.0

public import BenchModel
public import Foundation
internal import Verdicts

/// What changed between two times, and nothing else.
public struct Changes: Codable, Sendable, Hashable {
  /// What was tried from here on is compared with the last that was tried before.
  public var since: Date
  /// Series that got worse: by their verdict, by a test, or by a kernel report.
  public var broken: [SeriesChange] = []
  /// Series that got better.
  public var fixed: [SeriesChange] = []
  /// Series that were not in any earlier run.
  public var new: [ToldTrial] = []
  /// Series that the last run before had, and that no run of that cell has had since.
  public var gone: [ToldTrial] = []
  /// Tests that gave more than one answer on the same kernel, and did not in the trial before.
  public var flaky: [FlakyTest] = []
  public var bases: [BaseChange] = []
  public var slower: [SlowerTrial] = []

  /// Nothing changed.
  public init(since: Date) { self.since = since }

  public var isEmpty: Bool {
    broken.isEmpty && fixed.isEmpty && new.isEmpty && gone.isEmpty && flaky.isEmpty && bases.isEmpty && slower.isEmpty
  }

  /// Whether something got worse: a series or a base that was better before, or a new series that is worse than its base.
  public var gotWorse: Bool {
    !broken.isEmpty || new.contains { $0.verdict.isWorse } || bases.contains { !$0.failing.isEmpty }
  }
}

/// A series that got better or worse in one cell.
public struct SeriesChange: Codable, Sendable, Hashable {
  public var then: ToldTrial
  public var now: ToldTrial
  /// The tests that are worse than on the base now, and were not before; or, of a series that got better, the other way
  /// round.
  public var tests: [String]
  /// Likewise, the titles of the kernel reports that the base does not have.
  public var reports: [String]
}

/// A test that gave more than one answer.
public struct FlakyTest: Codable, Sendable, Hashable {
  public var test: String
  public var trial: ToldTrial
  /// How many earlier trials in this cell found it flaky, of how many that planned it.
  public var before: Int
  public var of: Int
}

/// A base that moved, or whose results changed.
public struct BaseChange: Codable, Sendable, Hashable {
  public var cell: Cell
  /// What moved, from what to what: `source`, `toolchain`, …
  public var moves: [BaseMove]
  /// The tests that fail on it now and did not before; and the other way round.
  public var failing: [String]
  public var passing: [String]
}

public struct BaseMove: Codable, Sendable, Hashable {
  public var what: String
  public var then: String
  public var now: String
}

/// A trial that took much longer than the same series did before.
public struct SlowerTrial: Codable, Sendable, Hashable {
  public var trial: ToldTrial
  /// The median of its last trials that were not reused, in seconds.
  public var usual: Double
}

/// A series in one cell with all that two of its trials are compared by.
struct Standing: Sendable, Hashable {
  var trial: ToldTrial
  /// The numbers of both in the database.
  var cell: Int64
  var lineage: Int64
  var worse: Set<String> = []
  var fixed: Set<String> = []
  /// The tests that fail on the base of its run.
  var failing: Set<String> = []
  var reports: Set<String> = []
  var flaky: Set<String> = []
  /// The tests that it planned.
  var plan: Set<String> = []
}

extension SeriesChange {
  /// - Returns: `nil` if the two are alike.
  static func between(_ then: Standing, _ now: Standing) -> (isWorse: Bool, change: SeriesChange)? {
    let distance = now.trial.verdict.distance - then.trial.verdict.distance
    // A test that only one of the two planned says nothing.
    let both = then.plan.intersection(now.plan)
    // What is fixed no more because the base fails no more is no loss, and the other way round.
    let unfixed = then.fixed.subtracting(now.fixed).intersection(now.failing)
    let fixed = now.fixed.subtracting(then.fixed).intersection(then.failing)
    let lost = now.worse.subtracting(then.worse).union(unfixed).intersection(both)
    let won = then.worse.subtracting(now.worse).union(fixed).intersection(both)
    let (told, silenced) = (now.reports.subtracting(then.reports), then.reports.subtracting(now.reports))
    // Where the verdict stayed, the tests decide. What got worse counts more than what got better.
    let isWorse = distance > 0 || distance == 0 && !(lost.isEmpty && told.isEmpty)
    if !isWorse, distance == 0, won.isEmpty, silenced.isEmpty { return nil }
    return (
      isWorse,
      SeriesChange(
        then: then.trial, now: now.trial, tests: (isWorse ? lost : won).sorted(),
        reports: (isWorse ? told : silenced).sorted())
    )
  }
}

extension BaseChange {
  /// - Returns: `nil` if nothing moved.
  static func between(_ then: ToldBase, _ now: ToldBase) -> BaseChange? {
    let pairs: [(String, String?, String?)] = [
      ("source", then.ground.source, now.ground.source),
      ("revision", then.ground.revision, now.ground.revision),
      ("release", then.ground.release, now.ground.release),
      ("compiler", then.ground.toolchain, now.ground.toolchain),
      ("emulator", then.ground.emulator, now.ground.emulator),
      ("accelerator", then.ground.accelerator.rawValue, now.ground.accelerator.rawValue),
      ("patchbench", then.ground.patchbench, now.ground.patchbench),
      ("guest tests", then.ground.conditions?.guestBinary.short, now.ground.conditions?.guestBinary.short),
      ("test driver", then.ground.conditions?.driver.short, now.ground.conditions?.driver.short),
      ("its tests", then.ailment.orWhole, now.ailment.orWhole),
    ]
    var moves = pairs.compactMap { what, then, now in
      // What one of the runs does not know has not moved.
      if let then, let now, then != now { BaseMove(what: what, then: then, now: now) } else { nil as BaseMove? }
    }
    // The base's key is that of its source, its configuration and its compiler.
    if !moves.contains(where: { ["source", "revision", "compiler"].contains($0.what) }),
      let old = then.ground.conditions?.base, let new = now.ground.conditions?.base, old != new
    {
      moves.append(BaseMove(what: "configuration", then: old.short, now: new.short))
    }
    let (old, new) = (Set(then.failing), Set(now.failing))
    // A base that broke off says nothing of its other tests.
    let isComparable = then.ailment.isEmpty && now.ailment.isEmpty
    let failing = isComparable ? new.subtracting(old).sorted() : []
    let passing = isComparable ? old.subtracting(new).sorted() : []
    if moves.isEmpty, failing.isEmpty, passing.isEmpty { return nil }
    return BaseChange(cell: now.cell, moves: moves, failing: failing, passing: passing)
  }
}

extension String {
  /// The first digits of a digest, as git shows those of a commit.
  fileprivate var short: String { String(prefix(12)) }

  fileprivate var orWhole: String { isEmpty ? "ran to their end" : self }
}
