import BenchModel
import Foundation
import KernelCode
import SystemPackage
import Toolbox

/// How many objects of a series are looked into line by line. A header may be in five hundred; its lines run in the first
/// of them as well as in the last.
private let mostObjects = 16
/// Where none of them differs, they only tell what of the change was compiled.
private let mostEqualObjects = 8
/// How many lines of a diff are kept.
private let mostLines = 20_000
/// In bytes; a larger file is not looked into.
private let largestSource: Int64 = 8 << 20

extension SeriesTree {
  /// What is known beforehand of the lines of a series.
  struct Lines {
    var changed: ChangedLines
    /// Where the lines are to be looked at, by the numbers that they name.
    var probes: [LinePlan.Probe] = []
  }

  /// The objects of a series whose lines are looked at.
  struct LineObjects {
    /// Those whose code is not the base's, the most telling first, with what each was made from.
    var differing: [CompiledObject]
    /// Others that are made from touched files.
    var equal: [String]
    /// What was compiled beside the build.
    var known: CompilerMakefile?
    /// For what is not known yet.
    var compiled: Compiled
  }

  /// Finds out where the changed lines of a series lie in its image.
  /// - Parameters:
  ///   - paths: the files that the series touches.
  ///   - change: what it changes in compiled functions.
  ///   - compiledFiles: the touched files that are compiled at all.
  ///   - jobs: how many compilers run at once.
  /// - Throws: ``ToolError``, and what the file system says.
  func lines(
    _ paths: Set<String>, _ change: CodeChange, in objects: LineObjects, compiledFiles: Set<String>, jobs: Int
  ) async throws -> Lines {
    let (files, omitted) = try await diff(of: paths)
    var changed = ChangedLines(files: files, omitted: omitted)
    if omitted > 0 { changed.failure = "its diff has more than \(mostLines) lines" }
    let sources = Set(files.map(\.path)).intersection(compiledFiles).filter(RecordedBuild.isC)
    if sources.isEmpty { return Lines(changed: changed) }

    let chosen =
      Array(objects.differing.prefix(mostObjects).map(\.path))
      + objects.equal.prefix(objects.differing.isEmpty ? mostEqualObjects : 0)
    let known = objects.known
    let more = CompilerMakefile(
      chosen.filter { known?.sources[$0] == nil }, to: .evidence, directory: scratch.appending("evidence-more")
    ) { recordedCommand(of: $0) }
    try await more.run(jobs: jobs, environment: recordedEnvironment) {
      wrap($0, writing: [$1], compiled: objects.compiled)
    }
    let left = max(0, objects.differing.count - mostObjects)
    let root = base.tree.string
    let plan = await Blocking.run { () -> LinePlan in
      let views = chosen.compactMap { object -> LinePlan.Object? in
        let made = known?.sources[object] != nil ? known! : more
        guard isSameCode(object, made.output(object)),
          let text = regularContents(made.output(object, "s"), most: Self.largestEvidence),
          let flow = regularContents(made.output(object, "cfg"), most: Self.largestEvidence),
          let source = regularContents(made.output(object, "i"), most: Self.largestEvidence)
        else { return nil }
        return LinePlan.Object(
          path: object, disassembly: String(decoding: text, as: UTF8.self), controlFlow: flow, preprocessed: source,
          files: sources, tree: root)
      }
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

  /// In bytes; of the largest object with KASAN it is some 30 MB.
  private static let largestEvidence: Int64 = 256 << 20

  /// The functions that a file's lines may be in and that are not as on the base: compiled ones, and those that were
  /// inlined into them.
  private static func differing(in path: String, _ objects: [CompiledObject], _ change: CodeChange) -> Set<String> {
    let compiled = objects.filter { $0.source == path || $0.reads.contains(path) }.flatMap(\.change.functions)
    let pieces = change.pieces.filter { $0.file == path && $0.kind == .function }.map(\.name)
    return Set(compiled + pieces)
  }

  /// Whether an object that was compiled again has its functions where the image's has them.
  private func isSameCode(_ object: String, _ again: FilePath) -> Bool {
    func functions(_ bytes: [UInt8]?) -> [ObjectCode.Function]? {
      bytes.flatMap { $0.withUnsafeBytes { ObjectCode($0)?.functions } }
    }
    guard let here = functions(contents(object)), let there = functions(regularContents(again)) else { return false }
    return Set(here) == Set(there)
  }

  /// The diff of some files from the base to this tree, by git.
  private func diff(of paths: Set<String>) async throws -> (files: [DiffFile], omitted: Int) {
    let place = scratch.appending("diff")
    let sorted = paths.sorted()
    for side in ["a", "b"] {
      try FileManager.default.createDirectory(
        atPath: place.appending(side).string, withIntermediateDirectories: true)
    }
    // Under numbers: what a patch calls a file is no name to write to.
    for (number, path) in sorted.enumerated() {
      let old = regularContents(base.tree.pushing(FilePath(path)), most: largestSource)
      let new = file(path).flatMap { regularContents($0, most: largestSource) }
      for (side, bytes) in [("a", old), ("b", new)] {
        guard let bytes else { continue }
        try Data(bytes).write(to: URL(filePath: place.appending(side).appending("\(number)").string))
      }
    }
    let git = Git.tool([
      "diff", "--no-index", "--no-ext-diff", "--no-textconv", "--no-color", "--no-renames",
      // Keeps lines that both sides have once: a line that is told as changed is asked whether it ran.
      "--histogram", "--src-prefix=a/",
      "--dst-prefix=b/", "--", place.appending("a").string, place.appending("b").string,
    ])
    let answer = try await wrap(git, reading: [place], time: .seconds(60)).run()
    // 1 is git's word for having found a difference.
    guard answer.status == .exited(0) || answer.status == .exited(1) else {
      throw ToolError.failed("git diff", status: answer.status, output: answer.errors)
    }
    let parsed = UnifiedDiff.parse(answer.output, limit: mostLines)
    let files = parsed.files.compactMap { file -> DiffFile? in
      guard let number = file.path.split(separator: "/").last.flatMap({ Int($0) }), sorted.indices.contains(number)
      else {
        return nil
      }
      return DiffFile(path: sorted[number], hunks: file.hunks)
    }
    return (files, parsed.omitted)
  }
}
