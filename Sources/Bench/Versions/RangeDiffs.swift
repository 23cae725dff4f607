// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import SeriesIntake
import SystemPackage
import Toolbox

/// Makes range-diffs between series that belong together, in a small repository with only the files that they touch.
struct RangeDiffs {
  /// The base's source.
  let tree: FilePath
  /// A directory for this only, created here.
  let scratch: FilePath
  let cage: Cage?

  /// Returns the range-diffs of a run. Whatever goes wrong with one is said in its place; the run goes on.
  /// - Throws: only `CancellationError` and what else means that the user stopped the run.
  func of(_ series: [ReadSeries]) async throws -> [RangeDiff] {
    var made: [RangeDiff] = []
    for pair in RelatedSeries.pairs(series.map(\.series)).prefix(Self.mostPairs) {
      let (older, newer) = (series[pair.older], series[pair.newer])
      let place = scratch.appending("\(made.count)").absolute
      defer { try? FileManager.default.removeItem(atPath: place.string) }
      var diff = RangeDiff(older: older.series.name, newer: newer.series.name)
      do {
        try await fill(&diff, older, newer, in: place)
      } catch let reason as NoRangeDiff {
        diff.remark = reason.words
      } catch ToolError.exceeded(_, let excess) {
        diff.remark = "git was ended: \(excess.words)"
      } catch  where !error.isCancellation {
        diff.remark = "git could not make one: \(error)"
      }
      made.append(diff)
    }
    return made
  }

  private struct NoRangeDiff: Error {
    var words: String
  }

  private func fill(_ diff: inout RangeDiff, _ older: ReadSeries, _ newer: ReadSeries, in place: FilePath) async throws
  {
    for one in [older, newer] where one.refusal != nil {
      throw NoRangeDiff(words: "\(one.series.name) could not be read")
    }
    try copyFiles(Set((older.series.patches + newer.series.patches).flatMap(\.paths)), to: place.appending("tree"))
    try write(older, to: place.appending("older"))
    try write(newer, to: place.appending("newer"))
    var shell = Tool("sh", ["-c", Self.script], in: place)
    shell.environment = Git.tool([], in: place).environment
    shell.environment.merge([
      "GIT_COMMITTER_NAME": "patchbench", "GIT_COMMITTER_EMAIL": "patchbench@localhost",
      "GIT_COMMITTER_DATE": "2000-01-01T00:00:00Z", "GIT_AUTHOR_DATE": "2000-01-01T00:00:00Z",
    ]) { $1 }
    var cage = cage
    if let limits = cage?.limits { cage?.limits.time = min(limits.time, Self.patience) }
    let answer = try await (cage?.wrap(shell, in: place) ?? shell).run()
    for (side, one) in [("older", older), ("newer", newer)] {
      guard let number = contents(place.appending("\(side).failed")) else { continue }
      throw NoRangeDiff(
        words:
          "patch \(number.trimmingCharacters(in: .whitespacesAndNewlines)) of \(one.series.name) does not apply to "
          + "the base")
    }
    guard answer.status.isSuccess, let text = contents(place.appending("range-diff")) else {
      throw NoRangeDiff(words: "git could not make one: \(answer.errors.suffix(300))")
    }
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    if lines.last == "" { lines.removeLast() }
    if lines.count > Self.mostLines || text.utf8.count >= Self.mostText {
      diff.remark = "only its beginning is shown"
    }
    diff.lines = Array(lines.prefix(Self.mostLines))
  }

  /// A fixed text. It applies each side's patches, as `git am` would after it has read the mails. By default,
  /// git takes two versions of a small patch for two patches.
  private static let script = """
    cd tree && git init -q && git add -A -f && git -c user.useConfigOnly=false commit -q --allow-empty \
      --author='base <base@localhost>' -m base && git tag base || exit
    for side in older newer; do
      git checkout -q -f -b "$side" base || exit
      for diff in ../$side/*.diff; do
        name=${diff%.diff}
        git apply --index --whitespace=nowarn -- "$diff" &&
          git commit -q --allow-empty --allow-empty-message --no-verify --cleanup=whitespace \
            --author="$(cat "$name.author")" -F "$name.message" ||
          { basename "$name" | sed 's/^0*//' >../$side.failed; exit 0; }
      done
    done
    git range-diff --no-color --no-notes --creation-factor=90 base..older base..newer >../range-diff
    """

  /// Copies what the series touch. New files are not there, and links are left out.
  private func copyFiles(_ paths: Set<String>, to target: FilePath) throws {
    let manager = FileManager.default
    try manager.createDirectory(atPath: target.string, withIntermediateDirectories: true)
    let source = UntrustedTree(tree)
    var total: Int64 = 0
    for path in paths.sorted() {
      guard case .file(let size) = source.kind(of: FilePath(path)) else { continue }
      total += size
      if total > Self.mostFiles {
        throw NoRangeDiff(words: "they touch more than \(Self.mostFiles >> 20) MiB of files")
      }
      let copy = target.pushing(FilePath(path))
      try manager.createDirectory(atPath: copy.removingLastComponent().string, withIntermediateDirectories: true)
      try manager.copyItem(atPath: tree.pushing(FilePath(path)).string, toPath: copy.string)
    }
  }

  /// Writes the patches with what their commits need.
  private func write(_ series: ReadSeries, to place: FilePath) throws {
    let manager = FileManager.default
    try manager.createDirectory(atPath: place.string, withIntermediateDirectories: true)
    var total = 0
    for (index, (patch, diff)) in zip(series.series.patches, series.diffs).enumerated() {
      let target = place.appending(ReadSeries.diffName(index + 1))
      try manager.copyItem(atPath: diff.string, toPath: target.string)
      total += try manager.attributesOfItem(atPath: target.string)[.size] as? Int ?? 0
      if total > Self.mostDiffs {
        throw NoRangeDiff(words: "\(series.series.name) has more than \(Self.mostDiffs >> 20) MiB of diffs")
      }
      let name = target.string.dropLast(".diff".count)
      let message = patch.message.map { "\n\n\($0)" } ?? ""
      try Data("\(patch.subject)\(message)\n".utf8).write(to: URL(filePath: "\(name).message"))
      try Data(Self.author(patch.author).utf8).write(to: URL(filePath: "\(name).author"))
    }
  }

  /// Returns an author that git takes: it wants a name and an address.
  static func author(_ text: String) -> String {
    let parts = text.split(separator: "<", maxSplits: 1, omittingEmptySubsequences: false)
    func clean(_ part: Substring?) -> String {
      let scalars = (part ?? "").unicodeScalars.filter { !"<>".unicodeScalars.contains($0) && $0.value >= 0x20 }
      let text = String(String.UnicodeScalarView(scalars)).trimmingCharacters(in: .whitespaces)
      // git drops punctuation at both ends, and then wants something left.
      return text.unicodeScalars.contains(where: \.properties.isAlphabetic) ? text : "unknown"
    }
    return "\(clean(parts.first)) <\(clean(parts.count > 1 ? parts[1] : nil))>"
  }

  private func contents(_ file: FilePath) -> String? {
    guard let data = try? FileHandle(forReadingFrom: URL(filePath: file.string)).read(upToCount: Self.mostText) else {
      return FileManager.default.fileExists(atPath: file.string) ? "" : nil
    }
    return String(decoding: data, as: UTF8.self)
  }

  /// A run is not for comparing hundreds of versions.
  private static let mostPairs = 20
  /// git's time grows with the product of both sides' patches.
  private static let patience = Duration.seconds(60)
  /// Bytes.
  private static let mostFiles: Int64 = 64 << 20
  private static let mostDiffs = 16 << 20
  private static let mostText = 256 << 10
  private static let mostLines = 2000
}
