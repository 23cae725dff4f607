// SPDX-License-Identifier: Apache-2.0

import Foundation
package import SystemPackage
package import Toolbox

/// A git repository of the user's: a work tree, a linked work tree, or a bare one. It is only read.
package struct GitRepository: Sendable, Hashable {
  /// As the user wrote it.
  package var path: FilePath
  /// The directory with `HEAD`.
  private let directory: FilePath
  /// Everything that git reads: also the repository of a linked work tree, and object stores that are shared.
  private let parts: [FilePath]

  /// - Returns: `nil` if there is no repository at the path.
  package init?(_ path: FilePath) {
    self.path = path
    let place = path.absolute.lexicallyNormalized()
    let inner = place.appending(".git")
    if let link = Self.text(inner), link.hasPrefix("gitdir: ") {
      directory = place.pushing(FilePath(String(link.dropFirst(8)))).lexicallyNormalized()
    } else {
      directory = SeriesArgument(inner.string).isDirectory ? inner : place
    }
    guard Self.text(directory.appending("HEAD")) != nil else { return nil }
    let common = Self.text(directory.appending("commondir")) ?? ""
    let main = directory.pushing(FilePath(common)).lexicallyNormalized()
    guard SeriesArgument(main.appending("objects").string).isDirectory else { return nil }
    var parts = [directory, main]
    // Stores may themselves share others, but no chain is this long.
    var stores = [main.appending("objects")]
    for index in 0..<10 where index < stores.count {
      let list = Self.text(stores[index].pushing("info/alternates")) ?? ""
      for line in list.split(separator: "\n") {
        let store = stores[index].pushing(FilePath(String(line))).lexicallyNormalized()
        if !stores.contains(store) { stores.append(store) }
      }
    }
    parts += stores.dropFirst().filter { SeriesArgument($0.string).isDirectory }
    self.parts = parts
  }

  /// Returns the first lines of a small file.
  private static func text(_ file: FilePath) -> String? {
    guard SeriesArgument(file.string).isFile,
      let data = try? FileHandle(forReadingFrom: URL(filePath: file.string)).read(upToCount: 1 << 16)
    else { return nil }
    return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// The store that another repository can share.
  package var objects: FilePath { main.appending("objects") }

  /// The file that says where a shallow clone's history ends. Most repositories have none.
  package var shallow: FilePath { main.appending("shallow") }

  /// The directory with what all work trees of the repository share.
  private var main: FilePath { parts.count > 1 ? parts[1] : directory }

  /// Returns git on this repository, in the cage: its objects are a stranger's.
  /// - Parameters:
  ///   - place: the working directory, writable.
  ///   - reads: further readable files.
  package func git(_ arguments: [String], in place: FilePath, reading reads: [FilePath] = [], _ cage: Cage?) -> Tool {
    tool("git", arguments, in: place, reading: reads, cage)
  }

  /// Returns a tool that starts git on this repository.
  func tool(
    _ name: String, _ arguments: [String], in place: FilePath, reading reads: [FilePath] = [], _ cage: Cage?
  ) -> Tool {
    var git = Git.tool([], in: place)
    git.executable = name
    git.arguments = arguments
    git.environment["GIT_DIR"] = directory.string
    // In a cage of root's, the owner of the repository may be anyone. What it configures to be run is not run, even
    // without a cage.
    let settings = [("safe.directory", "*"), ("core.fsmonitor", "false"), ("core.hooksPath", "/dev/null")]
    git.environment["GIT_CONFIG_COUNT"] = "\(settings.count)"
    for (index, (key, value)) in settings.enumerated() {
      git.environment["GIT_CONFIG_KEY_\(index)"] = key
      git.environment["GIT_CONFIG_VALUE_\(index)"] = value
    }
    // A partial clone would fetch what it lacks.
    git.environment["GIT_NO_LAZY_FETCH"] = "1"
    // What is inside the working directory stays writable.
    return cage?.wrap(git, in: place, reading: parts.filter { !$0.starts(with: place) } + reads) ?? git
  }

  /// Writes objects to files with their names. Whatever the encoding of a mail, it stays as it is.
  /// - Returns: the files; `nil` if git cannot read one.
  func write(_ blobs: [String], in place: FilePath, _ cage: Cage?) async throws -> [FilePath]? {
    // A fixed text; its arguments are object names.
    let script = "for blob do git cat-file blob \"$blob\" >\"$blob\" || exit; done"
    let answer = try await tool("sh", ["-c", script, "sh"] + blobs, in: place, cage).run()
    return answer.status.isSuccess ? blobs.map { place.appending($0) } : nil
  }

  /// Returns what git prints, or `nil` if it fails.
  package func ask(_ arguments: [String], in place: FilePath, _ cage: Cage?) async throws -> String? {
    let answer = try await git(arguments, in: place, cage).run()
    return answer.status.isSuccess ? answer.output.trimmingCharacters(in: .whitespacesAndNewlines) : nil
  }
}
