import Foundation
import Glibc
import Synchronization
public import SystemPackage
import Toolbox

/// A directory for libvirt's embedded driver, which runs inside this process and keeps its sockets, its state and the
/// capabilities it probed of QEMU there. One process uses one at a time.
///
/// The directories are few and stay, because the first probe of QEMU costs seconds, and because the state of a run
/// that was killed has to be found: the next run, whichever directory it gets, ends the guests of all that nobody uses.
public struct EmbeddedRoot: Sendable {
  public var path: FilePath
  private let lock: FileLock
  /// Who its guests run as; `nil` for whoever runs patchbench.
  let account: GuestAccount?
  /// What is started for a guest; `nil` for what libvirt finds.
  let emulator: FilePath?

  /// More runs at once than this on one machine are not expected.
  private static let slots = 64

  /// The directory of this process: libvirt allows one, and holds on to it until the process ends.
  private static let taken = Mutex<EmbeddedRoot?>(nil)

  /// Takes a directory that nobody uses; the first call decides for the whole process.
  /// - Throws: `Errno` if none can be had, ``StageError`` if there is nobody to run guests as.
  public static func take(environment: [String: String]) throws -> EmbeddedRoot {
    try taken.withLock { taken in
      if let taken { return taken }
      let root = try find(environment: environment)
      taken = root
      return root
    }
  }

  private static func find(environment: [String: String]) throws -> EmbeddedRoot {
    let account = try GuestAccount.find()
    let home = try directory(environment, account)
    for slot in 0..<slots {
      let path = home.appending("\(slot)")
      guard let lock = try FileLock.attempt(home.appending("\(slot).lock"), .exclusive) else { continue }
      for name in ["etc", "guests", "lib"] {
        try FileManager.default.createDirectory(
          atPath: path.appending(name).string, withIntermediateDirectories: true)
      }
      // libvirt has a directory for each guest below `lib`.
      for place in [path] + ["etc", "guests", "lib"].map({ path.appending($0) }) { try account?.passThrough(place) }
      try Data(configuration(account).utf8)
        .write(to: URL(filePath: path.appending("etc").appending("qemu.conf").string))
      let emulator = path.appending("etc").appending("emulator")
      let isModest = try account != nil && ModestEmulator.write(emulator, environment: environment)
      return EmbeddedRoot(path: path, lock: lock, account: account, emulator: isModest ? emulator : nil)
    }
    throw Errno.resourceBusy
  }

  public var uri: String { "qemu:///embed?root=\(path)" }

  /// Where each guest has its files.
  var guests: FilePath { path.appending("guests") }

  /// Where QEMU writes what it has to say of a guest.
  func log(of guest: String) -> FilePath { path.appending("log").appending("qemu").appending(guest + ".log") }

  /// The process of a guest that runs.
  /// - Throws: `Errno` if libvirt did not say which it is.
  func process(of guest: String) throws -> pid_t {
    let file = path.appending("run").appending("qemu").appending(guest + ".pid")
    guard let text = try? String(contentsOfFile: file.string, encoding: .utf8),
      let number = pid_t(text.trimmingCharacters(in: .whitespacesAndNewlines)), number > 1
    else { throw Errno.noSuchProcess }
    return number
  }

  /// Removes what guests that are gone have left.
  func clear() {
    for directory in [guests, path.appending("log").appending("qemu")] {
      for name in (try? FileManager.default.contentsOfDirectory(atPath: directory.string)) ?? [] {
        try? FileManager.default.removeItem(atPath: directory.appending(name).string)
      }
    }
  }

  /// Short, because a UNIX socket's path has at most 107 bytes; and ours alone, because /tmp is everybody's. Where guests
  /// have an account of their own, it must come through here, which it cannot through root's XDG_RUNTIME_DIR.
  /// - Parameter isMade: made where it is not there.
  static func directory(
    _ environment: [String: String], _ account: GuestAccount?, isMade: Bool = true
  ) throws -> FilePath {
    let path =
      if account != nil {
        FilePath("/tmp/patchbench-root")
      } else if let runtime = environment["XDG_RUNTIME_DIR"], runtime.hasPrefix("/"), runtime.utf8.count < 32,
        access(runtime, W_OK) == 0
      { FilePath(runtime).appending("patchbench") } else { FilePath("/tmp/patchbench-\(getuid())") }
    if isMade, mkdir(path.string, 0o700) != 0, errno != EEXIST { throw Errno(rawValue: errno) }
    var status = stat()
    guard lstat(path.string, &status) == 0 else { throw Errno(rawValue: errno) }
    guard status.st_mode & S_IFMT == S_IFDIR, status.st_uid == getuid(), status.st_mode & 0o067 == 0 else {
      throw Errno.permissionDenied
    }
    if isMade { try account?.passThrough(path) }
    return path
  }

  /// libvirt gives nothing away to the guests' account: what a guest may open it finds in ``GuestFiles``. What QEMU says is
  /// not handed to a daemon, which is not there. That QEMU filters its system calls is the default, unless it cannot; then
  /// it is not to start.
  private static func configuration(_ account: GuestAccount?) -> String {
    """
    user = "+\(account?.user ?? getuid())"
    group = "+\(account?.group ?? getgid())"
    seccomp_sandbox = 1
    dynamic_ownership = 0
    remember_owner = 0
    security_driver = "none"
    namespaces = []
    cgroup_controllers = []
    stdio_handler = "file"
    max_core = 0

    """
  }
}
