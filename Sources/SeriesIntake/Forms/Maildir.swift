// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage

/// A mail folder with one file for each mail, in `new` and `cur`.
struct Maildir: SeriesForm {
  let words: String? = "a maildir"

  func find(_ argument: SeriesArgument) throws(IntakeError) -> [any SeriesSource]? {
    guard argument.isDirectory else { return nil }
    let entries = try DirectoryEntries(argument.path)
    let parts = Set(entries.directories)
    // Mail servers keep files of their own next to all three. A folder that was copied may have only one of them.
    let isWhole = parts.isSuperset(of: ["cur", "new", "tmp"])
    let isPart =
      entries.files.isEmpty && !parts.isDisjoint(with: ["cur", "new"]) && parts.isSubset(of: ["cur", "new", "tmp"])
    guard isWhole || isPart else { return nil }
    var names: [(name: String, path: FilePath)] = []
    for part in ["cur", "new"] where parts.contains(part) {
      let directory = argument.path.appending(part)
      names += try DirectoryEntries(directory).files.filter { !Self.isTrashed($0) }.map {
        ($0, directory.appending($0))
      }
    }
    if names.isEmpty { throw .empty(argument.text) }
    // The names begin with the time of arrival.
    let files = names.sorted { $0.name.precedes($1.name) }.map { MailFile($0.path) }
    return [
      MailSeries(name: SeriesName.safe(argument.lastName), path: argument.path, files: files, isMailbox: true)
    ]
  }

  /// Whether the user threw the mail away: its name ends with flags, as in `1793700000.M1P2.host:2,ST`.
  private static func isTrashed(_ name: String) -> Bool {
    name.range(of: ":2,", options: .backwards).map { name[$0.upperBound...].contains("T") } ?? false
  }
}
