// SPDX-License-Identifier: Apache-2.0

import Glibc
public import SystemPackage

/// A `flock(2)` on a file, held until the value is released or the process ends, however it ends.
///
/// A lock file may be removed by who holds the lock exclusively, and by nobody else. Who opened it before and gets the
/// lock after that sees that the file is no longer in its place, and takes the one that is.
public final class FileLock: Sendable {
  private let file: FileDescriptor

  private init(_ file: FileDescriptor) { self.file = file }
  deinit { try? file.close() }

  public enum Mode: Sendable {
    case shared
    case exclusive
  }

  /// Takes the lock if nobody else has it.
  /// - Throws: `Errno` if the file cannot be opened or locked for another reason.
  /// - Returns: `nil` if somebody else has it.
  public static func attempt(_ path: FilePath, _ mode: Mode) throws(Errno) -> FileLock? {
    while true {
      let file: FileDescriptor
      do {
        // Close on exec: a child must not keep the lock alive beyond its parent.
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

  /// Takes the lock, waiting for as long as somebody else has it.
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

  /// Whether somebody holds it, without making a file. Tells what was the case a moment ago.
  public static func isHeld(_ path: FilePath) -> Bool {
    guard let file = try? FileDescriptor.open(path, .readOnly, options: .closeOnExec) else { return false }
    defer { try? file.close() }
    // Shared, so that two who only ask do not take each other for an owner.
    return flock(file.rawValue, LOCK_SH | LOCK_NB) != 0
  }

  /// Writes who holds it into the file, for those who find it taken.
  public func sign() throws {
    guard ftruncate(file.rawValue, 0) == 0 else { throw Errno(rawValue: errno) }
    _ = try file.writeAll(toAbsoluteOffset: 0, "\(getpid())\n".utf8)
  }

  /// The process that signed last.
  public static func signer(_ path: FilePath) -> Int32? {
    ProcFile.text(path.string).flatMap { Int32($0.prefix { $0.isNumber }) }
  }

  /// Lets the lock go before the value does. Harmless the second time.
  public func release() { flock(file.rawValue, LOCK_UN) }
}
