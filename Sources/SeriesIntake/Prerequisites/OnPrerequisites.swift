// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
public import SystemPackage
public import Toolbox

extension ReadSeries {
  /// Puts what series say must be applied before them in front of them, as far as it is among these series, or in the
  /// same mails or archive. Each gets a note of what was found and what was not.
  /// - Parameter place: the directory that all diffs are in. New ones are written next to a series' own.
  public static func onPrerequisites(
    _ series: [ReadSeries], in place: FilePath, cage: Cage?
  ) async throws -> [ReadSeries] {
    let wanted = series.flatMap { $0.series.origin?.prerequisites ?? [] }
    if wanted.isEmpty { return series }
    var ids: [FilePath: String] = [:]
    if wanted.contains(where: { $0.kind == .patchID }) {
      ids = try await PatchIDs.of(series.flatMap { $0.diffs + $0.others.flatMap(\.diffs) }, in: place, cage: cage)
    }
    let search = PrerequisiteSearch(series: series, ids: ids)
    return try series.map { try $0.standing(on: search.found(for: $0)) }
  }

  private func standing(on found: PrerequisiteSearch.Found) throws -> ReadSeries {
    var result = self
    result.others = []
    if found.diffs.count + diffs.count > MailSeries.mostPatches {
      result.series.origin?.notes.append(
        "its prerequisites have more than \(MailSeries.mostPatches) patches; it is tried without them")
      return result
    }
    if let words = found.missing.words { result.series.origin?.notes.append(words) }
    guard let first = diffs.first, !found.diffs.isEmpty else { return result }
    let place = first.removingLastComponent().appending("with-prerequisites")
    try FileManager.default.createDirectory(atPath: place.string, withIntermediateDirectories: true)
    result.series.patches = found.patches + series.patches
    result.diffs = try (found.diffs + diffs).enumerated().map { index, diff in
      let copy = place.appending(ReadSeries.diffName(index + 1))
      try FileManager.default.copyItem(atPath: diff.string, toPath: copy.string)
      return copy
    }
    return result
  }
}

extension [Prerequisite] {
  /// What a reader should know of those that were not found; `nil` for none.
  fileprivate var words: String? {
    guard let first else { return nil }
    func name(_ one: Prerequisite) -> String { "\(one.kind?.rawValue ?? "id") \(one.id)" }
    if count == 1 { return "its prerequisite was not found; it is tried without it: \(name(first))" }
    let list = prefix(3).map(name).joined(separator: ", ") + (count > 3 ? ", …" : "")
    return "\(count) of its prerequisites were not found; it is tried without them: \(list)"
  }
}
