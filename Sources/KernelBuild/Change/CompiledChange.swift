// SPDX-License-Identifier: Apache-2.0

public import BenchModel
import Foundation
import Glibc
public import KernelCode
import SystemPackage
import Toolbox

/// The maximum number of objects examined. A series that touches more changes a header that everything includes, and
/// the first hundred that differ show what it does.
private let mostObjects = 96

/// What a series changes in the compiled code, and where its lines are in the image.
public struct ExaminedChange: Sendable {
  public var change: CodeChange
  /// Indexed by the numbers that the lines refer to.
  public var probes: [LinePlan.Probe]
}

extension SeriesTree {
  /// Finds what a series changes in the compiled code.
  ///
  /// Objects that differ from the base's are compiled again on both sides, to assembly and with a constant `__LINE__`:
  /// code that only moved is then not a change.
  /// - Parameters:
  ///   - series: applied to this tree.
  ///   - built: the result of its build here.
  ///   - driver: the base's test driver, of which this tree may have its own build: some headers are used by nothing
  ///     else that a guest runs.
  ///   - jobs: how many compilers run at once.
  ///   - findsLines: whether to look at the changed lines as well, for which the objects are compiled once more.
  /// - Throws: ``StageError`` and ``ToolError`` if the change cannot be determined.
  public func compiledChange(
    of series: PatchSeries, _ built: SeriesBuild, driver: BaseDriver, jobs: Int, findsLines: Bool = true
  ) async throws -> ExaminedChange {
    let paths = Set(series.patches.flatMap(\.paths))
    let recorded = try RecordedBuild(base.records, about: paths)
    let moved = movedFiles(paths)
    let sources = Self.sourceChanges(paths.subtracting(moved.values)) { path in
      (regularContents(base.tree.pushing(FilePath(moved[path] ?? path))), contents(path))
    }
    // kbuild may have run the series' Makefiles, and its recorded commands may be theirs.
    let ccache: Compiled = built.work.method == .replay ? .shared : .read
    // The image is identical to the base's: whatever was touched had no effect, except perhaps on the test driver.
    if built.image != base.image, base.profile.image != .modules, driverObjects(touched: paths).isEmpty,
      FileManager.default.contentsEqual(atPath: built.image.string, andPath: base.image.string)
    {
      let elsewhere = sources.filter { (recorded.readers[$0.key] ?? []).isEmpty }
      return try await examined(
        CodeChange(sources: elsewhere, objects: [], compiled: [], unexamined: []), paths,
        LineObjects(
          differing: [], readers: imageObjects(recorded, paths), known: built.evidence, compiled: ccache, moved: moved),
        compiledFiles: Set(recorded.readers.filter { !$0.value.isEmpty }.keys), jobs: jobs, findsLines: findsLines)
    }
    let differing = built.work.method == .unchanged ? [] : try differingObjects(recorded, touched: paths)
    let known = built.assembly
    let rest = differing.map(\.path).filter { known?.after.sources[$0] == nil }
    let modules = driverObjects(touched: paths)
    let more = try assembly(
      of: Array(rest.prefix(mostObjects)), in: "more", former: formerObjects(moved))
    let environment = try recordedEnvironment
    try await more.after.run(jobs: jobs, environment: environment) { wrap($0, writing: [$1], compiled: ccache) }
    try await more.before.run(jobs: jobs, environment: environment) { tool, _ in inBase(tool) }
    let inDriver = try await assembly(of: modules.map(\.path), of: driver, jobs: jobs)
    let all = await Blocking.run {
      [more, known, inDriver].compactMap { $0?.changes }.reduce(into: [:]) { $0.merge($1) { $1 } }
    }
    var objects: [CompiledObject] = []
    // Makefiles, Kconfig, assembly, linker scripts: their effects need not show in any object that is examined.
    let others =
      built.work.method == .unchanged ? [] : paths.filter { !RecordedBuild.isC($0) && !RecordedBuild.isProse($0) }
    var unexamined: [String] = []
    for object in differing + modules {
      guard let (source, change) = all[object.path] else {
        unexamined.append(object.path)
        continue
      }
      if !change.isEmpty {
        objects.append(CompiledObject(path: object.path, source: source, reads: object.reads, change: change))
      }
    }
    // If no object differs, and all are where they were, the makefiles did nothing else.
    let mayBeSame = objects.isEmpty && unexamined.isEmpty && others.allSatisfy(Self.isOfKbuild)
    let isSame = mayBeSame ? await Blocking.run { isSameLayout(moved) } : false
    if !isSame { unexamined += others }
    let compiled = Set(recorded.readers.filter { !$0.value.isEmpty }.keys).union(all.values.map(\.source))
    return try await examined(
      CodeChange(sources: sources, objects: objects, compiled: compiled, unexamined: unexamined.sorted()), paths,
      LineObjects(
        differing: objects, readers: imageObjects(recorded, paths), known: built.evidence, compiled: ccache,
        moved: moved), compiledFiles: compiled, jobs: jobs, findsLines: findsLines)
  }

  /// By file: the objects of the image that are made from it.
  private func imageObjects(_ recorded: RecordedBuild, _ paths: Set<String>) -> [String: [String]] {
    recorded.readers.filter { paths.contains($0.key) }.mapValues { readers in
      readers.map { recorded.objects[$0] }.filter(isPart).map(\.path)
    }
  }

  /// Adds to the change what is known about each of its lines, if that is asked for, and about its files.
  private func examined(
    _ change: CodeChange, _ paths: Set<String>, _ objects: LineObjects, compiledFiles: Set<String>, jobs: Int,
    findsLines: Bool
  ) async throws -> ExaminedChange {
    var change = change
    var probes: [LinePlan.Probe] = []
    if findsLines {
      let lines = try await lines(paths, change, in: objects, compiledFiles: compiledFiles, jobs: jobs)
      change.lines = lines.changed
      probes = lines.probes
    }
    change.causes = causes(of: change.notCompiled, touched: paths)
    change.aside = paths.filter(RecordedBuild.isProse).sorted()
    change.moved = objects.moved.isEmpty ? nil : objects.moved
    change.addedOptions = addedOptions(paths).sorted()
    return ExaminedChange(change: change, probes: probes)
  }

  /// The changes in the sources themselves. A file that is not C has no compiled code, or is built in a way of its own.
  private static func sourceChanges(
    _ paths: Set<String>, _ versions: (String) -> (before: [UInt8]?, after: [UInt8]?)
  ) -> [String: SourceChange] {
    var changes: [String: SourceChange] = [:]
    for path in paths where RecordedBuild.isC(path) && !RecordedBuild.isProse(path) {
      let (before, after) = versions(path)
      let change = SourceChange(before: before, after: after)
      if !change.isEmpty { changes[path] = change }
    }
    return changes
  }

  /// An object of the image that is not byte-identical to the base's.
  struct DifferingObject {
    var path: String
    /// Which of the touched files it was made from; all of them if no record tells.
    var reads: Set<String>
  }

  /// - Returns: first the objects made from the touched files themselves, then those of the parts of the kernel that a
  ///   guest's tests exercise.
  private func differingObjects(_ recorded: RecordedBuild, touched: Set<String>) throws -> [DifferingObject] {
    var reads: [String: Set<String>] = [:]
    for (path, readers) in recorded.readers {
      for index in readers where isPart(recorded.objects[index]) {
        reads[recorded.objects[index].path, default: []].insert(path)
      }
    }
    let image = Set(recorded.objects.filter(isPart).map(\.path))
    for path in try changedObjects() {
      // An object that the base lacks is new. One that is neither new nor part of the image is a tool or the like.
      let isNew = regularContents(base.tree.pushing(FilePath(path))) == nil
      guard reads[path] == nil, image.contains(path) || isNew && belongsToImage(path) else { continue }
      reads[path] = touched
    }
    let found = reads.filter { path, _ in
      guard let now = contents(path) else { return false }
      return now != regularContents(base.tree.pushing(FilePath(path)))
    }
    func rank(_ object: DifferingObject) -> Int {
      let stem = object.path.dropLast(2)
      if touched.contains(stem + ".c") { return 0 }
      return ["drivers/dma-buf/", "drivers/gpu/drm/", "mm/", "fs/", "kernel/"].contains { object.path.hasPrefix($0) }
        ? 1 : 2
    }
    return found.map { DifferingObject(path: $0.key, reads: $0.value) }
      .sorted { (rank($0), $0.path) < (rank($1), $1.path) }
  }

  /// Objects written to this tree since the base was built; for a copy, all objects, because it is not known which.
  private func changedObjects() throws -> [String] {
    var found: [String] = []
    for upper in changedPlaces {
      let files = FileManager.default.enumerator(atPath: upper.string)
      while let name = files?.nextObject() as? String {
        if name.hasSuffix(".o") { found.append(name) }
      }
    }
    return found
  }

  /// Whether an object that the base lacks can be part of the image; intermediate files of a build are not.
  private func belongsToImage(_ path: String) -> Bool {
    let first = path.prefix { $0 != "/" }
    return path.contains("/") && !["tools", "scripts", "usr", "patchbench-driver"].contains(first)
      && !path.hasSuffix(".mod.o") && !path.hasPrefix("arch/\(base.profile.toolchain.sourceDirectory)/boot/")
  }

  /// Whether an object of the base is part of its image. In a profile that is only built, it may be part of a module as
  /// well, and LLVM's archives are not recorded, so its place decides.
  private func isPart(_ object: RecordedBuild.Target) -> Bool {
    object.archive != nil || base.profile.extent == .build && belongsToImage(object.path)
  }

  /// The objects of the test driver that were rebuilt here and that read what the series touches.
  private func driverObjects(touched: Set<String>) -> [DifferingObject] {
    let place = top.appending(DriverPlace.directory)
    let files = (try? FileManager.default.contentsOfDirectory(atPath: place.string)) ?? []
    return files.sorted().compactMap { name in
      // `.pbtest_bo.o.cmd`; what kbuild adds to a module has a second dot.
      guard name.hasPrefix(".pbtest_"), name.hasSuffix(".o.cmd"),
        let record = contents("\(DriverPlace.directory)/\(name)").flatMap({ RecordedBuild.Command(Data($0)) })
      else { return nil }
      let reads = touched.intersection(record.files)
      return reads.isEmpty ? nil : DifferingObject(path: record.target, reads: reads)
    }
  }

  // MARK: - Assembly

  /// How some objects are compiled to assembly here and in the base.
  func assembly(
    of objects: [String], in name: String, former: [String: MovedObject] = [:],
    before command: ((String) -> String?)? = nil
  ) throws -> AssemblySides {
    let place = scratch.appending("assembly-\(name)")
    let reading = ObjectReading(base.profile)
    return AssemblySides(
      before: CompilerMakefile(
        objects.map { former[$0]?.from ?? $0 }, reading, directory: place.appending("before")
      ) { object in command.map { $0(object) } ?? recordedInBase(object) },
      after: CompilerMakefile(objects, reading, directory: place.appending("after")) { recordedCommand(of: $0) },
      former: former)
  }

  /// Compiles objects of the test driver to assembly on both sides. The base's side needs the driver at the same place
  /// as this tree: KASAN writes a source's path into its object, where no option remaps it.
  /// - Returns: `nil` if there are none, or if trees are copies: another copy would take longer than everything else.
  private func assembly(of objects: [String], of driver: BaseDriver, jobs: Int) async throws -> AssemblySides? {
    guard !objects.isEmpty, let tree = try await baseTree(with: driver) else { return nil }
    let sides = try assembly(of: objects, in: "driver", before: driver.command)
    let environment = try recordedEnvironment
    try await sides.after.run(jobs: jobs, environment: environment) { wrap($0, writing: [$1], compiled: .read) }
    try await sides.before.run(jobs: jobs, environment: environment) { tool, _ in tree.wrapTrusted(tool) }
    return sides
  }

  func recordedInBase(_ object: String) -> String? { RecordedBuild.command(of: object, in: base.tree) }

  /// kbuild's command for an object, as recorded in this tree, or else in the base.
  func recordedCommand(of target: String) -> String? {
    let path = FilePath(target)
    guard let name = path.lastComponent?.string else { return nil }
    let record = contents(path.removingLastComponent().appending(".\(name).cmd").string)
    return record.flatMap { RecordedBuild.Command(Data($0)) }?.command
  }

  /// The environment of kbuild's own commands.
  var recordedEnvironment: [String: String] {
    get throws { try RecordedEnvironment(base.environment).variables.merging(base.kbuild.cacheEnvironment) { $1 } }
  }

  /// Returns the tool, set to run in the base's tree, to which it must not write.
  func inBase(_ tool: Tool) -> Tool {
    var tool = tool
    tool.directory = base.tree
    return tool
  }
}

/// Returns the contents of a regular file. It reads nothing else, because a patch may have put a symlink there.
/// - Parameter most: larger files, in bytes, are not read.
func regularContents(_ path: FilePath, most: Int64 = .max) -> [UInt8]? {
  guard let size = regularSize(path), size <= most else { return nil }
  return FileManager.default.contents(atPath: path.string).map { Array($0) }
}

/// Returns the size of a regular file in bytes; `nil` for anything else.
func regularSize(_ path: FilePath) -> Int64? {
  var status = stat()
  guard lstat(path.string, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
  return Int64(status.st_size)
}
