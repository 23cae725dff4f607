// SPDX-License-Identifier: Apache-2.0

import Glibc
public import SystemPackage

/// A `flock(2)` on a file. It is held until the value is released or the process ends, for whatever reason.
///
/// Only the holder of the exclusive lock may remove a lock file. A process that opened the file before, and gets the
/// lock afterwards, detects that the file is no longer in place and locks the current one.
public final class FileLock: Sendable {
  private let file: FileDescriptor

  private init(_ file: FileDescriptor) { self.file = file }
  deinit { try? file.close() }

  public enum Mode: Sendable {
    case shared
    case exclusive
  }

  /// Takes the lock if it is free.
  /// - Throws: `Errno` if the file cannot be opened or locked for another reason.
  /// - Returns: `nil` if another process holds it.
  public static func attempt(_ path: FilePath, _ mode: Mode) throws(Errno) -> FileLock? {
    while true {
      let file: FileDescriptor
      do {
        // Close on exec: a child must not keep the lock after its parent has ended.
        file = try FileDescriptor.open(
          path, .readWrite, options: [.create, .closeOnExec], permissions: [.ownerReadWrite])
      } catch { throw error as? Errno ?? .ioError }
      if flock(file.rawValue, (mode == .shared ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0 {
        if isInPlace(file, path) { return FileLock(file) }
        try? file.close()
        continue
      }
      let failure = Errno(rawValue: errno)
      try? file.close()
      if failure == .wouldBlock { return nil }
      throw failure
    }
  }

  private static func isInPlace(_ file: FileDescriptor, _ path: FilePath) -> Bool {
    var opened = stat()
    var there = stat()
    return fstat(file.rawValue, &opened) == 0 && stat(path.string, &there) == 0 && opened.st_ino == there.st_ino
      && opened.st_dev == there.st_dev
  }

  /// Takes the lock, waiting until it is free.
  /// - Parameter waiting: called once, before the first wait.
  public static func wait(_ path: FilePath, _ mode: Mode, waiting: () -> Void = {}) async throws -> FileLock {
    var said = false
    while true {
      if let lock = try attempt(path, mode) { return lock }
      if !said { waiting() }
      said = true
      try await Task.sleep(for: .milliseconds(200))
    }
  }

  /// Returns whether it is held, without creating a file. The answer may already be outdated.
  public static func isHeld(_ path: FilePath) -> Bool {
    guard let file = try? FileDescriptor.open(path, .readOnly, options: .closeOnExec) else { return false }
    defer { try? file.close() }
    // Shared, so that two concurrent queries do not mistake each other for a holder.
    return flock(file.rawValue, LOCK_SH | LOCK_NB) != 0
  }

  /// Writes the holder's process id into the file, for those who find it locked.
  public func sign() throws {
    guard ftruncate(file.rawValue, 0) == 0 else { throw Errno(rawValue: errno) }
    _ = try file.writeAll(toAbsoluteOffset: 0, "\(getpid())\n".utf8)
  }

  /// Returns the process that signed last.
  public static func signer(_ path: FilePath) -> Int32? {
    ProcFile.text(path.string).flatMap { Int32($0.prefix { $0.isNumber }) }
  }

  /// Releases the lock before the value is released. A second call is harmless.
  public func release() { flock(file.rawValue, LOCK_UN) }
}
