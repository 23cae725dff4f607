// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage

/// Generates series for measurements. Each appends a function to some sources, or a declaration to a header, that was
/// never compiled before.
struct MadeSeries {
  /// The tree whose files the series change. It is only read.
  var tree: FilePath
  /// The directory of the series. Each has its own directory in it.
  var directory: FilePath
  /// Makes names unique to this benchmark run. The objects of an earlier run may still be in ccache.
  let tag = Int(Date().timeIntervalSince1970)

  /// Writes a series of one patch.
  /// - Parameters:
  ///   - name: the name of its directory, relative to ``directory``: `one-1`, `ten-1/series-01`.
  ///   - files: sources and headers, relative to the tree's root.
  ///   - number: series with the same number change the files in the same way.
  /// - Returns: the series' directory.
  func write(_ name: String, _ files: [(path: String, number: Int)]) throws -> FilePath {
    let series = directory.appending(name)
    try FileManager.default.createDirectory(atPath: series.string, withIntermediateDirectories: true)
    var patch = ""
    for file in files { patch += try diff(file.path, file.number) }
    let file = series.appending("0001-\(series.lastComponent!.string).patch")
    try Data(patch.utf8).write(to: URL(filePath: file.string))
    return series
  }

  private func diff(_ path: String, _ number: Int) throws -> String {
    let text = try String(contentsOfFile: tree.pushing(FilePath(path)).string, encoding: .utf8)
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
    let context = lines.suffix(3)
    let function = "patchbench_\(tag)_\(number)"
    let added =
      path.hasSuffix(".h")
      ? ["extern int \(function)(int value);"]
      : ["int \(function)(int value);", "int \(function)(int value)", "{", "\treturn value + \(number);", "}"]
    let first = lines.count - context.count + 1
    return """
      diff --git a/\(path) b/\(path)
      --- a/\(path)
      +++ b/\(path)
      @@ -\(first),\(context.count) +\(first),\(context.count + added.count) @@

      """ + (context.map { " \($0)" } + added.map { "+\($0)" }).joined(separator: "\n") + "\n"
  }
}
