// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import Glibc
public import SystemPackage
public import Toolbox

/// A base's tree as one series sees it: the series may change anything in it, and the base stays unchanged.
///
/// The usual method is an overlayfs over the base, mounted at the base's own path, so that everything kbuild recorded
/// stays valid. Each tool that runs there has the mount in its own mount namespace, which ends with the tool. So there
/// is nothing to unmount, even after SIGKILL.
public struct SeriesTree: Sendable {
  public let base: BaseBuild
  private let place: Place
  /// The cage of the tools that run in this tree; `nil` if they may do anything that patchbench may.
  let cage: Cage?
  /// A directory for this tree, next to it.
  let scratch: FilePath
  /// Whether it is on top of a tree with other patches.
  let isStacked: Bool

  enum Place: Sendable, Hashable {
    case overlay(Overlay)
    /// A plain copy, if no overlay is available.
    case copy(FilePath)
  }

  /// Makes a tree that lasts as long as its directory.
  /// - Parameters:
  ///   - layer: a tree with the first patches of this one; it must not change any more.
  ///   - cage: the cage for tools in this tree; `nil` only for what is trusted like patchbench itself.
  ///   - scratch: a directory of the caller's, on the same file system as the cache.
  public static func make(
    _ base: BaseBuild, over layer: SeriesTree? = nil, method: Method, cage: Cage?, scratch: FilePath
  ) async throws -> SeriesTree {
    let place: Place
    switch method {
    case .copy:
      let original = layer?.top ?? base.tree
      let copy = scratch.appending("tree")
      _ = try await Tool("cp", ["-a", "--reflink=auto", "--", original.string, copy.string]).output()
      try await rewriteCommands(in: copy, from: original)
      place = .copy(copy)
    case .overlay, .userOverlay:
      let overlay = Overlay(
        lowers: (layer?.uppers ?? []) + [base.tree], scratch: scratch, asUser: method == .userOverlay)
      try overlay.makeDirectories()
      place = .overlay(overlay)
    }
    return SeriesTree(base: base, place: place, cage: cage, scratch: scratch, isStacked: layer != nil)
  }

  var isCopy: Bool { if case .copy = place { true } else { false } }

  /// How to make more trees at no cost; `nil` if they would be copies.
  var overlayMethod: Method? {
    if case .overlay(let overlay) = place { overlay.asUser ? .userOverlay : .overlay } else { nil }
  }

  /// The changes between the base and this tree, the latest first.
  private var uppers: [FilePath] {
    if case .overlay(let overlay) = place { [overlay.upper] + overlay.lowers.dropLast() } else { [] }
  }

  /// Where everything is that this tree has and the base lacks; for a copy, this includes the base's files.
  var changedPlaces: [FilePath] {
    if case .copy(let path) = place { [path] } else { uppers }
  }

  /// Replaces the original path by the copy's own in kbuild's records. The kernel's objects are recorded with relative
  /// paths, but objtool with absolute ones: it would be rebuilt, and after it every object.
  private static func rewriteCommands(in copy: FilePath, from original: FilePath) async throws {
    let found = try await Tool(
      "grep", ["-r", "-l", "-Z", "-F", "--include=.*.cmd", "-e", original.string, "--", copy.appending("tools").string]
    ).run()
    // Status 1 means that grep found nothing.
    guard found.status == .exited(0) || found.status == .exited(1) else {
      throw StageError.fault(.build, "a copy of the base could not be read: \(found.errors.prefix(300))")
    }
    for name in found.output.split(separator: "\0") {
      let file = URL(filePath: String(name))
      let text = try String(contentsOf: file, encoding: .utf8)
      try Data(text.replacingOccurrences(of: original.string, with: copy.string).utf8).write(to: file)
    }
  }

  /// Finds the method for trees at `scratch` with tools in a cage, by trying: permissions, kernels and file
  /// systems differ.
  public static func method(scratch: FilePath, cage: Cage?) async throws -> Method {
    let lower = scratch.appending("probe")
    try FileManager.default.createDirectory(
      atPath: lower.appending("inside").string, withIntermediateDirectories: true)
    for method in [Method.overlay, .userOverlay] {
      let overlay = Overlay(
        lowers: [lower], scratch: scratch.appending("probe-\(method)"), asUser: method == .userOverlay)
      try overlay.makeDirectories()
      let test = Tool("test", ["-d", "inside"])
      if try await overlay.wrap(cage?.wrap(test, in: lower) ?? test).run().status.isSuccess { return method }
    }
    return .copy
  }

  /// The methods to make a tree, the best first.
  public enum Method: Sendable, Hashable {
    case overlay
    /// In a user namespace, which lets an ordinary user mount.
    case userOverlay
    case copy
  }

  /// How a tool may use ccache's objects, which all series and bases share.
  enum Compiled: Sendable, Hashable {
    case unseen
    /// For untrusted code, such as a series' Makefile, because it could store anything under any source's name.
    case read
    case shared
  }

  /// Returns the tool, set to run at the root of this tree.
  /// - Parameters:
  ///   - reads: files that it needs besides the tree.
  ///   - writes: directories of its own besides the tree. After untrusted code has had one, it must not be passed to
  ///     anything else, and patchbench must not write to it: it may contain symlinks.
  ///   - time: its time limit, if that is less than a build's.
  func wrap(
    _ tool: Tool, reading reads: [FilePath] = [], writing writes: [FilePath] = [], compiled: Compiled = .unseen,
    time: Duration? = nil
  ) -> Tool {
    var inside = tool
    if var cage {
      if let time { cage.limits.time = min(time, cage.limits.time) }
      var (reads, writes) = (reads, writes)
      switch compiled {
      case .unseen: break
      case .read:
        reads.append(base.kbuild.objects)
        inside.environment.merge(["CCACHE_READONLY": "1", "CCACHE_TEMPDIR": "/tmp/ccache"]) { $1 }
      case .shared: writes.append(base.kbuild.objects)
      }
      let written = writes.filter { $0 != base.kbuild.objects }
      inside = cage.wrap(inside, in: root, reading: reads, writing: writes, watched: written + [top])
    } else {
      inside.directory = root
    }
    if case .overlay(let overlay) = place { return overlay.wrap(inside) }
    return inside
  }

  /// The time limit for a build here. The cage's own limit is shorter, and exceeding that one counts as does-not-build.
  var deadline: Duration { cage.map { $0.limits.time + .seconds(60) } ?? .seconds(2 * 3600) }

  /// Returns the tool, set to run at the root of this tree, without a cage.
  public func wrapTrusted(_ tool: Tool) -> Tool {
    if case .overlay(let overlay) = place { return overlay.wrap(tool) }
    var inside = tool
    inside.directory = root
    return inside
  }

  /// The path at which tools see this tree.
  private var root: FilePath {
    switch place {
    case .copy(let path): path
    case .overlay(let overlay): overlay.lowers.last!
    }
  }

  /// Where files can be put into this tree from outside, while no tool runs in it.
  var top: FilePath {
    switch place {
    case .copy(let path): path
    case .overlay(let overlay): overlay.upper
    }
  }

  /// Returns where a file of this tree can be read from outside, while no tool runs in it.
  /// - Returns: `nil` if it is missing or is not a regular file: symlinks are not followed, because they may
  ///   lead anywhere.
  public func file(_ relative: String) -> FilePath? {
    let places: [FilePath] =
      switch place {
      case .copy(let path): [path]
      case .overlay(let overlay): [overlay.upper] + overlay.lowers
      }
    for place in places {
      switch UntrustedTree(place).kind(of: FilePath(relative)) {
      case .missing: continue
      case .file: return place.pushing(FilePath(relative))
      // This includes a whiteout of a removed file.
      case .directory, .other: return nil
      }
    }
    return nil
  }

  /// The file that is booted; `nil` if no build has produced it.
  public var image: FilePath? { file(base.profile.imagePath) }

  /// Returns the contents of a regular file of this tree; `nil` if it is missing, or larger than any source,
  /// object or list.
  func contents(_ relative: String) -> [UInt8]? {
    file(relative).flatMap { regularContents($0, most: Self.largestFile) }
  }

  /// In bytes. The largest object of a kernel with KASAN has about 5 MB.
  private static let largestFile: Int64 = 256 << 20
}

/// An overlayfs over directories, at the path of the lowest one, for one tool at a time.
struct Overlay: Sendable, Hashable {
  /// The topmost first.
  var lowers: [FilePath]
  /// Contains `overlay-upper`, the changes, and overlayfs' own `overlay-work`.
  var scratch: FilePath
  /// Whether a user namespace is needed for permission to mount.
  var asUser: Bool

  var upper: FilePath { scratch.appending("overlay-upper") }
  private var work: FilePath { scratch.appending("overlay-work") }

  func makeDirectories() throws {
    for path in [upper, work] {
      try FileManager.default.createDirectory(atPath: path.string, withIntermediateDirectories: true)
    }
  }

  func wrap(_ tool: Tool) -> Tool {
    let options =
      "lowerdir=\(lowers.map(Self.escape).joined(separator: ":")),upperdir=\(Self.escape(upper)),workdir=\(Self.escape(work))"
      + (asUser ? ",userxattr" : "")
    // The script is fixed; every path and word is passed as a separate argument.
    let script = """
      mount -t overlay -o "$1" patchbench "$2" && cd "$2" && shift 2 && exec "$@"
      """
    return tool.started(
      by: "unshare",
      ["--mount", "--propagation", "private"] + (asUser ? ["--user", "--map-root-user"] : [])
        + ["--", "/bin/sh", "-c", script, "sh", options, lowers.last!.string])
  }

  /// mount(8) splits options at commas, and overlayfs splits directories at colons.
  private static func escape(_ path: FilePath) -> String {
    path.string.map { ",:\\".contains($0) ? "\\\($0)" : "\($0)" }.joined()
  }
}
