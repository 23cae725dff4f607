// SPDX-License-Identifier: Apache-2.0

public import BenchModel
public import KernelCode
import SystemPackage
import Toolbox

extension SeriesTree {
  /// Finds where the lines of some functions are in the image of a tree without a series, as if all of
  /// them had changed.
  /// - Parameters:
  ///   - functions: the names, by source.
  ///   - jobs: how many compilers run at once.
  /// - Returns: the lines, in the order of their files, and the probes that they refer to.
  /// - Throws: ``ToolError``, and file system errors.
  public func lines(of functions: [String: Set<String>], jobs: Int) async throws -> (
    lines: [ChangedLine], probes: [LinePlan.Probe]
  ) {
    let recorded = try RecordedBuild(base.records, about: Set(functions.keys))
    let objects = functions.keys.sorted().compactMap { path -> String? in
      let all = (recorded.readers[path] ?? []).map { recorded.objects[$0] }.filter { $0.archive != nil }.map(\.path)
      let own = "\(path.dropLast(2)).o"
      return all.contains(own) ? own : all.first
    }
    let views = try await views(
      of: objects, known: nil, compiled: .shared, about: Set(functions.keys), jobs: jobs)
    let plan = await Blocking.run { () -> LinePlan in
      var files: [String: LinePlan.File] = [:]
      var diff: [DiffFile] = []
      for (path, names) in functions.sorted(by: { $0.key < $1.key }) {
        guard let source = contents(path) ?? regularContents(base.tree.pushing(FilePath(path))) else { continue }
        files[path] = LinePlan.File(source: source, differing: nil)
        let numbers = views.reduce(into: Set<Int>()) { $0.formUnion($1.lines(of: names, in: path)) }
        let lines = numbers.sorted().map { DiffLine(kind: .added, number: $0, text: "") }
        diff.append(DiffFile(path: path, hunks: [DiffHunk(heading: "", lines: lines)]))
      }
      return LinePlan(diff: diff, files: files, objects: views)
    }
    return (plan.lines, plan.probes)
  }
}
