// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage

/// A directory whose files are the mails of one series, or a directory of series.
struct PatchDirectory: SeriesForm {
  let words: String? = "a directory of patches"

  func find(_ argument: SeriesArgument) throws(IntakeError) -> [any SeriesSource]? {
    guard argument.isDirectory else { return nil }
    let entries = try DirectoryEntries(argument.path)
    if !entries.files.isEmpty {
      for name in entries.directories where try !DirectoryEntries(argument.path.appending(name)).files.isEmpty {
        throw .mixed(argument.text)
      }
      return [series(argument, entries)]
    }
    var found: [any SeriesSource] = []
    for name in entries.directories {
      let own = SeriesArgument(argument.path.appending(name).string)
      found += try entries.directories.count > 1 ? UnreadSeries.instead(of: own, inner) ?? [] : inner(own)
    }
    if found.isEmpty { throw .empty(argument.text) }
    return found
  }

  /// Returns the series in a directory inside the one that was named. Only that one may contain several.
  private func inner(_ argument: SeriesArgument) throws(IntakeError) -> [any SeriesSource] {
    for form in Self.singles {
      if let found = try form.find(argument) { return found }
    }
    let entries = try DirectoryEntries(argument.path)
    if entries.files.isEmpty { throw .empty(argument.text) }
    return [series(argument, entries)]
  }

  /// Other directories that are one series.
  private static let singles: [any SeriesForm] = [QuiltDirectory(), Maildir()]

  private func series(_ argument: SeriesArgument, _ entries: DirectoryEntries) -> MailSeries {
    MailSeries(
      name: SeriesName.safe(argument.lastName), path: argument.path,
      files: entries.files.map { MailFile(argument.path.appending($0)) }, notes: entries.notes)
  }
}

/// The entries of a directory, sorted by name. Hidden files and notes (`README*`, `*.md`) are skipped.
struct DirectoryEntries {
  var files: [String] = []
  var directories: [String] = []
  /// What was passed over and looks like a patch.
  var notes: [String] = []

  init(_ path: FilePath) throws(IntakeError) {
    let manager = FileManager.default
    let names: [String]
    do { names = try manager.contentsOfDirectory(atPath: path.string) } catch {
      throw .unreadable(path.string, reason: error.localizedDescription)
    }
    for name in names.sorted(by: { $0.precedes($1) })
    where !name.hasPrefix(".") && !name.hasPrefix("README") && !name.hasSuffix(".md") {
      if Self.isBackup(name) {
        notes.append("passed over: \(name), which an editor or patch left behind")
        continue
      }
      var isDirectory: ObjCBool = false
      guard manager.fileExists(atPath: path.appending(name).string, isDirectory: &isDirectory) else {
        throw .unreadable(path.appending(name).string, reason: "it leads nowhere")
      }
      if isDirectory.boolValue { directories.append(name) } else { files.append(name) }
    }
  }

  private static func isBackup(_ name: String) -> Bool {
    if name.hasPrefix("#"), name.hasSuffix("#") { return true }
    return ["~", ".orig", ".rej", ".swp", ".swo", ".bak"].contains { name.hasSuffix($0) }
  }
}
