// SPDX-License-Identifier: Apache-2.0

public import BenchModel
import Foundation
import Glibc
import KernelText
public import SystemPackage
public import Toolbox

/// The maximum number of errors kept from a failing build.
private let mostDiagnostics = 5
/// More objects than this would delay the link.
private let mostBesideLink = 8
/// In bytes; the rest of ccache's statistics log is not read.
private let mostStatistics: Int64 = 16 << 20

/// The result of a series' build.
public struct SeriesBuild: Sendable {
  /// `nil` if the build succeeded.
  public var failure: BuildFailure?
  /// The file that is booted.
  public var image: FilePath
  public var work: BuildWork
  /// The time of its own steps only.
  public var seconds: StageSeconds
  /// The touched objects as assembly, if it was generated alongside the build.
  var assembly: AssemblySides?
  /// The evidence for their lines, likewise.
  var evidence: CompilerMakefile?
}

extension BaseBuild {
  /// Returns what a change of some files requires to be rebuilt.
  /// - Parameter stays: whether a file still exists once the patches are applied; before that it can only be guessed.
  public func reach(of paths: Set<String>, stays: (String) -> Bool = { _ in true }) throws -> Reach {
    reach(of: paths, in: try RecordedBuild(records, about: paths), stays: stays)
  }

  /// Returns how many objects a series requires to be rebuilt: by its first patch only, by the first two, ….
  public func objectCounts(of series: PatchSeries) throws -> [Int] {
    let recorded = try RecordedBuild(records, about: Set(series.patches.flatMap(\.paths)))
    var paths: Set<String> = []
    return series.patches.map { patch in
      paths.formUnion(patch.paths)
      return reach(of: paths, in: recorded, stays: { _ in true }).objectCount
    }
  }

  private func reach(of paths: Set<String>, in recorded: RecordedBuild, stays: (String) -> Bool) -> Reach {
    switch profile.image {
    case .vmlinux, .image: break
    case .bzImage, .modules: return .tree("more than vmlinux is made", objects: 0)
    }
    return recorded.reach(of: paths, isPlain: { isPlain($0) && stays($0) }, hasObject: hasObject)
  }

  private func isPlain(_ path: String) -> Bool { isRegular(tree.pushing(FilePath(path))) }

  func hasObject(_ source: String) -> Bool {
    let stem = source.lastIndex(of: ".").map { source[..<$0] } ?? source[...]
    return isRegular(tree.pushing(FilePath("\(stem).o")))
  }

  /// Returns how a kbuild build of some changed files may use ccache's objects. Without sharing, what it compiles would
  /// be compiled again for the next version of the series.
  /// - Parameter stays: whether a file still exists once the patches are applied.
  func compiled(_ paths: Set<String>, stays: (String) -> Bool) throws -> SeriesTree.Compiled {
    let recorded = try RecordedBuild(records, about: paths)
    let isHarmless = recorded.isOnlyCompiled(paths, isPlain: { isPlain($0) && stays($0) }, hasObject: hasObject)
    return isHarmless ? .shared : .read
  }
}

private func isRegular(_ path: FilePath) -> Bool {
  var status = stat()
  return lstat(path.string, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
}

extension SeriesTree {
  /// Builds the image on top of the base's objects.
  /// - Parameters:
  ///   - series: the whole series, including patches that an underlying tree already has: any of them may have changed
  ///     Kconfig, and any may be to blame.
  ///   - settings: lines such as `CONFIG_X=y`, which are added to the profile's for this series.
  ///   - findsLines: whether ``compiledChange(of:_:driver:jobs:findsLines:)`` will look at the changed lines.
  ///   - jobs: how many compilers run at once.
  ///   - log: where the complete output of make goes.
  public func build(
    _ series: PatchSeries, settings: [String] = [], findsLines: Bool = true, jobs: Int, log: FilePath,
    progress: @escaping @Sendable (String) -> Void
  ) async throws -> SeriesBuild {
    let start = ContinuousClock.now
    switch settings.isEmpty ? try reach(of: series) : .tree("it has settings of its own", objects: 0) {
    case .nothing:
      try Data("Nothing built under this configuration reads a file that the series touches.\n".utf8).write(
        to: URL(filePath: log.string))
      return SeriesBuild(
        image: base.image, work: BuildWork(method: .unchanged, objects: 0, cached: 0),
        seconds: StageSeconds([.configure: (.now - start) / .seconds(1)]))
    case .objects(let objects, let archives):
      // If kbuild's commands fail, kbuild itself reports why.
      let paths = Set(series.patches.flatMap(\.paths))
      let build = try await replay(
        objects, archives, of: paths, findsLines: findsLines, jobs: jobs, log: log, since: start, progress)
      if let build { return build }
    case .tree: break
    }
    return try await make(series, settings: settings, jobs: jobs, log: log, since: start, progress)
  }

  /// What the series requires to be rebuilt, according to the base's records.
  private func reach(of series: PatchSeries) throws -> Reach {
    // The records are the base's: they do not know how an underlying tree's patches changed includes.
    if isStacked { return .tree("other patches were built before", objects: 0) }
    // kbuild's exported variables contain the base's path, and nothing may lead a command from a copy back there.
    if isCopy { return .tree("the tree is a copy at another place", objects: 0) }
    return try base.reach(of: Set(series.patches.flatMap(\.paths))) { file($0) != nil }
  }

  private func replay(
    _ objects: [String], _ archives: [Reach.Archive], of paths: Set<String>, findsLines: Bool, jobs: Int, log: FilePath,
    since start: ContinuousClock.Instant, _ progress: @escaping @Sendable (String) -> Void
  ) async throws -> SeriesBuild? {
    let configuration = try String(contentsOfFile: base.config.string, encoding: .utf8)
    let commands = ReplayMakefile(
      objects: objects, archives: archives, preprocesses: takesBytesIn(objects, of: paths),
      linksObject: ReplayMakefile.linksObject(configuration),
      image: base.profile.image == .vmlinux ? nil : base.profile.imagePath
    ) { RecordedBuild.command(of: $0, in: base.tree) }
    guard let commands else { return nil }
    // Runs alongside the link, which keeps only one processor busy. It is in this makefile, because mounting one
    // overlay twice at the same time is unsafe.
    let sides = try assembly(of: objects.count <= mostBesideLink ? objects : [], in: "touched")
    let evidence = CompilerMakefile(
      findsLines && objects.count <= mostBesideLink ? objects : [], to: .evidence, ObjectReading(base.profile),
      directory: scratch.appending("evidence")
    ) { recordedCommand(of: $0) }
    try sides.after.makeDirectory()
    try evidence.makeDirectory()
    let makefile = scratch.appending("replay.mk")
    try Data((commands.text + sides.after.rules + evidence.rules).utf8).write(to: URL(filePath: makefile.string))
    let environment = try recordedEnvironment
    async let before: Void = sides.before.run(jobs: 1, environment: environment) { tool, _ in inBase(tool) }
    try makeStatistics()
    let counted = environment.merging(["CCACHE_STATSLOG": statistics.string]) { $1 }
    let counter = BuildProgress(progress)
    let begun = ContinuousClock.now
    let status = try await wrap(
      Tool(
        "make",
        [
          "-rR", "--no-print-directory", "-j\(jobs)", "-f", makefile.string, sides.after.variable, evidence.variable,
        ], environment: counted),
      // These are the base's own commands, none of the series'.
      reading: [makefile], writing: [statistics.removingLastComponent(), sides.after.directory, evidence.directory],
      compiled: .shared
    ).run(log: log, deadline: deadline, line: counter.line)
    try await before
    guard status.isSuccess else { return nil }
    var build = built(.replay, counter, before: begun - start)
    build.assembly = sides
    build.evidence = evidence
    return build
  }

  /// Whether the compiled code may include a file by `.incbin`. The compiler does not report it. ccache sees it in the
  /// preprocessed source, and does not store the object.
  func takesBytesIn(_ objects: [String], of paths: Set<String>) -> Bool {
    if objects.count > ReplayMakefile.fewObjects { return false }
    let directive = Data("incbin".utf8)
    let sources = objects.flatMap { ["\($0.dropLast(2)).c", "\($0.dropLast(2)).S"] }
    return paths.union(sources).contains { path in
      guard let text = contents(path) else { return false }
      return Data(text).range(of: directive) != nil
    }
  }

  /// Builds with kbuild itself, whatever the series touches.
  func make(
    _ series: PatchSeries, settings: [String] = [], jobs: Int, log: FilePath,
    since start: ContinuousClock.Instant = .now, _ progress: @escaping @Sendable (String) -> Void = { _ in }
  ) async throws -> SeriesBuild {
    // Discards the counts of a failed replay.
    try makeStatistics()
    let configuration = try await configureAgain(series, settings: settings)
    if case .failed(let failure) = configuration {
      var build = built(.kbuild, nil, before: .now - start)
      build.failure = failure
      return build
    }
    let counter = BuildProgress(progress)
    let begun = ContinuousClock.now
    try await removeOrphans(of: series)
    let tool = base.kbuild.make(["-j\(jobs)"] + base.profile.image.targets, in: nil, statistics: statistics)
    let compiled = try compiled(by: series)
    let status = try await wrap(tool, writing: [statistics.removingLastComponent()], compiled: compiled).run(
      log: log, deadline: deadline, line: counter.line)
    var build = built(.kbuild, counter, before: begun - start)
    if !status.isSuccess {
      build.failure = try failure(status, log: log, of: series)
    } else if case .dropped(let fault) = configuration {
      // Only now, because a kernel that does not build at all is the series' fault.
      throw StageError.fault(fault)
    }
    return build
  }

  private func built(_ method: BuildWork.Method, _ counter: BuildProgress?, before: Duration) -> SeriesBuild {
    let lines = regularContents(statistics, most: mostStatistics) ?? []
    let count = CompileCount(log: String(decoding: lines, as: UTF8.self))
    var seconds = StageSeconds([.configure: before / .seconds(1)])
    if let parts = counter?.seconds() {
      seconds[.configure]! += parts.configure
      seconds[.compile] = parts.compile
      seconds[.link] = parts.link
    }
    var build = SeriesBuild(
      image: base.image, work: BuildWork(method: method, objects: count.objects, cached: count.cached), seconds: seconds
    )
    if let image {
      build.image = image
    } else {
      build.failure = BuildFailure(
        diagnostics: [
          Diagnostic(file: nil, line: nil, message: "the build left no \(base.profile.imagePath)", patch: nil)
        ], tail: [])
    }
    return build
  }

  /// Builds as one would by hand, for comparison: with kbuild, and with ccache disabled.
  /// - Parameter target: make's target; the image by default.
  public func makeByHand(_ target: String? = nil, jobs: Int, log: FilePath) async throws -> ToolStatus {
    var tool = base.kbuild.make(["-j\(jobs)", target ?? base.profile.image.rawValue], in: nil)
    tool.environment["CCACHE_DISABLE"] = "1"
    return try await wrapTrusted(tool).run(log: log, deadline: deadline) { _ in }
  }

  /// Removes the objects of files that the series removes. make no longer has a rule for them, finds them up to date,
  /// and succeeds, so that a removed source would go unnoticed.
  private func removeOrphans(of series: PatchSeries) async throws {
    let gone = Set(series.patches.flatMap(\.paths).filter { file($0) == nil })
    if gone.isEmpty { return }
    let recorded = try RecordedBuild(base.records, about: gone)
    var orphans = Set(gone.flatMap { recorded.readers[$0] ?? [] }.map { recorded.objects[$0].path })
    // Include the object of a file that an underlying tree added, which the base's records do not know.
    for path in gone { orphans.insert(path.lastIndex(of: ".").map { "\(path[..<$0]).o" } ?? "\(path).o") }
    _ = try await wrap(Tool("rm", ["-f", "--"] + orphans.sorted())).output()
  }

  /// How kbuild may use ccache's objects, considering all patches that are applied here.
  func compiled(by series: PatchSeries) throws -> Compiled {
    try base.compiled(Set(series.patches.flatMap(\.paths))) { file($0) != nil }
  }

  /// Builds what the patches of an underlying tree touch. By default up to the archives, without a link.
  /// - Parameters:
  ///   - series: these patches.
  ///   - target: make's target.
  /// - Returns: whether it succeeded. If not, the caller builds without it and finds out why.
  public func buildLayer(
    _ series: PatchSeries, target: String = "vmlinux.a", jobs: Int, log: FilePath,
    progress: @escaping @Sendable (String) -> Void
  ) async throws -> Bool {
    let counter = BuildProgress(progress)
    try await removeOrphans(of: series)
    let tool = base.kbuild.make(["-j\(jobs)", target], in: nil)
    let status = try await wrap(tool, compiled: compiled(by: series)).run(
      log: log, deadline: deadline, line: counter.line)
    // If the tree is a copy, the base's files in it already have that time.
    if status.isSuccess { try await FixedTimestamps.settle(top, builtAt: base.tree) }
    return status.isSuccess
  }

  /// ccache's log, in a directory that tools in this tree may write to.
  private var statistics: FilePath { scratch.appending("statistics").appending("log") }

  private func makeStatistics() throws {
    let place = statistics.removingLastComponent()
    try? FileManager.default.removeItem(atPath: place.string)
    try FileManager.default.createDirectory(atPath: place.string, withIntermediateDirectories: true)
  }

  func failure(_ status: ToolStatus, log: FilePath, of series: PatchSeries) throws -> BuildFailure {
    let text = (try? Data(contentsOf: URL(filePath: log.string))).map { String(decoding: $0, as: UTF8.self) } ?? ""
    guard case .exited = status else { throw StageError.fault(.build, "make \(status.words)", advice: "see \(log)") }
    try refuseShortage(in: text)
    return failure(in: text, of: series)
  }

  /// A machine that ran out of a resource is not the series' fault.
  /// - Parameter text: make's output of a failed build.
  /// - Throws: ``StageError`` if that is the reason.
  func refuseShortage(in text: String) throws {
    // A series can print this as well, so the disk is checked too. make has already removed what it could not write
    // completely; the largest such file is a linked image. If space ran out elsewhere, in the cage's own /tmp, it is a
    // limit like any other.
    if text.contains("No space left on device"), DiskSpace.free(at: top) < Self.largestOutput {
      throw StageError.noSpace(.build)
    }
    if text.contains("Killed signal terminated program") || text.contains("virtual memory exhausted") {
      throw StageError.fault(.build, "a compiler was killed or had no memory left", advice: "use fewer --jobs")
    }
  }

  /// In bytes.
  private static let largestOutput: Int64 = 1 << 30

  func failure(in text: String, of series: PatchSeries) -> BuildFailure {
    let found = CompilerOutput.diagnostics(in: text.utf8, tree: base.tree.string, limit: mostDiagnostics)
    return BuildFailure(
      diagnostics: CompilerOutput.blame(found, on: series.patches),
      tail: text.split(separator: "\n").suffix(20).map(String.init))
  }
}
