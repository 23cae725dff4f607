// SPDX-License-Identifier: Apache-2.0

public import Bench
public import BenchModel
import Foundation
import GuestProtocol
import KernelBuild
public import Mutation
public import SeriesIntake
import SystemPackage
import Toolbox
public import Verdicts

/// There is nothing to mutate. User error.
public struct NoMutants: Error, Sendable, Hashable, CustomStringConvertible {
  public var reason: String
  public var description: String { reason }
}

/// A run of mutants, from the functions to draw from to the fate of each mutant.
///
/// Each mutant is a series of one patch, or a series with one more patch, and goes through the same pipeline. A
/// directory of mutants is a run's directory with a `mutants.json`. Finished mutants are therefore on disk, cached for
/// other runs, and a run can be resumed.
public struct MutantRun: Sendable {
  private let plan: RunPlan
  private let list: FunctionList
  private let argued: EquivalentMutants
  private let sinks: [any EventSink]

  /// - Parameters:
  ///   - plan: the run's plan, without series.
  ///   - list: the functions to mutate. A mutant is tested with the tests that run its line.
  ///   - argued: the drawn mutants that are not tried. Each would need all tests that run its line, to no purpose.
  public init(
    _ plan: RunPlan, list: FunctionList, argued: EquivalentMutants = EquivalentMutants(), sinks: [any EventSink]
  ) {
    var plan = plan
    plan.purpose = .mutants(expected: nil, baseline: nil)
    self.list = list
    self.argued = argued
    self.plan = plan
    self.sinks = sinks
  }

  /// Draws mutants of the listed functions, and creates the run's directory.
  /// - Parameters:
  ///   - patterns: the functions to use; all if empty.
  ///   - count: the number of mutants.
  /// - Throws: ``NoMutants``, ``ClangError``, and the errors of `BenchRun.begin()` and `BaseBuild.prepare`.
  public func begin(
    patterns: [NamePattern], count: Int, seed: UInt64
  ) async throws -> (directory: RunDirectory, plan: MutantPlan) {
    let base = try await base()
    return try await plan.place.cache.withScratch { scratch in
      let search = try CandidateSearch(base, environment: plan.place.environment, scratch: scratch)
      var sources: [String: CSource] = [:]
      var all: [Mutant] = []
      var absent: [String] = []
      for file in list.files {
        let wanted = Set(functions(patterns).filter { $0.file == file.path }.map(\.name))
        if wanted.isEmpty { continue }
        guard let found = try await search.mutants(of: file.path, functions: wanted) else {
          absent.append(file.path)
          continue
        }
        absent += wanted.subtracting(found.functions).sorted().map { "\(file.path):\($0)" }
        sources[file.path] = found.source
        all += found.mutants
      }
      if all.isEmpty { throw NoMutants(reason: "no listed function of this kernel has that name") }
      let byID = Dictionary(all.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
      let drawn = SeededSample.draw(count, of: Array(byID.keys), seed: seed).map { byID[$0]! }
      return try await begin(drawn, of: sources, candidates: byID.count, absent: absent, seed: seed)
    }
  }

  /// Creates the run's directory for mutants that were drawn.
  /// - Parameters:
  ///   - sources: the files of the mutants.
  ///   - candidates: the number of mutants to draw from.
  ///   - absent: functions that this kernel does not have.
  ///   - series: the series whose patches come before each mutant.
  /// - Throws: the errors of `BenchRun.begin()`.
  public func begin(
    _ drawn: [Mutant], of sources: [String: CSource], candidates: Int, absent: [String] = [], seed: UInt64,
    behind series: ReadSeries? = nil
  ) async throws -> (directory: RunDirectory, plan: MutantPlan) {
    let mutants = MutantPlan(
      kernel: plan.target.kernel.name, profile: plan.target.profile.name, seed: seed, candidates: candidates,
      absent: absent,
      mutants: drawn, argued: drawn.filter { argued.reason(for: $0) != nil }.map(\.id),
      series: series.flatMap { $0.series.path.map { FilePath($0).absolute.string } })
    return try await plan.place.cache.withScratch { scratch in
      var run = plan
      run.series = try drawn.filter { !mutants.argued.contains($0.id) }.map { mutant in
        guard let source = sources[mutant.file] else { throw NoMutants(reason: "\(mutant.file) was not read") }
        return try Self.write(mutant, of: source, behind: series, in: scratch)
      }
      let directory = try await BenchRun(run, sinks: []).begin()
      do { try mutants.write(in: directory.path) } catch {
        try? directory.discard()
        throw error
      }
      return (directory, mutants)
    }
  }

  /// Draws one mutant of each line that a series changes, and creates the run's directory.
  /// - Throws: the errors of the other overload, and `IntakeError` if there is no such series.
  public func begin(
    series path: String, patterns: [NamePattern], count: Int?, seed: UInt64
  ) async throws -> (directory: RunDirectory, plan: MutantPlan) {
    guard let source = try SeriesForms.find([path]).first else { throw NoMutants(reason: "\(path): no series") }
    return try await withApplied(source) { series, tree, base, scratch in
      let lines = try changedLines(of: series, tree, base)
      let search = try CandidateSearch(
        base, environment: plan.place.environment, overlay: lines.mapValues(\.file), scratch: scratch)
      var sources: [String: CSource] = [:]
      var groups: [String: [String]] = [:]
      var byID: [String: Mutant] = [:]
      for (path, changed) in lines.sorted(by: { $0.key < $1.key }) where path.hasSuffix(".c") || path.hasSuffix(".h") {
        let names = changed.functions.filter { name in patterns.isEmpty || patterns.contains { $0.matches(name) } }
        guard !names.isEmpty, let found = try await search.mutants(of: path, functions: names) else { continue }
        sources[path] = found.source
        for mutant in found.mutants where changed.lines.contains(mutant.line) {
          byID[mutant.id] = mutant
          groups["\(path):\(mutant.line)", default: []].append(mutant.id)
        }
      }
      if byID.isEmpty { throw NoMutants(reason: "\(path) changes no line of a function that can be mutated") }
      let one = SeededSample.drawOne(ofEach: groups, seed: seed)
      let drawn = count.map { SeededSample.draw($0, of: one, seed: seed) } ?? one
      return try await begin(
        drawn.map { byID[$0]! }, of: sources, candidates: byID.count, seed: seed, behind: series)
    }
  }

  /// Judges the unfinished mutants of a run.
  /// - Returns: whether the user stopped it.
  /// - Throws: the errors of `BenchRun.goOn(in:discards:)`.
  public func goOn(in directory: RunDirectory, _ mutants: MutantPlan) async throws -> Bool {
    var run = plan
    run.purpose = .mutants(
      // The base knows nothing about a series' own lines.
      expected: ExpectedChanges(functions: functions([]), lines: mutants.series == nil),
      baseline: try await baseline(mutants, directory))
    run.place.output = directory.path
    return try await BenchRun(run, sinks: sinks).goOn(in: directory)
  }

  /// Returns the fates of a run's mutants so far.
  /// - Throws: an error if the record is missing or cannot be read.
  public static func report(
    _ directory: RunDirectory, _ mutants: MutantPlan, arguments: MutantArguments
  ) throws -> MutantReport {
    guard let record = try directory.record() else { throw NoMutants(reason: "\(directory.path) has no record yet") }
    let base = try series(directory)?.trial ?? record.base
    let known = (record.header.known ?? []).filter { record.started < $0.expires }
    let series = Dictionary(record.header.series.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    let judged = mutants.mutants.map { mutant in
      let one = series[mutant.id] ?? PatchSeries(name: mutant.id, patches: [])
      let trial = record.trials[mutant.id]
      return JudgedMutant(
        mutant, judge(one, trial: trial, base: base.map { asked($0, as: trial) }, known: known),
        arguments: arguments)
    }
    return MutantReport(
      of: (mutants.kernel, mutants.profile, record.header.source),
      drawn: MutantReport.Draw(
        seed: mutants.seed, candidates: mutants.candidates, series: mutants.series, tests: record.header.only?.count,
        absent: mutants.absent),
      mutants: judged, interrupted: record.interrupted)
  }

  /// Returns the base's result with only the tests that the mutant was given: the tests that do not run its line are
  /// left out.
  private static func asked(_ base: Trial, as trial: Trial?) -> Trial {
    guard case .ran(let own)? = trial?.result, own.booted, !own.tests.isEmpty, case .ran(var run) = base.result else {
      return base
    }
    let names = Set(own.tests.map(\.name))
    run.tests.removeAll { !names.contains($0.name) }
    var base = base
    base.result = .ran(run)
    return base
  }

  private func functions(_ patterns: [NamePattern]) -> [CodeChange.Function] {
    list.files.flatMap { file in
      file.functions.keys.sorted()
        .filter { name in
          patterns.isEmpty || patterns.contains { $0.matches(name) || $0.matches("\(file.path):\(name)") }
        }
        .map { CodeChange.Function(name: $0, file: file.path) }
    }
  }

  /// Finds which lines of the listed functions run on the base, without any mutant.
  /// - Returns: the run's directory, and the fate of each line.
  /// - Throws: the errors of `BenchRun.run()`, and ``NoMutants`` if the lines could not be counted.
  public func lines(_ patterns: [NamePattern]) async throws -> (directory: RunDirectory, lines: [LineFate]) {
    var run = plan
    let functions = functions(patterns)
    run.purpose = .mutants(expected: ExpectedChanges(functions: functions, lines: true), baseline: nil)
    if functions.isEmpty { throw NoMutants(reason: "no listed function has that name") }
    let (directory, interrupted) = try await BenchRun(run, sinks: sinks).run()
    if interrupted { throw CancellationError() }
    guard let lines = BaseReach(in: directory)?.lines else {
      throw NoMutants(reason: "the base's guest could not count which lines ran; \(directory.path) has its evidence")
    }
    // No test has to run the code behind an assertion.
    let tree = try await base().tree
    var assertions: [String: Assertions] = [:]
    for file in Set(lines.map(\.line.file)) {
      guard let text = FileManager.default.contents(atPath: tree.pushing(FilePath(file)).string) else { continue }
      assertions[file] = Assertions(CSource(path: file, bytes: Array(text)))
    }
    return (directory, lines.filter { assertions[$0.line.file]?.contain(line: $0.line.number) != true })
  }

  private func base() async throws -> BaseBuild {
    try await BaseBuild.prepare(
      plan.target.kernel, profile: plan.target.profile, cache: plan.place.cache, jobs: plan.limits.resources.jobs
    ) {
      text in
      for sink in sinks {
        try? sink.take(BenchEvent(at: Date(), kind: .progress(series: nil, stage: .build, text: text)))
      }
    }
  }
}

// MARK: - A series

extension MutantRun {
  /// A file with the series applied, and the lines and functions that the series changed.
  private struct ChangedFile {
    var file: FilePath
    var lines: Set<Int>
    var functions: Set<String>
  }

  private func withApplied<Result>(
    _ source: any SeriesSource,
    _ body: (ReadSeries, SeriesTree, BaseBuild, _ scratch: FilePath) async throws -> Result
  ) async throws -> Result {
    let base = try await base()
    let cage = try await plan.limits.sandbox?.cage()
    return try await plan.place.cache.withScratch { scratch in
      let series = try await readAlone(source, on: base, into: scratch.appending("read"), cage: cage)
      let method = try await SeriesTree.method(scratch: scratch, cage: cage)
      let place = scratch.appending("applied")
      try FileManager.default.createDirectory(atPath: place.string, withIntermediateDirectories: true)
      let tree = try await SeriesTree.make(base, method: method, cage: cage, scratch: place)
      if let refused = try await tree.apply(series.series, diffs: series.diffs) {
        throw NoMutants(reason: "\(source.path) does not apply: \(refused.message)")
      }
      return try await body(series, tree, base, scratch)
    }
  }

  private func changedLines(of series: ReadSeries, _ tree: SeriesTree, _ base: BaseBuild) throws -> [String:
    ChangedFile]
  {
    var found: [String: ChangedFile] = [:]
    for path in Set(series.series.patches.flatMap(\.paths)) {
      guard let file = tree.file(path), let after = FileManager.default.contents(atPath: file.string) else { continue }
      let before = FileManager.default.contents(atPath: base.tree.pushing(FilePath(path)).string)
      let lines = SeriesLines.added(before: before.map { Array($0) } ?? [], after: Array(after))
      found[path] = ChangedFile(
        file: file, lines: lines,
        functions: SeriesLines.functions(at: lines, of: CSource(path: path, bytes: Array(after))))
    }
    return found
  }

  /// Returns the results of the unmutated series, with which its mutants are compared. They come from its own run, in
  /// the mutants' directory. If there is none yet, the series is run first.
  private func baseline(_ mutants: MutantPlan, _ directory: RunDirectory) async throws -> Baseline? {
    guard let path = mutants.series else { return nil }
    if let known = try Self.series(directory), let image = known.image {
      return Baseline(trial: known.trial, image: image)
    }
    let found = try SeriesForms.find([path])
    let own = RunDirectory(directory.path.appending("unmutated"))
    var run = plan
    run.series = found
    run.purpose = .verdicts
    run.place.output = own.path
    let unmutated = BenchRun(run, sinks: sinks)
    let isBegun = FileManager.default.fileExists(atPath: own.plan.string)
    if !isBegun { _ = try await unmutated.begin() }
    if try await unmutated.goOn(in: own) { throw CancellationError() }
    guard let trial = try own.record()?.trials.values.first, case .ran(let result) = trial.result,
      result.ending == .completed
    else { throw NoMutants(reason: "\(path) itself does not complete, so its mutants cannot be compared with it") }
    let image = try await withApplied(found[0]) { series, tree, _, scratch in
      let built = try await tree.build(
        series.series, jobs: plan.limits.resources.jobs, log: scratch.appending("build.log")
      ) { _ in }
      if let failure = built.failure {
        throw NoMutants(reason: "\(path) does not build: \(failure.diagnostics.first?.message ?? "see its build.log")")
      }
      return try await Digest.of(file: built.image)
    }
    try DurableFile.write(Array(image.utf8), to: own.path.appending("image"))
    return Baseline(trial: trial, image: image)
  }

  private static func series(_ directory: RunDirectory) throws -> (trial: Trial, image: String?)? {
    let own = RunDirectory(directory.path.appending("unmutated"))
    guard FileManager.default.fileExists(atPath: own.plan.string), let record = try own.record(), !record.interrupted,
      let trial = record.trials.values.first, case .ran(let run) = trial.result, run.ending == .completed
    else { return nil }
    let image = FileManager.default.contents(atPath: own.path.appending("image").string)
    return (trial, image.map { String(decoding: $0, as: UTF8.self) })
  }

  /// Writes a mutant as a series: the patches before it, then its own.
  private static func write(
    _ mutant: Mutant, of source: CSource, behind series: ReadSeries?, in place: FilePath
  ) throws -> any SeriesSource {
    let manager = FileManager.default
    let directory = place.appending(mutant.id)
    try manager.createDirectory(atPath: directory.string, withIntermediateDirectories: true)
    for diff in series?.diffs ?? [] {
      try manager.copyItem(atPath: diff.string, toPath: directory.appending(diff.lastComponent!).string)
    }
    // Its name sorts behind those of the diffs.
    let mail = directory.appending("mutant.patch")
    try Data(mutant.mail(of: source).utf8).write(to: URL(filePath: mail.string))
    guard let written = try SeriesForms.find([directory.string]).first else {
      throw NoMutants(reason: "\(mutant.id) could not be written")
    }
    return written
  }
}
