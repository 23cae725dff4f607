// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import Glibc
public import SystemPackage
public import Toolbox

/// A base's tree as one series sees it: the series may change anything in it, and the base stays as it is.
///
/// The usual way is an overlayfs over the base, mounted at the base's own path, so that nothing that kbuild recorded
/// looks different. The mount lives in a mount namespace of each tool that runs there, and is gone when the tool is:
/// there is nothing to unmount, also after SIGKILL.
public struct SeriesTree: Sendable {
  public let base: BaseBuild
  private let place: Place
  /// Where the tools work that run in this tree; `nil` where they may do whatever patchbench may.
  private let cage: Cage?
  /// A directory of this tree's own, beside it.
  let scratch: FilePath
  /// Whether it stands on the tree of other patches.
  let isStacked: Bool

  enum Place: Sendable, Hashable {
    case overlay(Overlay)
    /// A plain copy, where no overlay can be had.
    case copy(FilePath)
  }

  /// Makes a tree that lasts as long as its directory.
  /// - Parameters:
  ///   - layer: a tree with patches that this one is to begin with; it must not change any more.
  ///   - cage: where tools work in this tree; `nil` only for what is trusted like patchbench itself.
  ///   - scratch: a directory of the caller's on the same file system as the cache.
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

  /// How more trees can be had that cost nothing; `nil` where they would be copies.
  var overlayMethod: Method? {
    if case .overlay(let overlay) = place { overlay.asUser ? .userOverlay : .overlay } else { nil }
  }

  /// What was changed on the way from the base to this tree, the latest first.
  private var uppers: [FilePath] {
    if case .overlay(let overlay) = place { [overlay.upper] + overlay.lowers.dropLast() } else { [] }
  }

  /// Where all lies that this tree has and the base has not, and other things besides where the tree is a copy.
  var changedPlaces: [FilePath] {
    if case .copy(let path) = place { [path] } else { uppers }
  }

  /// Makes what kbuild recorded in a copy say the copy's own path. The kernel's objects are recorded with relative
  /// paths, but objtool with absolute ones: it would be built anew, and after it every object.
  private static func rewriteCommands(in copy: FilePath, from original: FilePath) async throws {
    let found = try await Tool(
      "grep", ["-r", "-l", "-Z", "-F", "--include=.*.cmd", "-e", original.string, "--", copy.appending("tools").string]
    ).run()
    // 1 is grep's word for having found nothing.
    guard found.status == .exited(0) || found.status == .exited(1) else {
      throw StageError.fault(.build, "a copy of the base could not be read: \(found.errors.prefix(300))")
    }
    for name in found.output.split(separator: "\0") {
      let file = URL(filePath: String(name))
      let text = try String(contentsOf: file, encoding: .utf8)
      try Data(text.replacingOccurrences(of: original.string, with: copy.string).utf8).write(to: file)
    }
  }

  /// How trees can be had where `scratch` is, with tools that work in a cage. Told by doing it: rights, kernels and file
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

  /// The ways to have a tree, the best first.
  public enum Method: Sendable, Hashable {
    case overlay
    /// In a user namespace, which gives an ordinary user the right to mount.
    case userOverlay
    case copy
  }

  /// What a tool may do with ccache's objects, which all series and bases share.
  enum Compiled: Sendable, Hashable {
    case unseen
    /// What runs a stranger's code, a Makefile of theirs for one, could put anything there under any source's name.
    case read
    case shared
  }

  /// The tool, made to run at the root of this tree.
  /// - Parameters:
  ///   - reads: files that it needs beside the tree.
  ///   - writes: directories of its own beside the tree. Nothing that a stranger's code has had may be given to
  ///     anybody else, or be written to by patchbench: it may hold links.
  ///   - time: the longest it may run, where that is less than what a build may take.
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

  /// How long a build here is waited for. A cage ends it before that, and then it is the series that does not build.
  var deadline: Duration { cage.map { $0.limits.time + .seconds(60) } ?? .seconds(2 * 3600) }

  /// The tool, made to run at the root of this tree, without a cage.
  public func wrapTrusted(_ tool: Tool) -> Tool {
    if case .overlay(let overlay) = place { return overlay.wrap(tool) }
    var inside = tool
    inside.directory = root
    return inside
  }

  /// Where tools find it.
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

  /// Where a file of this tree can be read from outside, while no tool runs in it.
  /// - Returns: `nil` if there is none, or something else than a plain file: links are not followed, since they may lead
  ///   anywhere.
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
      // Also what stands for a file that was removed.
      case .directory, .other: return nil
      }
    }
    return nil
  }

  /// The file that is booted; `nil` if no build has left one.
  public var image: FilePath? { file(base.profile.image.path) }

  /// What a plain file of this tree holds; `nil` if there is none, or one that no source, object or list is as large as.
  func contents(_ relative: String) -> [UInt8]? {
    file(relative).flatMap { regularContents($0, most: Self.largestFile) }
  }

  /// In bytes. The largest object of a kernel with KASAN has some five.
  private static let largestFile: Int64 = 256 << 20
}

/// An overlayfs over directories, at the path of the lowest one, for one tool at a time.
struct Overlay: Sendable, Hashable {
  /// The topmost first.
  var lowers: [FilePath]
  /// Holds `overlay-upper`, what was changed, and overlayfs' own `overlay-work`.
  var scratch: FilePath
  /// Needs a user namespace for the right to mount.
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
    // The script is fixed; every path and word reaches it as an argument of its own.
    let script = """
      mount -t overlay -o "$1" patchbench "$2" && cd "$2" && shift 2 && exec "$@"
      """
    return tool.started(
      by: "unshare",
      ["--mount", "--propagation", "private"] + (asUser ? ["--user", "--map-root-user"] : [])
        + ["--", "/bin/sh", "-c", script, "sh", options, lowers.last!.string])
  }

  /// mount(8) takes commas between options and overlayfs colons between directories.
  private static func escape(_ path: FilePath) -> String {
    path.string.map { ",:\\".contains($0) ? "\\\($0)" : "\($0)" }.joined()
  }
}
