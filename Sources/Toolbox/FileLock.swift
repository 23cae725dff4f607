import Glibc
public import SystemPackage

/// A `flock(2)` on a file, held until the value is released or the process ends, however it ends.
///
/// The file stays where it is: removing a lock file that others may have open would let two hold it.
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
    let file: FileDescriptor
    do {
      // Close on exec: a child must not keep the lock alive beyond its parent.
      file = try FileDescriptor.open(
        path, .readWrite, options: [.create, .closeOnExec], permissions: [.ownerReadWrite])
    } catch { throw error as? Errno ?? .ioError }
    if flock(file.rawValue, (mode == .shared ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0 { return FileLock(file) }
    let failure = Errno(rawValue: errno)
    try? file.close()
    if failure == .wouldBlock { return nil }
    throw failure
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

  /// Lets the lock go before the value does. Harmless the second time.
  public func release() { flock(file.rawValue, LOCK_UN) }
}
