// SPDX-License-Identifier: Apache-2.0

public import BenchModel
import Foundation
import Glibc
public import KernelCode
import SystemPackage
import Toolbox

/// How many objects are looked into. What touches more is a header that everything includes, and the first hundred of
/// those that differ tell what it is about.
private let mostObjects = 96

/// What a series changes in the code that is compiled, and where its lines lie in the image.
public struct ExaminedChange: Sendable {
  public var change: CodeChange
  /// By the numbers that the lines name.
  public var probes: [LinePlan.Probe]
}

extension SeriesTree {
  /// Finds out what a series changes in the code that is compiled.
  ///
  /// Objects that differ from the base's are compiled once more, to assembly and with `__LINE__` held still, on both
  /// sides: what moved and is otherwise as before is then no change.
  /// - Parameters:
  ///   - series: applied to this tree.
  ///   - built: what came of its build here.
  ///   - driver: the base's test driver, of which this tree may have its own build: a header may be found in nothing else
  ///     that a guest runs.
  ///   - jobs: how many compilers run at once.
  /// - Throws: ``StageError`` and ``ToolError`` if it cannot be found out.
  public func compiledChange(
    of series: PatchSeries, _ built: SeriesBuild, driver: BaseDriver, jobs: Int
  ) async throws -> ExaminedChange {
    let paths = Set(series.patches.flatMap(\.paths))
    let recorded = try RecordedBuild(base.records, about: paths)
    let sources = Self.sourceChanges(paths) { path in
      (regularContents(base.tree.pushing(FilePath(path))), contents(path))
    }
    // kbuild may have run Makefiles of the series', and its commands are those that it recorded.
    let ccache: Compiled = built.work.method == .replay ? .shared : .read
    // Byte for byte the base's: whatever was touched, nothing came of it but perhaps another test driver.
    if built.image != base.image, driverObjects(touched: paths).isEmpty,
      FileManager.default.contentsEqual(atPath: built.image.string, andPath: base.image.string)
    {
      let elsewhere = sources.filter { (recorded.readers[$0.key] ?? []).isEmpty }
      return try await examined(
        CodeChange(sources: elsewhere, objects: [], compiled: [], unexamined: []), paths,
        LineObjects(differing: [], readers: imageObjects(recorded, paths), known: built.evidence, compiled: ccache),
        compiledFiles: Set(recorded.readers.filter { !$0.value.isEmpty }.keys), jobs: jobs)
    }
    let differing = built.work.method == .unchanged ? [] : try differingObjects(recorded, touched: paths)
    let known = built.assembly
    let rest = differing.map(\.path).filter { known?.after.sources[$0] == nil }
    let modules = driverObjects(touched: paths)
    let more = try assembly(of: Array(rest.prefix(mostObjects)), in: "more")
    let environment = try recordedEnvironment
    try await more.after.run(jobs: jobs, environment: environment) { wrap($0, writing: [$1], compiled: ccache) }
    try await more.before.run(jobs: jobs, environment: environment) { tool, _ in inBase(tool) }
    let inDriver = try await assembly(of: modules.map(\.path), of: driver, jobs: jobs)
    let all = await Blocking.run {
      [more, known, inDriver].compactMap { $0?.changes }.reduce(into: [:]) { $0.merge($1) { $1 } }
    }
    var objects: [CompiledObject] = []
    // Makefiles, Kconfig, assembly, linker scripts: what comes of them need not show in any object that is looked into.
    var unexamined =
      built.work.method == .unchanged ? [] : paths.filter { !RecordedBuild.isC($0) && !RecordedBuild.isProse($0) }
    for object in differing + modules {
      guard let (source, change) = all[object.path] else {
        unexamined.append(object.path)
        continue
      }
      if !change.isEmpty {
        objects.append(CompiledObject(path: object.path, source: source, reads: object.reads, change: change))
      }
    }
    let compiled = Set(recorded.readers.filter { !$0.value.isEmpty }.keys).union(all.values.map(\.source))
    return try await examined(
      CodeChange(sources: sources, objects: objects, compiled: compiled, unexamined: unexamined.sorted()), paths,
      LineObjects(
        differing: objects, readers: imageObjects(recorded, paths), known: built.evidence, compiled: ccache),
      compiledFiles: compiled, jobs: jobs)
  }

  /// From some files to the objects of the image that are made from them.
  private func imageObjects(_ recorded: RecordedBuild, _ paths: Set<String>) -> [String: [String]] {
    recorded.readers.filter { paths.contains($0.key) }.mapValues { readers in
      readers.map { recorded.objects[$0] }.filter { $0.archive != nil }.map(\.path)
    }
  }

  /// The change with what is known of each of its lines.
  private func examined(
    _ change: CodeChange, _ paths: Set<String>, _ objects: LineObjects, compiledFiles: Set<String>, jobs: Int
  ) async throws -> ExaminedChange {
    var change = change
    let lines = try await lines(paths, change, in: objects, compiledFiles: compiledFiles, jobs: jobs)
    change.lines = lines.changed
    return ExaminedChange(change: change, probes: lines.probes)
  }

  /// What the sources say of themselves. What is no C has no code that is compiled, or is built by ways of its own.
  private static func sourceChanges(
    _ paths: Set<String>, _ versions: (String) -> (before: [UInt8]?, after: [UInt8]?)
  ) -> [String: SourceChange] {
    var changes: [String: SourceChange] = [:]
    for path in paths where RecordedBuild.isC(path) {
      let (before, after) = versions(path)
      let change = SourceChange(before: before, after: after)
      if !change.isEmpty { changes[path] = change }
    }
    return changes
  }

  /// An object of the image that is not, byte for byte, the base's.
  struct DifferingObject {
    var path: String
    /// Which of the touched files it was made from; all of them where no record tells.
    var reads: Set<String>
  }

  /// - Returns: those first that are made from the touched files themselves, then those of the parts of the kernel that a
  ///   guest's tests go through.
  private func differingObjects(_ recorded: RecordedBuild, touched: Set<String>) throws -> [DifferingObject] {
    var reads: [String: Set<String>] = [:]
    for (path, readers) in recorded.readers {
      for index in readers where recorded.objects[index].archive != nil {
        reads[recorded.objects[index].path, default: []].insert(path)
      }
    }
    let image = Set(recorded.objects.filter { $0.archive != nil }.map(\.path))
    for path in try changedObjects() {
      // One that the base does not have is new; what is neither new nor a part of the image is a tool or the like.
      let isNew = regularContents(base.tree.pushing(FilePath(path))) == nil
      guard reads[path] == nil, image.contains(path) || isNew && Self.belongsToImage(path) else { continue }
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

  /// Objects that were written to this tree since the base; in a copy nobody knows which.
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

  /// Whether an object that the base does not have can be a part of the image; not so what a build makes on its way.
  private static func belongsToImage(_ path: String) -> Bool {
    let first = path.prefix { $0 != "/" }
    return path.contains("/") && !["tools", "scripts", "usr", "patchbench-driver"].contains(first)
      && !path.hasSuffix(".mod.o") && !path.hasPrefix(Architecture.host.boot.directory)
  }

  /// The objects of the test driver that were made anew here, and read what the series touches.
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
    of objects: [String], in name: String, before command: ((String) -> String?)? = nil
  ) throws -> AssemblySides {
    let place = scratch.appending("assembly-\(name)")
    return AssemblySides(
      before: CompilerMakefile(objects, directory: place.appending("before")) { object in
        command.map { $0(object) } ?? RecordedBuild.command(of: object, in: base.tree)
      },
      after: CompilerMakefile(objects, directory: place.appending("after")) { recordedCommand(of: $0) })
  }

  /// Compiles objects of the test driver to assembly on both sides. The base's side needs the driver where this tree has
  /// it: KASAN writes a source's path into its object, where no option maps it.
  /// - Returns: `nil` if there are none, or where trees are copies: another copy would take longer than all else.
  private func assembly(of objects: [String], of driver: BaseDriver, jobs: Int) async throws -> AssemblySides? {
    guard !objects.isEmpty, let tree = try await baseTree(with: driver) else { return nil }
    let sides = try assembly(of: objects, in: "driver", before: driver.command)
    let environment = try recordedEnvironment
    try await sides.after.run(jobs: jobs, environment: environment) { wrap($0, writing: [$1], compiled: .read) }
    try await sides.before.run(jobs: jobs, environment: environment) { tool, _ in tree.wrapTrusted(tool) }
    return sides
  }

  /// kbuild's command for an object as this tree has it, or else the base's.
  func recordedCommand(of target: String) -> String? {
    let path = FilePath(target)
    guard let name = path.lastComponent?.string else { return nil }
    let record = contents(path.removingLastComponent().appending(".\(name).cmd").string)
    return record.flatMap { RecordedBuild.Command(Data($0)) }?.command
  }

  /// What kbuild's own commands are given.
  var recordedEnvironment: [String: String] {
    get throws { try RecordedEnvironment(base.environment).variables.merging(base.kbuild.cacheEnvironment) { $1 } }
  }

  /// The tool, made to run in the base's tree, to which it must not write.
  func inBase(_ tool: Tool) -> Tool {
    var tool = tool
    tool.directory = base.tree
    return tool
  }
}

/// What a plain file holds; nothing else is read: a patch may have put a link there.
/// - Parameter most: a file of more bytes is not read.
func regularContents(_ path: FilePath, most: Int64 = .max) -> [UInt8]? {
  guard let size = regularSize(path), size <= most else { return nil }
  return FileManager.default.contents(atPath: path.string).map { Array($0) }
}

/// How long a plain file is, in bytes; `nil` for anything else.
func regularSize(_ path: FilePath) -> Int64? {
  var status = stat()
  guard lstat(path.string, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
  return Int64(status.st_size)
}
