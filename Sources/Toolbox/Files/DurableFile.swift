// SPDX-License-Identifier: Apache-2.0

import CProcess
import Glibc
public import SystemPackage

/// Writes files that survive a power cut: completely, or not at all.
public enum DurableFile {
  /// Writes a temporary file next to the file, syncs it, renames it over the file, and syncs the directory.
  /// - Throws: `Errno`
  public static func write(_ bytes: some Sequence<UInt8>, to path: FilePath) throws {
    let partial = FilePath(path.string + ".partial")
    let file = try FileDescriptor.open(
      partial, .writeOnly, options: [.create, .truncate, .closeOnExec],
      permissions: [.ownerReadWrite, .groupRead, .otherRead])
    try file.closeAfter {
      try file.writeAll(bytes)
      try file.sync()
    }
    guard rename(partial.string, path.string) == 0 else { throw Errno(rawValue: errno) }
    try sync(path.removingLastComponent())
  }

  /// Syncs a file, or the names in a directory, to the disk.
  /// - Throws: `Errno`
  public static func sync(_ path: FilePath) throws {
    let place = path.isEmpty ? FilePath(".") : path
    let file = try FileDescriptor.open(place, .readOnly, options: .closeOnExec)
    try file.closeAfter { try file.sync() }
  }

  /// Syncs everything written so far to the file system of a path: for trees of thousands of files. It blocks until
  /// that is done.
  /// - Throws: `Errno`
  public static func syncFileSystem(of path: FilePath) async throws {
    try await Blocking.run {
      Result {
        let file = try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
        try file.closeAfter { if cprocess_sync_file_system(file.rawValue) != 0 { throw Errno(rawValue: errno) } }
      }
    }.get()
  }
}

extension FileDescriptor {
  /// fsync(2). Its error is the only report of data that was lost on the way to the disk.
  public func sync() throws(Errno) {
    while fsync(rawValue) != 0 {
      let failure = Errno(rawValue: errno)
      if failure != .interrupted { throw failure }
    }
  }
}
