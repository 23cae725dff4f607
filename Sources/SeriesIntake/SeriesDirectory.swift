// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
public import SystemPackage

/// A directory that contains one series, and the files in it that are mails.
public struct SeriesDirectory: Sendable, Hashable {
  /// The directory's own name, which is the series' name.
  public var name: String
  public var directory: FilePath
  /// The mails' file names, in the order they apply.
  public var files: [String]
}

/// Input that contains no readable series. User error; exit status 2.
public enum IntakeError: Error, Sendable, Hashable {
  case noSuchDirectory(String)
  /// The directory contains neither patches nor directories with patches.
  case empty(String)
  /// The directory contains both patches and series, so it is not clear which is meant.
  case mixed(String)
  case badName(String)
  case twice(String, String, String)
  /// A file in a series' directory in which git finds no patch.
  case noPatch(file: String, reason: String)
  /// More than a series may have; it is not read.
  case tooMuch(String, String)
  case leavesTree(file: String, path: String)
  case unreadable(String, reason: String)
}

extension IntakeError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .noSuchDirectory(let path):
      "\(path): no such directory. Name a directory of `git format-patch` files, or one that contains several of them."
    case .empty(let path):
      "\(path): no patches in it. Create some with `git format-patch --cover-letter -o \(path) BASE..BRANCH`."
    case .mixed(let path):
      "\(path): patches and directories of patches side by side. Move the patches into their own directory."
    case .badName(let name):
      "\(name): a series' directory needs a name of letters, digits and . _ + - that is not “base”. Rename it."
    case .twice(let name, let first, let second):
      "\(name): two series have this name: \(first) and \(second). Rename one, because reports identify series by name."
    case .noPatch(let file, let reason):
      "\(file): \(reason). Remove it, or recreate it with `git format-patch`."
    case .tooMuch(let file, let amount):
      "\(file): \(amount), which is too much for a series. Name a directory with the patches of one series."
    case .leavesTree(let file, let path):
      "\(file): it changes \(path), which is outside the kernel's tree. Such a patch is not applied."
    case .unreadable(let path, let reason):
      "\(path): cannot be read: \(reason)."
    }
  }
}

extension SeriesDirectory {
  /// Finds the series that the user's arguments name. Each path is one series, or a directory of several.
  public static func find(_ paths: [String]) throws(IntakeError) -> [SeriesDirectory] {
    var found: [SeriesDirectory] = []
    for path in paths {
      let root = FilePath(path)
      let entries = try Entries(root)
      if !entries.files.isEmpty {
        for name in entries.directories where try !Entries(root.appending(name)).files.isEmpty { throw .mixed(path) }
        found.append(try SeriesDirectory(root, entries))
      } else {
        var any = false
        for name in entries.directories {
          let inner = try Entries(root.appending(name))
          if inner.files.isEmpty { throw .empty(root.appending(name).string) }
          found.append(try SeriesDirectory(root.appending(name), inner))
          any = true
        }
        if !any { throw .empty(path) }
      }
    }
    var seen: [String: String] = [:]
    for series in found {
      if let first = seen[series.name] { throw .twice(series.name, first, series.directory.string) }
      seen[series.name] = series.directory.string
    }
    return found
  }

  private init(_ directory: FilePath, _ entries: Entries) throws(IntakeError) {
    // `series/.` or the name of a symbolic link is of no use in a report.
    let resolved = URL(filePath: directory.string).resolvingSymlinksInPath().path
    name = FilePath(resolved).lastComponent?.string ?? ""
    let allowed = name.utf8.allSatisfy { byte in
      (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
        || [0x2e, 0x5f, 0x2b, 0x2d].contains(byte)
    }
    guard allowed, !name.isEmpty, !name.hasPrefix("."), !name.hasPrefix("-"), name != "base" else {
      throw .badName(directory.string)
    }
    self.directory = directory
    files = entries.files
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
      throw .noSuchDirectory(path.string)
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
