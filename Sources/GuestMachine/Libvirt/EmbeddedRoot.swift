// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import Glibc
public import SystemPackage
import Toolbox

/// A directory for libvirt's embedded driver. The driver runs inside this process and keeps its sockets, its state and
/// the probed capabilities of QEMU there. A process uses one at a time.
///
/// The directories are few and are kept, for two reasons. The first probe of QEMU takes seconds. And the state of a
/// killed run must be found: the next run, whichever directory it gets, kills the guests of all directories that
/// are not in use.
public struct EmbeddedRoot: Sendable {
  public var path: FilePath
  private let lock: FileLock
  /// The account that its guests run as; `nil` for the current user.
  let account: GuestAccount?
  /// By QEMU's program: what to start in its place. For others, libvirt finds them.
  let emulators: [String: FilePath]

  /// No machine is expected to have more concurrent runs than this.
  private static let slots = 64

  /// The directory of this process: libvirt allows one, and holds on to it until the process ends.
  static let taken = Locked<EmbeddedRoot?>(nil)

  /// Takes a free directory; the first call decides for the whole process.
  /// - Throws: ``StageError`` if no directory is usable, or if there is no account to run guests as; `Errno`
  ///   on a full disk.
  public static func take(environment: [String: String]) throws -> EmbeddedRoot {
    try taken.withLock { taken in
      if let taken { return taken }
      let account = try GuestAccount.find()
      let home = place(environment, account)
      do {
        let root = try find(in: home, account, environment: environment)
        taken = root
        return root
      } catch let error as Errno where error != .noSpace {
        throw StageError.fault(
          .boot, "libvirt's directory \(home) cannot be used: \(error)",
          advice: "make it a directory of your own, which nobody else may write to, or remove it")
      }
    }
  }

  private static func find(
    in home: FilePath, _ account: GuestAccount?, environment: [String: String]
  ) throws -> EmbeddedRoot {
    try prepare(home, account)
    for slot in 0..<slots {
      let path = home.appending("\(slot)")
      guard let lock = try FileLock.attempt(home.appending("\(slot).lock"), .exclusive) else { continue }
      for name in ["etc", "guests", "lib"] {
        try FileManager.default.createDirectory(
          atPath: path.appending(name).string, withIntermediateDirectories: true)
      }
      // libvirt makes a directory for each guest under `lib`.
      for place in [path] + ["etc", "guests", "lib"].map({ path.appending($0) }) { try account?.passThrough(place) }
      try Data(configuration(account).utf8)
        .write(to: URL(filePath: path.appending("etc").appending("qemu.conf").string))
      var emulators: [String: FilePath] = [:]
      for program in account == nil ? [] : Architecture.all.map(\.emulation.program) {
        let file = path.appending("etc").appending(program)
        if try ModestEmulator.write(file, for: program, environment: environment) { emulators[program] = file }
      }
      return EmbeddedRoot(path: path, lock: lock, account: account, emulators: emulators)
    }
    throw Errno.resourceBusy
  }

  public var uri: String { "qemu:///embed?root=\(path)" }

  /// The parent of each guest's directory.
  var guests: FilePath { path.appending("guests") }

  /// QEMU's log of a guest.
  func log(of guest: String) -> FilePath { path.appending("log").appending("qemu").appending(guest + ".log") }

  /// Returns the process of a running guest.
  /// - Throws: `Errno` if libvirt did not record it.
  func process(of guest: String) throws -> pid_t {
    let file = path.appending("run").appending("qemu").appending(guest + ".pid")
    guard let text = try? String(contentsOfFile: file.string, encoding: .utf8),
      let number = pid_t(text.trimmingCharacters(in: .whitespacesAndNewlines)), number > 1
    else { throw Errno.noSuchProcess }
    return number
  }

  /// Removes the files that dead guests left.
  func clear() {
    for directory in [guests, path.appending("log").appending("qemu")] {
      for name in (try? FileManager.default.contentsOfDirectory(atPath: directory.string)) ?? [] {
        try? FileManager.default.removeItem(atPath: directory.appending(name).string)
      }
    }
  }

  /// The path is short, because a UNIX socket's path has at most 107 bytes. If guests have their own account, it must
  /// be able to traverse this path, which it cannot in root's XDG_RUNTIME_DIR.
  private static func place(_ environment: [String: String], _ account: GuestAccount?) -> FilePath {
    if account != nil { return FilePath("/tmp/patchbench-root") }
    if let runtime = environment["XDG_RUNTIME_DIR"], runtime.hasPrefix("/"), runtime.utf8.count < 32,
      access(runtime, W_OK) == 0
    {
      return FilePath(runtime).appending("patchbench")
    }
    return FilePath("/tmp/patchbench-\(getuid())")
  }

  /// Creates the directory if it does not exist.
  private static func prepare(_ home: FilePath, _ account: GuestAccount?) throws {
    if mkdir(home.string, 0o700) != 0, errno != EEXIST { throw Errno(rawValue: errno) }
    try refuseForeign(home)
    try account?.passThrough(home)
  }

  /// It must be exclusively ours, because everyone can write to /tmp.
  private static func refuseForeign(_ home: FilePath) throws {
    var status = stat()
    guard lstat(home.string, &status) == 0 else { throw Errno(rawValue: errno) }
    guard status.st_mode & S_IFMT == S_IFDIR, status.st_uid == getuid(), status.st_mode & 0o067 == 0 else {
      throw Errno.permissionDenied
    }
  }

  /// Returns where directories of dead processes may be: the path used in this environment, if it exists.
  static func existing(_ environment: [String: String], _ account: GuestAccount?) -> FilePath? {
    let home = place(environment, account)
    return (try? refuseForeign(home)).map { home }
  }

  /// libvirt changes no ownership for the guests' account: a guest finds all it may open in ``GuestFiles``. QEMU's
  /// output does not go to virtlogd, which does not run here. QEMU filters its system calls by default, unless it
  /// cannot; `seccomp_sandbox` makes it refuse to start then.
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
