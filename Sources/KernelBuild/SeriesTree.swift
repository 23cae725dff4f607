import BenchModel
import Foundation
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

  enum Place: Sendable, Hashable {
    case overlay(Overlay)
    /// A plain copy, where no overlay can be had.
    case copy(FilePath)
  }

  /// Gives `body` a tree that is removed afterwards.
  /// - Parameter scratch: a directory of the caller's on the same file system as the cache.
  public static func with<Result>(
    _ base: BaseBuild, scratch: FilePath, _ body: (SeriesTree) async throws -> Result
  ) async throws -> Result {
    switch try await method(scratch: scratch) {
    case .copy:
      let copy = scratch.appending("tree")
      _ = try await Tool("cp", ["-a", "--reflink=auto", "--", base.tree.string, copy.string]).output()
      try await rewriteCommands(in: copy, from: base.tree)
      return try await body(SeriesTree(base: base, place: .copy(copy)))
    case let overlay:
      let place = Overlay(lower: base.tree, scratch: scratch, asUser: overlay == .userOverlay)
      try place.makeDirectories()
      return try await body(SeriesTree(base: base, place: .overlay(place)))
    }
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
        lower: lower, scratch: scratch.appending("probe-\(method)"), asUser: method == .userOverlay)
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

  /// Where a file of this tree can be read from outside.
  public func file(_ relative: String) -> FilePath {
    switch place {
    case .copy(let path): return path.pushing(FilePath(relative))
    case .overlay(let overlay):
      let own = overlay.upper.pushing(FilePath(relative))
      return FileManager.default.fileExists(atPath: own.string) ? own : base.tree.pushing(FilePath(relative))
    }
  }

  /// The file that is booted.
  public var image: FilePath { file(base.profile.image.path) }
}

/// An overlayfs over a directory, at the directory's own path, for one tool at a time.
struct Overlay: Sendable, Hashable {
  var lower: FilePath
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
      "lowerdir=\(Self.escape(lower)),upperdir=\(Self.escape(upper)),workdir=\(Self.escape(work))"
      + (asUser ? ",userxattr" : "")
    // The script is fixed; every path and word reaches it as an argument of its own.
    let script = """
      mount -t overlay -o "$1" patchbench "$2" && cd "$2" && shift 2 && exec "$@"
      """
    return Tool(
      "unshare",
      ["--mount", "--propagation", "private"] + (asUser ? ["--user", "--map-root-user"] : [])
        + ["--", "/bin/sh", "-c", script, "sh", options, lower.string, tool.executable] + tool.arguments,
      environment: tool.environment)
  }

  /// mount(8) takes commas between options and overlayfs colons between directories.
  private static func escape(_ path: FilePath) -> String {
    path.string.map { ",:\\".contains($0) ? "\\\($0)" : "\($0)" }.joined()
  }
}
