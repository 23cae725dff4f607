import Foundation
public import SystemPackage
import Toolbox

/// The guest's file system: the guest binary as /init and empty directories to mount on.
public enum Initramfs {
  /// Writes an uncompressed newc archive: unpacking is the guest's work, and the guest is the slower one.
  /// - Parameters:
  ///   - binary: the static guest binary.
  ///   - file: where the archive goes.
  ///   - scratch: a directory of the caller's.
  public static func write(binary: FilePath, to file: FilePath, scratch: FilePath) async throws {
    let root = scratch.appending("initramfs")
    let manager = FileManager.default
    let directories = ["dev", "proc", "sys", "tmp"]
    for name in directories {
      try manager.createDirectory(atPath: root.appending(name).string, withIntermediateDirectories: true)
    }
    let initPath = root.appending("init").string
    if manager.fileExists(atPath: initPath) { try manager.removeItem(atPath: initPath) }
    _ = try await Tool("strip", ["-s", "-o", initPath, binary.string]).output()
    let names = (directories + ["init"]).joined(separator: "\n") + "\n"
    let result = try await Tool(
      "cpio", ["--create", "--format=newc", "--reproducible", "--owner=0:0", "--quiet", "-F", file.string], in: root
    ).run(input: Array(names.utf8))
    guard result.status.isSuccess else {
      throw ToolError.failed("cpio", status: result.status, output: result.errors)
    }
  }
}
