// SPDX-License-Identifier: Apache-2.0

import CProcess
import Glibc
public import SystemPackage

/// Files that are there after a power cut: whole, or not at all.
public enum DurableFile {
  /// Writes beside the file, has that on the disk, moves it to its place, and has the place on the disk.
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

  /// Has a file, or the names in a directory, on the disk.
  /// - Throws: `Errno`
  public static func sync(_ path: FilePath) throws {
    let place = path.isEmpty ? FilePath(".") : path
    let file = try FileDescriptor.open(place, .readOnly, options: .closeOnExec)
    try file.closeAfter { try file.sync() }
  }

  /// Has all that was written so far to the file system of a place on the disk: for trees of thousands of files. Takes as
  /// long as that takes.
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
  /// fsync(2). Its error is the only word there is of what was lost on the way to the disk.
  public func sync() throws(Errno) {
    while fsync(rawValue) != 0 {
      let failure = Errno(rawValue: errno)
      if failure != .interrupted { throw failure }
    }
  }
}
