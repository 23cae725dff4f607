// SPDX-License-Identifier: Apache-2.0

public import BenchModel
import Foundation
import KernelCode
import KernelText
public import SystemPackage
public import Toolbox

/// A kernel whose source is unpacked in the cache, as the tree of a built base.
public struct UnpackedKernel: Sendable {
  public var name: String
  var tree: FilePath
  /// Prevents its removal while it is in use.
  private var held: any Sendable

  private init(name: String, tree: FilePath, held: any Sendable) {
    self.name = name
    self.tree = tree
    self.held = held
  }

  /// The tree of one base.
  public init(_ base: BaseBuild, name: String) { self.init(name: name, tree: base.tree, held: base) }

  /// Finds the kernels that are defined in a directory and are unpacked, the newest first.
  /// - Parameter base: left out, because it is already known whether the series applies to it.
  public static func all(
    definedIn directory: FilePath, cache: Cache, besides base: BaseBuild? = nil
  ) -> [UnpackedKernel] {
    let places = (try? FileManager.default.contentsOfDirectory(atPath: cache.bases.string)) ?? []
    let own = base?.tree.removingLastComponent().lastComponent?.string ?? ""
    var found: [UnpackedKernel] = []
    for name in KernelDefinition.newestFirst(in: directory) where !isPlace(own, of: name) {
      for place in places.sorted() where isPlace(place, of: name) {
        let home = cache.bases.appending(place)
        guard FileManager.default.fileExists(atPath: home.appending("built").string),
          let lock = try? FileLock.attempt(FilePath(home.string + ".lock"), .shared)
        else { continue }
        found.append(UnpackedKernel(name: name, tree: home.appending("tree"), held: lock))
        break
      }
    }
    return found
  }

  /// Whether a directory of the cache is a base of a kernel: `linux-6.1-kasan-0123456789ab`. The kernel's name and the
  /// profile's may have hyphens, so `linux-6.1` is not taken for a base of `linux`.
  private static func isPlace(_ place: String, of name: String) -> Bool {
    guard place.hasPrefix(name + "-"), !place.hasSuffix(".lock") else { return false }
    let rest = place.dropFirst(name.count + 1)
    return rest.first?.isNumber == false
  }

  /// Whether a series applies here, completely. If git takes too long to tell, it does not.
  /// - Parameter diffs: one per patch, absolute paths.
  public func applies(_ diffs: [FilePath], cage: Cage?) async throws -> Bool {
    do { return try await takes(diffs, cage: cage) } catch is TooSlow { return false }
  }

  /// Whether a series applies here, completely.
  /// - Throws: ``TooSlow``
  func takes(_ diffs: [FilePath], cage: Cage?) async throws -> Bool {
    guard let text = Self.whole(diffs) else { return false }
    return try await check([], text, cage).status.isSuccess
  }

  /// Returns why a series does not apply here.
  /// - Returns: `nil` if it applies, completely.
  public func refusal(of diffs: [FilePath], cage: Cage?) async throws -> ApplyRefusal? {
    guard let text = Self.whole(diffs) else { return .other }
    do {
      let answer = try await check([], text, cage)
      if answer.status.isSuccess { return nil }
      if try await check(["--reverse"], text, cage).status.isSuccess { return .contained }
      return GitApply.refusal(in: answer.errors.utf8, patch: text).map { GitApply.kind(of: $0.message) } ?? .other
    } catch is TooSlow { return .slow }
  }

  /// Returns all patches as one, because later patches may need what the earlier ones do.
  private static func whole(_ diffs: [FilePath]) -> [UInt8]? {
    var text: [UInt8] = []
    for diff in diffs {
      guard let part = regularContents(diff) else { return nil }
      text += part + [0x0a]
    }
    return text
  }

  private func check(_ options: [String], _ text: [UInt8], _ cage: Cage?) async throws -> ToolResult {
    let git = Git.tool(["apply", "--check"] + options + ["--whitespace=nowarn", "-"], in: tree)
    let tool = cage?.patient().wrap(git, in: tree, writable: false) ?? git
    guard case .result(let answer) = try await ApplyOutcome(of: tool, input: text) else { throw TooSlow() }
    return answer
  }

  /// Whether it has these versions of files.
  /// - Parameter blobs: by path, the abbreviated id.
  func has(_ blobs: [String: String], cage: Cage?) async throws -> Bool {
    guard let own = try await ids(of: blobs.keys.sorted(), cage: cage) else { return false }
    return blobs.allSatisfy { own[$0]?.hasPrefix($1) == true }
  }

  /// How many files of each series are the ones that it was made from.
  /// - Parameter series: the diffs of each series, as absolute paths.
  public func fits(_ series: [[FilePath]], cage: Cage?) async throws -> [BaseFit] {
    let blobs = series.map { diffs in
      IndexLines.origins(in: diffs.compactMap { regularContents($0, most: longestText) })
    }
    let paths = Set(blobs.flatMap(\.keys)).sorted()
    guard let own = paths.isEmpty ? [:] : try await ids(of: paths, cage: cage) else {
      return series.map { _ in BaseFit(exact: 0, told: 0) }
    }
    return blobs.map { blobs in
      BaseFit(exact: blobs.count { own[$0]?.hasPrefix($1) == true }, told: blobs.count)
    }
  }

  /// Returns the blobs' ids of files, by path. Paths that are not files here are left out.
  /// - Returns: `nil` if git cannot tell.
  private func ids(of paths: [String], cage: Cage?) async throws -> [String: String]? {
    // Paths are a stranger's words, and git reads one per line.
    let paths = paths.filter { path in
      !path.hasPrefix("\"") && !path.utf8.contains(0x0a) && UntrustedTree(tree).isFile(path)
    }
    let git = Git.tool(["hash-object", "--no-filters", "--stdin-paths"], in: tree)
    let tool = cage?.patient().wrap(git, in: tree, writable: false) ?? git
    let outcome = try await ApplyOutcome(of: tool, input: Array(paths.map { $0 + "\n" }.joined().utf8))
    guard case .result(let answer) = outcome, answer.status.isSuccess else { return nil }
    let ids = answer.output.split(separator: "\n").map(String.init)
    return ids.count == paths.count ? Dictionary(uniqueKeysWithValues: zip(paths, ids)) : nil
  }
}

extension KernelDefinition {
  /// The names of all kernels under `directory`, the newest first, without their aliases.
  public static func newestFirst(in directory: FilePath) -> [String] {
    names(in: directory).filter { name in
      (try? FileManager.default.destinationOfSymbolicLink(atPath: directory.appending(name).string)) == nil
    }
    .sorted { $0.compare($1, options: .numeric) == .orderedDescending }
  }
}

extension UntrustedTree {
  func isFile(_ path: String) -> Bool {
    if case .file = kind(of: FilePath(path)) { true } else { false }
  }
}

extension Cage {
  /// For one tool. Real patches take a fraction of a second; for one that is made to be slow, all of this would take
  /// many times what applying it took.
  static let patience = Duration.seconds(10)

  /// Returns the cage with a shorter time limit.
  func patient() -> Cage {
    var other = self
    other.limits.time = min(Self.patience, limits.time)
    return other
  }
}
