// SPDX-License-Identifier: Apache-2.0

public import Foundation

/// What goes of the history and its runs, step by step.
///
/// Evidence goes by its age. That of a series that `regresses` or `does-not-boot` stays until its space is needed and
/// all other evidence has gone, or until its rows go. The evidence of a run's base goes with that of its last series.
/// Rows go last, and only by their age.
///
/// The newest night of a matrix and the last trial of each series in each cell stay, whatever the limits say.
public struct RetentionPlan: Codable, Sendable, Hashable {
  /// What goes of one run.
  public struct Step: Codable, Sendable, Hashable {
    /// The run's directory, absolute.
    public var directory: String
    /// The series whose evidence goes.
    public var series: [String]
    /// Whether the evidence goes that belongs to no series.
    public var base: Bool
    /// Whether the record, the reports and the rows go.
    public var rows: Bool
    /// The space of the evidence, in bytes. That of the record and the reports is not counted.
    public var bytes: Int64
    /// The run's number in the database. It says nothing outside of it.
    public var run: Int64 = 0
    /// Whether the directory may be touched.
    public var isInNight = false

    private enum CodingKeys: String, CodingKey { case directory, series, base, rows, bytes }

    init(_ run: KeptRun, series: [KeptTrial] = [], base: Bool = false, rows: Bool = false) {
      directory = run.directory
      self.series = series.map(\.name)
      self.base = base
      self.rows = rows
      bytes = series.map(\.bytes).reduce(base ? run.rest : 0, +)
      self.run = run.number
      if case .night = run.place { isInNight = true }
    }
  }

  public var steps: [Step] = []
  /// The space of the evidence that stays, in bytes.
  public var staying: Int64 = 0
  /// Whether that is more than the limit, because all of it is protected.
  public var isAboveLimit = false
  /// The directories of runs outside of nights. Their files never go.
  public var elsewhere: [String] = []

  /// The space of the evidence that goes, in bytes.
  public var bytes: Int64 { steps.map(\.bytes).reduce(0, +) }

  /// Plans what goes.
  /// - Parameter runs: in the order of their start.
  public init(_ runs: [KeptRun], limits: KeepLimits, now: Date) {
    var fates = runs.map { Fate($0, limits: limits, now: now) }
    staying = fates.map(\.staying).reduce(0, +)
    if let limit = limits.size {
      for isWorse in [false, true] {
        for index in fates.indices {
          fates[index].shed(isWorse: isWorse, from: &staying, to: limit)
        }
      }
      isAboveLimit = staying > limit
    }
    elsewhere = runs.filter { $0.place == .elsewhere(isThere: true) }.map(\.directory)
    // What is worse goes after all other evidence, and rows after all evidence.
    steps = fates.compactMap(\.first) + fates.compactMap(\.second) + fates.compactMap(\.third)
  }
}

/// What goes of one run.
private struct Fate {
  private var run: KeptRun
  /// The indices of the trials whose evidence goes.
  private var going: Set<Int> = []
  private let isFree: Bool
  private let rows: Bool
  /// Whether the age limit takes what belongs to no series, once there is no other evidence.
  private let isOld: Bool

  init(_ run: KeptRun, limits: KeepLimits, now: Date) {
    self.run = run
    let age = now.timeIntervalSince(run.started)
    isFree = run.place == .night(isProtected: false)
    let isAsked = isFree || run.place == .elsewhere(isThere: false)
    rows =
      isAsked
      && (run.isUnfinished.rows || limits.rows.map { age > $0 } == true && !run.trials.contains(where: \.isLast))
    isOld = limits.evidence.map { age > $0 } == true
    guard isFree else { return }
    for (index, trial) in run.trials.enumerated() where trial.bytes > 0 {
      if rows || trial.isUnfinished || isOld && !trial.isLast && !trial.isWorse { going.insert(index) }
    }
  }

  /// Whether there is evidence of series that stays.
  private var hasEvidence: Bool { run.trials.indices.contains { run.trials[$0].bytes > 0 && !going.contains($0) } }

  /// A run whose series left no evidence has nothing that its base could go with, and goes by its age.
  private var base: Bool {
    guard isFree, run.rest > 0, !hasEvidence else { return false }
    return rows || run.isUnfinished.rest || !going.isEmpty || isOld
  }

  /// The space of the evidence that stays. That of nights that are not asked about does not count.
  var staying: Int64 {
    guard case .night = run.place else { return 0 }
    let trials = run.trials.indices.filter { !going.contains($0) }.map { run.trials[$0].bytes }
    return trials.reduce(base ? 0 : run.rest, +)
  }

  /// Gives up evidence, until all that stays is no more than the limit.
  mutating func shed(isWorse: Bool, from total: inout Int64, to limit: Int64) {
    guard isFree else { return }
    for (index, trial) in run.trials.enumerated() where trial.isWorse == isWorse && !trial.isLast && trial.bytes > 0 {
      if total <= limit { return }
      let before = staying
      if going.insert(index).inserted { total -= before - staying }
    }
  }

  private func trials(_ isWorse: Bool) -> [KeptTrial] {
    run.trials.indices.filter { going.contains($0) && run.trials[$0].isWorse == isWorse }.map { run.trials[$0] }
  }

  var first: RetentionPlan.Step? {
    let (own, later) = (trials(false), trials(true))
    let isLast = later.isEmpty
    if own.isEmpty, !(isLast && (base || isFree && run.isUnfinished.report && !rows)) { return nil }
    return RetentionPlan.Step(run, series: own, base: base && isLast)
  }

  var second: RetentionPlan.Step? {
    let own = trials(true)
    return own.isEmpty ? nil : RetentionPlan.Step(run, series: own, base: base)
  }

  var third: RetentionPlan.Step? { rows ? RetentionPlan.Step(run, rows: true) : nil }
}
