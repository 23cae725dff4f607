public import BenchModel
import Foundation
import Glibc
import KernelCode
import SystemPackage
import Toolbox

/// How many objects are looked into. What touches more is a header that everything includes, and the first hundred of
/// those that differ tell what it is about.
private let mostObjects = 96
private let assemblyDeadline = Duration.seconds(1200)

extension SeriesTree {
  /// Finds out what a series changes in the code that is compiled.
  ///
  /// Objects that differ from the base's are compiled once more, to assembly and with `__LINE__` held still, on both
  /// sides: what moved and is otherwise as before is then no change.
  /// - Parameters:
  ///   - series: applied to this tree.
  ///   - assembly: what ``assembleTouched(_:jobs:)`` made of the touched objects, or nothing.
  ///   - jobs: how many compilers run at once.
  /// - Throws: ``StageError`` and ``ToolError`` if it cannot be found out.
  public func compiledChange(of series: PatchSeries, work: BuildWork, assembly: Assembly?, jobs: Int) async throws
    -> CodeChange
  {
    let paths = Set(series.patches.flatMap(\.paths))
    let recorded = try RecordedBuild(base.records, about: paths)
    let sources = Self.sourceChanges(paths) { path in
      (Self.contents(base.tree.pushing(FilePath(path))), Self.contents(file(path)))
    }
    let differing = work.method == .unchanged ? [] : try differingObjects(recorded, touched: paths)
    let known = assembly ?? Assembly(objects: [:])
    let rest = differing.filter { known.objects[$0.path] == nil }
    let more = try await assemble(rest.prefix(max(0, mostObjects - known.objects.count)).map(\.path), jobs: jobs)
    let all = known.objects.merging(more.objects) { $1 }
    var objects: [CompiledObject] = []
    var unexamined: [String] = []
    for object in differing {
      guard let (source, change) = all[object.path] else {
        unexamined.append(object.path)
        continue
      }
      if !change.isEmpty {
        objects.append(CompiledObject(path: object.path, source: source, reads: object.reads, change: change))
      }
    }
    let compiled = Set(recorded.readers.filter { !$0.value.isEmpty }.keys).union(all.values.map(\.source))
    return CodeChange(sources: sources, objects: objects, compiled: compiled, unexamined: unexamined.sorted())
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

  /// Of a plain file and nothing else: a patch may have put a link there.
  private static func contents(_ path: FilePath) -> [UInt8]? {
    var status = stat()
    guard lstat(path.string, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    return FileManager.default.contents(atPath: path.string).map { Array($0) }
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
      let isNew = Self.contents(base.tree.pushing(FilePath(path))) == nil
      guard reads[path] == nil, image.contains(path) || isNew && Self.belongsToImage(path) else { continue }
      reads[path] = touched
    }
    let found = reads.filter { path, _ in
      guard let now = Self.contents(file(path)) else { return false }
      return now != Self.contents(base.tree.pushing(FilePath(path)))
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
      && !path.hasSuffix(".mod.o") && !path.hasPrefix("arch/x86/boot/")
  }

  // MARK: - Assembly

  /// Objects of one series as assembly, compared with the base's.
  public struct Assembly: Sendable {
    /// From an object to its source and what of it changed.
    var objects: [String: (source: String, change: AssemblyChange)]
  }

  /// Compiles the objects that a series touches to assembly, if they are few: their build need not be waited for.
  public func assembleTouched(_ series: PatchSeries, jobs: Int) async throws -> Assembly? {
    guard case .objects(let objects, _) = try base.reach(of: Set(series.patches.flatMap(\.paths))), objects.count <= 8
    else { return nil }
    return try await assemble(objects, jobs: jobs)
  }

  /// - Returns: those that could be compared. That one cannot be compiled is for the build to say.
  private func assemble(_ objects: [String], jobs: Int) async throws -> Assembly {
    guard !objects.isEmpty else { return Assembly(objects: [:]) }
    let place = scratch.appending("assembly")
    try FileManager.default.createDirectory(atPath: place.string, withIntermediateDirectories: true)
    let after = AssemblyMakefile(objects, directory: place.appending("after")) { recordedCommand(of: $0) }
    let before = AssemblyMakefile(objects, directory: place.appending("before")) {
      RecordedBuild.command(of: $0, in: base.tree)
    }
    let environment = try RecordedEnvironment(base.environment).variables.merging(base.kbuild.cacheEnvironment) { $1 }
    async let now: Void = after.run(jobs: jobs, environment: environment) { wrap($0) }
    async let then: Void = before.run(jobs: jobs, environment: environment) { tool in
      var tool = tool
      tool.directory = base.tree
      return tool
    }
    _ = try await (now, then)
    return await Blocking.run {
      var found: [String: (String, AssemblyChange)] = [:]
      for object in objects {
        guard let source = after.sources[object], let text = Self.contents(after.output(object)) else { continue }
        let old = Self.contents(before.output(object)).map { AssemblyOutline($0) }
        // Without the base's side all would seem to be new; only a file that is new may be without.
        if old == nil, before.sources[object] != nil { continue }
        found[object] = (source, AssemblyChange(before: old, after: AssemblyOutline(text)))
      }
      return Assembly(objects: found)
    }
  }

  /// kbuild's command for an object as this tree has it, or else the base's.
  private func recordedCommand(of target: String) -> String? {
    let path = FilePath(target)
    guard let name = path.lastComponent?.string else { return nil }
    let record = file(path.removingLastComponent().appending(".\(name).cmd").string)
    return Self.contents(record).flatMap { RecordedBuild.Command(Data($0)) }?.command
  }
}

/// A makefile that compiles objects to assembly with kbuild's own commands.
struct AssemblyMakefile {
  private(set) var sources: [String: String] = [:]
  private let directory: FilePath
  private var text = ""

  /// - Parameter directory: where the assembly goes; nothing is written to the tree.
  init(_ objects: [String], directory: FilePath, command: (String) -> String?) {
    self.directory = directory
    var rules = ""
    for object in objects {
      guard let recorded = command(object), let (words, source) = Self.assembly(recorded, of: object) else { continue }
      sources[object] = source
      rules += "\(target(object)):\n\t@\(words)\n\n"
    }
    text = """
      pound := \\#
      .PHONY: all \(sources.keys.sorted().map(target).joined(separator: " "))
      all: \(sources.keys.sorted().map(target).joined(separator: " "))


      """ + rules
  }

  private func target(_ object: String) -> String { object + "-assembly" }

  /// The assembly of an object.
  func output(_ object: String) -> FilePath {
    directory.appending(String(object.map { $0 == "/" ? "+" : $0 }) + ".s")
  }

  /// `gcc … -c -o a.o a.c ; objtool …` as `gcc … -S -o DIRECTORY/a.s a.c`, without what writes beside the object, and
  /// without warnings, which the build itself has told.
  private static func assembly(_ command: String, of object: String) -> (command: String, source: String)? {
    let compile = command.prefix { $0 != ";" }
    guard let output = compile.range(of: " -c -o \(object) ") else { return nil }
    let source = compile[output.upperBound...].trimmingCharacters(in: .whitespaces)
    guard source.hasSuffix(".c"), !source.contains(" ") else { return nil }
    let words = compile[..<output.lowerBound].split(separator: " ").filter { !$0.hasPrefix("-Wp,-MMD,") }
    return ("\(words.joined(separator: " ")) -w -D__LINE__=0 -S -o \(placeholder) \(source)", source)
  }

  /// Stands for the output's path, which is known only to an instance, and goes to make as a variable of its own.
  private static let placeholder = "'$(OUT)/$(subst /,+,$(patsubst %-assembly,%,$@)).s'"

  /// - Throws: ``ToolError`` if make cannot be run; an object that does not compile has no output.
  func run(jobs: Int, environment: [String: String], wrap: (Tool) -> Tool) async throws {
    guard !sources.isEmpty else { return }
    try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: true)
    let makefile = directory.appending("Makefile")
    try Data(text.utf8).write(to: URL(filePath: makefile.string))
    _ = try await wrap(
      Tool(
        "make", ["-rRk", "--no-print-directory", "-j\(jobs)", "-f", makefile.string, "OUT=\(directory)"],
        environment: environment)
    ).run(deadline: assemblyDeadline)
  }
}
