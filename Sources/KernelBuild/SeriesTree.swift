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
  ///   - scratch: a directory of the caller's on the same file system as the cache.
  public static func make(
    _ base: BaseBuild, over layer: SeriesTree? = nil, method: Method, scratch: FilePath
  ) async throws -> SeriesTree {
    let place: Place
    switch method {
    case .copy:
      let original = layer?.file("") ?? base.tree
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
    return SeriesTree(base: base, place: place, scratch: scratch, isStacked: layer != nil)
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

  /// How trees can be had where `scratch` is. Told by doing it: rights, kernels and file systems differ.
  public static func method(scratch: FilePath) async throws -> Method {
    let lower = scratch.appending("probe")
    try FileManager.default.createDirectory(
      atPath: lower.appending("inside").string, withIntermediateDirectories: true)
    for method in [Method.overlay, .userOverlay] {
      let overlay = Overlay(
        lowers: [lower], scratch: scratch.appending("probe-\(method)"), asUser: method == .userOverlay)
      try overlay.makeDirectories()
      if try await overlay.wrap(Tool("test", ["-d", "inside"])).run().status.isSuccess { return method }
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

  /// The tool, made to run at the root of this tree.
  public func wrap(_ tool: Tool) -> Tool {
    switch place {
    case .copy(let path):
      var inside = tool
      inside.directory = path
      return inside
    case .overlay(let overlay): return overlay.wrap(tool)
    }
  }

  /// Where files can be put into this tree from outside, while no tool runs in it.
  var top: FilePath {
    switch place {
    case .copy(let path): path
    case .overlay(let overlay): overlay.upper
    }
  }

  /// Where a file of this tree can be read from outside.
  public func file(_ relative: String) -> FilePath {
    switch place {
    case .copy(let path): return path.pushing(FilePath(relative))
    case .overlay(let overlay):
      // A file that was removed has a stand-in in the upper directory, which is then what the caller finds.
      let candidates = ([overlay.upper] + overlay.lowers).map { $0.pushing(FilePath(relative)) }
      var status = stat()
      return candidates.first { lstat($0.string, &status) == 0 } ?? candidates.last!
    }
  }

  /// The file that is booted.
  public var image: FilePath { file(base.profile.image.path) }
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
    return Tool(
      "unshare",
      ["--mount", "--propagation", "private"] + (asUser ? ["--user", "--map-root-user"] : [])
        + ["--", "/bin/sh", "-c", script, "sh", options, lowers.last!.string, tool.executable] + tool.arguments,
      environment: tool.environment)
  }

  /// mount(8) takes commas between options and overlayfs colons between directories.
  private static func escape(_ path: FilePath) -> String {
    path.string.map { ",:\\".contains($0) ? "\\\($0)" : "\($0)" }.joined()
  }
}
