// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import KernelCode
import SystemPackage
import Toolbox

/// The maximum number of objects of a series that are examined line by line. A header may be in five hundred; its lines
/// run in the first of them as well as in the last.
private let mostObjects = 16
/// The maximum number of diff lines kept, and of source lines examined.
private let mostLines = 20_000
/// In bytes; larger files are not examined.
private let largestSource: Int64 = 8 << 20

extension SeriesTree {
  /// What is known about the lines of a series before they run.
  struct Lines {
    var changed: ChangedLines
    /// Where to watch the lines, indexed by the numbers that they refer to.
    var probes: [LinePlan.Probe] = []
  }

  /// The objects of a series whose lines are examined.
  struct LineObjects {
    /// The objects whose code differs from the base's, the most telling first, each with the files that it
    /// was made from.
    var differing: [CompiledObject]
    /// By touched file: all objects of the image that are made from it.
    var readers: [String: [String]]
    /// The objects that were compiled alongside the build.
    var known: CompilerMakefile?
    /// How the remaining ones may use ccache.
    var compiled: Compiled
    /// By new path: the old path of a file that was moved.
    var moved: [String: String] = [:]

    /// Returns the objects that differ. For each file that none of them is made from, it adds an object that does not
    /// differ, because that shows which of the file's lines are compiled.
    func chosen(for files: Set<String>) -> [String] {
      var chosen = differing.prefix(mostObjects).map(\.path)
      for file in files.sorted() {
        let all = readers[file] ?? []
        if all.contains(where: chosen.contains) || differing.contains(where: { $0.source == file }) { continue }
        let own = "\(file.dropLast(2)).o"
        if let one = all.contains(own) ? own : all.first, chosen.count < 2 * mostObjects { chosen.append(one) }
      }
      return chosen
    }
  }

  /// Finds where the changed lines of a series are in its image.
  /// - Parameters:
  ///   - paths: the files that the series touches.
  ///   - change: what it changes in compiled functions.
  ///   - compiledFiles: the touched files that are compiled at all.
  ///   - jobs: how many compilers run at once.
  /// - Throws: ``ToolError``, and file system errors.
  func lines(
    _ paths: Set<String>, _ change: CodeChange, in objects: LineObjects, compiledFiles: Set<String>, jobs: Int
  ) async throws -> Lines {
    let touched = paths.intersection(compiledFiles).filter(RecordedBuild.isC)
    // Files that are not compiled may have any length. If the whole diff is too long, only the compiled
    // sources are examined.
    var read = try await diff(of: paths, moved: objects.moved)
    if read == nil { read = try await diff(of: touched, moved: objects.moved) }
    guard let files = read else {
      return Lines(changed: ChangedLines(failure: touched.isEmpty ? nil : "its diff is too long to be read"))
    }
    var changed = ChangedLines()
    (changed.files, changed.omitted) = UnifiedDiff.shortened(files, to: mostLines)
    if let long = touched.filter({ isLong($0) }).min() {
      changed.failure = "\(long) is longer than \(largestSource >> 20) MiB and was not examined"
    }
    let sources = Set(files.map(\.path)).intersection(touched)
    if sources.isEmpty { return Lines(changed: changed) }
    let asked = files.filter { sources.contains($0.path) }.flatMap(\.hunks).reduce(0) { $0 + $1.lines.count }
    if asked > mostLines {
      changed.failure = "its sources change in more than \(mostLines) lines"
      return Lines(changed: changed)
    }

    let views = try await views(
      of: objects.chosen(for: sources), known: objects.known, compiled: objects.compiled, about: sources, jobs: jobs)
    let left = max(0, objects.differing.count - mostObjects)
    let plan = await Blocking.run { () -> LinePlan in
      var known: [String: LinePlan.File] = [:]
      for path in sources {
        guard let text = contents(path), text.count <= largestSource else { continue }
        known[path] = LinePlan.File(source: text, differing: Self.differing(in: path, objects.differing, change))
      }
      return LinePlan(diff: files, files: known, objects: views, left: left)
    }
    changed.lines = plan.lines
    return Lines(changed: changed, probes: plan.probes)
  }

  /// Returns what the tools report about some objects.
  /// - Parameters:
  ///   - known: objects that are already compiled.
  ///   - files: the sources to report on.
  /// - Returns: nothing for an object that, compiled again, is not identical to the image's.
  func views(
    of objects: [String], known: CompilerMakefile?, compiled: Compiled, about files: Set<String>, jobs: Int
  ) async throws -> [LinePlan.Object] {
    let more = CompilerMakefile(
      objects.filter { known?.sources[$0] == nil }, to: .evidence, ObjectReading(base.profile),
      directory: scratch.appending("evidence-more")
    ) { recordedCommand(of: $0) }
    try await more.run(jobs: jobs, environment: recordedEnvironment) {
      wrap($0, writing: [$1], compiled: compiled)
    }
    let root = base.tree.string
    return await Blocking.run {
      objects.compactMap { object -> LinePlan.Object? in
        let made = known?.sources[object] != nil ? known! : more
        guard isSameCode(object, made.output(object)),
          let text = regularContents(made.output(object, "s"), most: Self.largestEvidence),
          let flow = regularContents(made.output(object, "cfg"), most: Self.largestEvidence),
          let source = regularContents(made.output(object, "i"), most: Self.largestEvidence)
        else { return nil }
        return LinePlan.Object(
          path: object, disassembly: String(decoding: text, as: UTF8.self), controlFlow: flow, preprocessed: source,
          files: files, tree: root, instructions: base.profile.instructions)
      }
    }
  }

  /// Whether a touched source is too long to be examined, before the series or after it.
  private func isLong(_ path: String) -> Bool {
    [file(path), base.tree.pushing(FilePath(path))].contains { ($0.flatMap(regularSize) ?? 0) > largestSource }
  }

  /// In bytes; the largest object with KASAN has about 30 MB.
  private static let largestEvidence: Int64 = 256 << 20

  /// The functions that may contain a file's lines and that differ from the base: compiled ones, and those that were
  /// inlined into them.
  private static func differing(in path: String, _ objects: [CompiledObject], _ change: CodeChange) -> Set<String> {
    let compiled = objects.filter { $0.source == path || $0.reads.contains(path) }.flatMap(\.change.functions)
    let pieces = change.pieces.filter { $0.file == path && $0.kind == .function }.map(\.name)
    return Set(compiled + pieces)
  }

  /// Whether an object that was compiled again has its functions at the same offsets as the image's.
  private func isSameCode(_ object: String, _ again: FilePath) -> Bool {
    func functions(_ bytes: [UInt8]?) -> [ObjectCode.Function]? {
      bytes.flatMap { $0.withUnsafeBytes { ObjectCode($0)?.functions } }
    }
    guard let here = functions(contents(object)), let there = functions(regularContents(again)) else { return false }
    return Set(here) == Set(there)
  }

  /// Returns the diff of some files from the base to this tree, made by git.
  /// - Returns: `nil` if it is too long, or if git takes too long.
  private func diff(of paths: Set<String>, moved: [String: String]) async throws -> [DiffFile]? {
    let place = scratch.appending("diff-\(paths.count)")
    // A file that was moved is compared with its old self, and its old name is no file of its own.
    let sorted = paths.subtracting(moved.values).sorted()
    for side in ["a", "b"] {
      try FileManager.default.createDirectory(
        atPath: place.appending(side).string, withIntermediateDirectories: true)
    }
    // The files get numbers, because it is not safe to write to a name that a patch chose.
    for (number, path) in sorted.enumerated() {
      let old = regularContents(base.tree.pushing(FilePath(moved[path] ?? path)), most: largestSource)
      let new = file(path).flatMap { regularContents($0, most: largestSource) }
      for (side, bytes) in [("a", old), ("b", new)] {
        guard let bytes else { continue }
        try Data(bytes).write(to: URL(filePath: place.appending(side).appending("\(number)").string))
      }
    }
    let git = Git.tool([
      "diff", "--no-index", "--no-ext-diff", "--no-textconv", "--no-color", "--no-renames",
      // This keeps lines that occur once on both sides. That matters, because each line that counts as changed
      // must have run.
      "--histogram", "--src-prefix=a/",
      "--dst-prefix=b/", "--", place.appending("a").string, place.appending("b").string,
    ])
    guard let answer = try await run(wrap(git, reading: [place], time: .seconds(60))) else { return nil }
    // Status 1 means that git found a difference.
    guard answer.status == .exited(0) || answer.status == .exited(1) else {
      throw ToolError.failed("git diff", status: answer.status, output: answer.errors)
    }
    return UnifiedDiff.parse(answer.output).compactMap { file in
      guard let number = file.path.split(separator: "/").last.flatMap({ Int($0) }), sorted.indices.contains(number)
      else {
        return nil
      }
      return DiffFile(path: sorted[number], hunks: file.hunks)
    }
  }
}

/// - Returns: `nil` if the tool exceeded a limit.
private func run(_ tool: Tool) async throws(ToolError) -> ToolResult? {
  do {
    return try await tool.run()
  } catch {
    switch error {
    case .exceeded, .tooMuchOutput: return nil
    default: throw error
    }
  }
}
