// SPDX-License-Identifier: Apache-2.0

public import Bench
import BenchModel
import Foundation
import KernelBuild
import SeriesIntake
public import SystemPackage
import Toolbox
import Verdicts

/// Who is told of a bisection while it goes on.
public protocol BisectTeller: Sendable {
  /// A step begins.
  /// - Parameter left: how many commits may be the first bad one; `nil` for the bad revision.
  /// - Returns: what gets the events of its run.
  func begins(_ number: Int, _ kind: BisectStep.Kind, of commit: BisectCommit, left: Int?) -> [any EventSink]
  /// The run of a step is complete. Its reports can be written.
  func completed(_ run: RunDirectory) async throws
  /// A step has its answer.
  /// - Parameter bisection: with this step.
  func ended(_ step: BisectStep, of bisection: Bisection)
}

/// A search for the commit that made a kernel worse.
///
/// The good revision is the base. All that differs between it and another commit is one series of one patch, and goes
/// through the same pipeline as any series: only what differs is compiled, and what the tests say is confirmed in the same
/// way. Which commit is tried next is git's to decide.
public struct BisectRun: Sendable {
  private let plan: RunPlan
  private let range: BisectRange
  private let directory: FilePath

  /// - Parameters:
  ///   - plan: its target is the good revision, and its tests are those that the user named. Its series and its place are
  ///     replaced.
  ///   - directory: of the bisection.
  public init(_ plan: RunPlan, of range: BisectRange, in directory: FilePath) {
    self.plan = plan
    self.range = range
    self.directory = directory.absolute
  }

  /// Creates the bisection's directory. From then on it can be resumed.
  /// - Throws: `OutputNotEmpty`, `NoSuchTest`, `IntakeError`, `ToolError`, and file system errors.
  public func begin() async throws -> Bisection {
    let manager = FileManager.default
    if let existing = try? manager.contentsOfDirectory(atPath: directory.string), !existing.isEmpty {
      throw OutputNotEmpty(path: directory.string, isRun: false)
    }
    var bisection = Bisection(range)
    do {
      if try await isSame() {
        bisection.outcome = BisectOutcome(
          kind: .nothingWorse, commits: [],
          words: "\(range.bad.words) has the same files as \(range.good.words), so nothing is worse there.")
      } else {
        _ = try await BenchRun(runPlan(range.bad.commit, number: 1, tests: nil), sinks: []).begin()
      }
      try manager.createDirectory(atPath: directory.string, withIntermediateDirectories: true)
      try bisection.write(in: directory)
    } catch {
      // Nothing half-written is left; there was nothing before.
      try? manager.removeItem(atPath: directory.string)
      throw error
    }
    return bisection
  }

  /// Whether both ends of the range have the same files.
  private func isSame() async throws -> Bool {
    let cage = try await plan.limits.sandbox?.cage()
    return try await plan.place.cache.withScratch { scratch in
      let reader = CommitReader(repository: try source(), place: scratch, cage: cage)
      return try await reader.tree(of: range.bad.commit.name) == reader.tree(of: range.good.commit.name)
    }
  }

  /// Tries what is not tried yet, until the bisection has an outcome.
  /// - Returns: the bisection, which is also on disk, as it is after each step.
  /// - Throws: `RunInUse`; ``GitBisectFailed``; `CancellationError` if the user stopped it; `HarnessFault` and the errors
  ///   of `BenchRun.goOn(in:discards:)`. What was finished is kept.
  public func goOn(telling teller: some BisectTeller) async throws -> Bisection {
    guard var bisection = Bisection(in: directory) else { throw Errno.noSuchFileOrDirectory }
    if bisection.outcome != nil { return bisection }
    let lock = RunDirectory(directory)
    let claim = try lock.claim()
    defer { lock.release(claim) }
    let cage = try await plan.limits.sandbox?.cage()
    let asked = try await TestListing.read(from: plan.checkout.guestBinary).names(plan.choices.tests)
    try await tryBad(&bisection, asked: asked, teller)
    if bisection.outcome == nil { try await search(&bisection, cage, teller) }
    return bisection
  }

  // MARK: - The bad revision

  /// Finds out what is worse at the bad revision, and which tests are enough to see it.
  private func tryBad(_ bisection: inout Bisection, asked: [String], _ teller: some BisectTeller) async throws {
    if bisection.steps.isEmpty {
      let step = try await step(.whole, range.bad.commit, bisection, left: nil, teller)
      bisection.steps.append(step)
      if step.answer == .bad {
        let tests = Symptom.tests(of: step.found, asked: asked)
        let isClear = tests.count == asked.count || step.found.allSatisfy { $0.kind == .build || $0.kind == .boot }
        bisection.sought = Bisection.Sought(symptoms: step.found, tests: tests, isConfirmed: isClear)
      } else {
        bisection.outcome = Self.outcome(notWorse: step, range)
      }
      try keep(bisection, step, teller)
    }
    guard let sought = bisection.sought, !sought.isConfirmed else { return }
    // A test may only fail behind others. If so, all have to be run in each step.
    let step = try await step(.again, range.bad.commit, bisection, left: nil, teller)
    bisection.steps.append(step)
    bisection.sought?.isConfirmed = true
    if step.answer == .bad {
      let found = Set(step.found.map(\.name))
      bisection.sought?.symptoms.removeAll { !found.contains($0.name) }
    } else {
      bisection.sought?.tests = asked
    }
    try keep(bisection, step, teller)
  }

  private static func outcome(notWorse step: BisectStep, _ range: BisectRange) -> BisectOutcome {
    let (bad, good) = (range.bad.words, range.good.words)
    if step.answer == .good {
      return BisectOutcome(
        kind: .nothingWorse, commits: [], words: "Nothing is worse at \(bad) than at \(good): \(step.reason).")
    }
    return BisectOutcome(
      kind: .undecided, commits: [], words: "It is not known whether \(bad) is worse than \(good): \(step.reason).")
  }

  // MARK: - The search

  private func search(_ bisection: inout Bisection, _ cage: Cage?, _ teller: some BisectTeller) async throws {
    let source = try source()
    let place = directory.appending("git")
    let git = try await GitBisect(borrowing: source, at: place, cage: cage)
    let reader = CommitReader(repository: source, place: place, cage: cage)
    var state = try await git.start(bad: range.bad.commit.name, good: range.good.commit.name)
    // git chooses the same commits again.
    for step in bisection.steps where step.kind == .search { state = try await git.mark(step.commit.name, step.answer) }
    while case .next(let name) = state {
      let commit = try await reader.commit(name)
      let step: BisectStep
      if try await reader.tree(of: name) == reader.tree(of: range.good.commit.name) {
        step = BisectStep(
          number: bisection.steps.count + 1, kind: .search, commit: commit, answer: .good,
          reason: "has the same files as the good revision", found: [], seconds: 0)
      } else {
        step = try await self.step(.search, commit, bisection, left: try await git.left(), teller)
      }
      state = try await git.mark(name, step.answer)
      bisection.steps.append(step)
      try keep(bisection, step, teller)
      try DurableFile.write(try await git.log().utf8, to: directory.appending("bisect.log"))
    }
    bisection.outcome = try await outcome(state, reader)
    // It was just begun if there was nothing to try.
    try DurableFile.write(try await git.log().utf8, to: directory.appending("bisect.log"))
    try bisection.write(in: directory)
  }

  private func outcome(_ state: GitBisect.State, _ reader: CommitReader) async throws -> BisectOutcome? {
    switch state {
    case .next: return nil
    case .firstBad(let name):
      return BisectOutcome(
        kind: .firstBad, commits: [try await reader.commit(name)], words: "\(name) is the first bad commit.")
    case .suspects(let names):
      var commits: [BisectCommit] = []
      for name in names { commits.append(try await reader.commit(name)) }
      return BisectOutcome(
        kind: .suspects, commits: commits,
        words: "The first bad commit is one of \(names.count): the others had to be skipped, or are good.")
    case .fixedSince(let name):
      return BisectOutcome(
        kind: .fixedSince, commits: [try await reader.commit(name)],
        words: "It is as bad at \(name.prefix(12)), where the histories part: it was fixed on the way to "
          + "\(range.good.words), and no commit on the way to \(range.bad.words) brings it.")
    }
  }

  // MARK: - One step

  /// Tries one commit. Until it is known what is sought, the tests are those that the user named.
  private func step(
    _ kind: BisectStep.Kind, _ commit: BisectCommit, _ bisection: Bisection, left: Int?, _ teller: some BisectTeller
  ) async throws -> BisectStep {
    let number = bisection.steps.count + 1
    let begun = ContinuousClock.now
    let sinks = teller.begins(number, kind, of: commit, left: left)
    let run = try runPlan(commit, number: number, tests: bisection.sought?.tests)
    let answer: StepAnswer
    do { answer = try await self.answer(run, sinks, bisection.sought, teller) } catch
      where kind == .search && Self.isUnreadable(error)
    {
      answer = StepAnswer(answer: .skip, reason: "its difference cannot be read: \(error)")
    }
    let name = run.place.output?.lastComponent?.string
    return BisectStep(
      number: number, kind: kind, commit: commit, answer: answer.answer, reason: answer.reason, found: answer.found,
      seconds: (.now - begun) / .seconds(1), directory: name.map { "steps/\($0)" })
  }

  private func answer(
    _ run: RunPlan, _ sinks: [any EventSink], _ sought: Bisection.Sought?, _ teller: some BisectTeller
  ) async throws -> StepAnswer {
    let own = RunDirectory(run.place.output!)
    if let earlier = try? own.record(), !earlier.interrupted, (try? answer(of: own, sought)) == nil {
      // The harness had failed. That may not happen again.
      try own.discard()
    }
    try await complete(run, sinks)
    let answer = try answer(of: own, sought)
    try await teller.completed(own)
    return answer
  }

  /// - Throws: `HarnessFault` if a complete run says nothing of the commit.
  private func answer(of own: RunDirectory, _ sought: Bisection.Sought?) throws -> StepAnswer {
    guard let record = try own.record(), let judgement = judge(record).first else {
      throw HarnessFault(stage: .done, message: "\(own.path) has no result")
    }
    if let flaw = record.baseFlaw {
      throw HarnessFault(
        stage: .tests, message: "nothing can be compared with the good revision: \(flaw)",
        advice: "see \(own.evidence(nil))")
    }
    if let sought { return try StepAnswer(judgement, sought: sought.symptoms) }
    return try StepAnswer(whole: judgement)
  }

  /// Whether a commit's difference is not one that can be applied: it leaves the tree, or exceeds the limits for reading.
  private static func isUnreadable(_ error: any Error) -> Bool {
    if case ToolError.exceeded = error { return true }
    return error is IntakeError
  }

  private func runPlan(_ commit: BisectCommit, number: Int, tests: [String]?) throws -> RunPlan {
    let source = try source()
    var run = plan
    run.series = [
      RevisionSeries(
        commit.short, in: source, from: range.good.commit.name, to: commit.name,
        subject: "all that differs between \(range.good.words) and \(commit.short)")
    ]
    if let tests { run.choices.tests = tests.map(NamePattern.init) }
    run.choices.eachPatch = .none
    run.purpose = .verdicts
    let first = Bisection.first(in: directory)
    run.place.output = first.removingLastComponent().appending("\(number)")
    return run
  }

  /// Runs a step, or what is left of it.
  private func complete(_ run: RunPlan, _ sinks: [any EventSink]) async throws {
    let own = RunDirectory(run.place.output!)
    let bench = BenchRun(run, sinks: sinks)
    func begin() async throws {
      if FileManager.default.fileExists(atPath: own.path.string) { try own.discard() }
      _ = try await bench.begin()
    }
    if !FileManager.default.fileExists(atPath: own.plan.string) { try await begin() }
    let isStopped: Bool
    do { isStopped = try await bench.goOn(in: own) } catch is NotResumable {
      // Each step is compared with the base as it is now. What holds of this one is in the cache.
      try await begin()
      isStopped = try await bench.goOn(in: own)
    }
    if isStopped { throw CancellationError() }
  }

  private func keep(_ bisection: Bisection, _ step: BisectStep, _ teller: some BisectTeller) throws {
    try bisection.write(in: directory)
    teller.ended(step, of: bisection)
  }

  /// The user's repository. It may have been removed since the bisection began.
  private func source() throws -> GitRepository {
    guard let source = GitRepository(FilePath(range.repository)) else {
      throw BisectInput.noRepository(range.repository)
    }
    return source
  }
}
