import Foundation
import Glibc
import Synchronization
public import SystemPackage
import Toolbox

/// A directory for libvirt's embedded driver, which runs inside this process and keeps its sockets, its state and the
/// capabilities it probed of QEMU there. One process uses one at a time.
///
/// The directories are few and stay, because the first probe of QEMU costs seconds, and because the state of a run
/// that was killed has to be found: whoever gets its directory next reaps its guests.
public struct EmbeddedRoot: Sendable {
  public var path: FilePath
  private let lock: FileLock

  /// More runs at once than this on one machine are not expected.
  private static let slots = 64

  /// The directory of this process: libvirt allows one, and holds on to it until the process ends.
  private static let taken = Mutex<EmbeddedRoot?>(nil)

  /// Takes a directory that nobody uses; the first call decides for the whole process.
  /// - Throws: `Errno` if none can be had.
  public static func take(environment: [String: String]) throws -> EmbeddedRoot {
    try taken.withLock { taken in
      if let taken { return taken }
      let root = try find(environment: environment)
      taken = root
      return root
    }
  }

  private static func find(environment: [String: String]) throws -> EmbeddedRoot {
    let home = try directory(environment)
    for slot in 0..<slots {
      let path = home.appending("\(slot)")
      guard let lock = try FileLock.attempt(home.appending("\(slot).lock"), .exclusive) else { continue }
      try FileManager.default.createDirectory(
        atPath: path.appending("etc").string, withIntermediateDirectories: true)
      try Data(configuration.utf8).write(to: URL(filePath: path.appending("etc").appending("qemu.conf").string))
      return EmbeddedRoot(path: path, lock: lock)
    }
    throw Errno.resourceBusy
  }

  public var uri: String { "qemu:///embed?root=\(path)" }

  /// Short, because a UNIX socket's path has at most 107 bytes; and ours alone, because /tmp is everybody's.
  private static func directory(_ environment: [String: String]) throws -> FilePath {
    let path =
      if let runtime = environment["XDG_RUNTIME_DIR"], runtime.hasPrefix("/"), runtime.utf8.count < 32,
        access(runtime, W_OK) == 0
      { FilePath(runtime).appending("patchbench") } else { FilePath("/tmp/patchbench-\(getuid())") }
    if mkdir(path.string, 0o700) != 0, errno != EEXIST { throw Errno(rawValue: errno) }
    var status = stat()
    guard lstat(path.string, &status) == 0 else { throw Errno(rawValue: errno) }
    guard status.st_mode & S_IFMT == S_IFDIR, status.st_uid == getuid(), status.st_mode & 0o077 == 0 else {
      throw Errno.permissionDenied
    }
    return path
  }

  /// As root the driver would start QEMU as another account, which cannot reach a cache under root's home, and would
  /// hand the guest's output to a daemon that is not there.
  private static let configuration = """
    user = "\(getuid() == 0 ? "root" : "+\(getuid())")"
    group = "\(getuid() == 0 ? "root" : "+\(getgid())")"
    dynamic_ownership = 0
    remember_owner = 0
    security_driver = "none"
    namespaces = []
    cgroup_controllers = []
    stdio_handler = "file"
    max_core = 0

    """
}
