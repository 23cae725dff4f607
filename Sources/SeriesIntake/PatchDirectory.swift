// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage

/// A directory whose files are the mails of one series, or a directory of such directories.
struct PatchDirectory: SeriesForm {
  let words = "a directory of `git format-patch` files, or one that contains several of them"

  func find(at path: FilePath) throws(IntakeError) -> [any SeriesSource]? {
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path.string, isDirectory: &isDirectory), isDirectory.boolValue else {
      return nil
    }
    let entries = try Entries(path)
    if !entries.files.isEmpty {
      for name in entries.directories where try !Entries(path.appending(name)).files.isEmpty {
        throw .mixed(path.string)
      }
      return [try series(path, entries)]
    }
    var found: [any SeriesSource] = []
    for name in entries.directories {
      let inner = try Entries(path.appending(name))
      if inner.files.isEmpty { throw .empty(path.appending(name).string) }
      found.append(try series(path.appending(name), inner))
    }
    if found.isEmpty { throw .empty(path.string) }
    return found
  }

  private func series(_ directory: FilePath, _ entries: Entries) throws(IntakeError) -> MailSeries {
    // Reports have no use for `series/.` or for a link's name.
    let resolved = URL(filePath: directory.string).resolvingSymlinksInPath().path
    let name = try SeriesForms.checked(FilePath(resolved).lastComponent?.string ?? "", of: directory)
    return MailSeries(name: name, path: directory, directory: directory, files: entries.files)
  }
}

/// The entries of a directory, sorted by name. Hidden files and notes (`README*`, `*.md`) are skipped.
private struct Entries {
  var files: [String] = []
  var directories: [String] = []

  init(_ path: FilePath) throws(IntakeError) {
    let manager = FileManager.default
    var isDirectory: ObjCBool = false
    guard manager.fileExists(atPath: path.string, isDirectory: &isDirectory), isDirectory.boolValue else {
      throw .noSuchPath(path.string)
    }
    let names: [String]
    do { names = try manager.contentsOfDirectory(atPath: path.string) } catch {
      throw .unreadable(path.string, reason: error.localizedDescription)
    }
    for name in names.sorted() where !name.hasPrefix(".") && !name.hasPrefix("README") && !name.hasSuffix(".md") {
      guard manager.fileExists(atPath: path.appending(name).string, isDirectory: &isDirectory) else {
        throw .unreadable(path.appending(name).string, reason: "it is a dangling link")
      }
      if isDirectory.boolValue { directories.append(name) } else { files.append(name) }
    }
  }
}
