// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import Glibc
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
  private static let taken = Locked<EmbeddedRoot?>(nil)

  /// Takes a directory that nobody uses; the first call decides for the whole process.
  /// - Throws: ``StageError`` if none can be had, or if there is nobody to run guests as; `Errno` on a full disk.
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

  /// Short, because a UNIX socket's path has at most 107 bytes. Where guests have an account of their own, it must come
  /// through here, which it cannot through root's XDG_RUNTIME_DIR.
  private static func place(_ environment: [String: String], _ account: GuestAccount?) -> FilePath {
    if account != nil { return FilePath("/tmp/patchbench-root") }
    if let runtime = environment["XDG_RUNTIME_DIR"], runtime.hasPrefix("/"), runtime.utf8.count < 32,
      access(runtime, W_OK) == 0
    {
      return FilePath(runtime).appending("patchbench")
    }
    return FilePath("/tmp/patchbench-\(getuid())")
  }

  /// Makes it where it is not there.
  private static func prepare(_ home: FilePath, _ account: GuestAccount?) throws {
    if mkdir(home.string, 0o700) != 0, errno != EEXIST { throw Errno(rawValue: errno) }
    try refuseForeign(home)
    try account?.passThrough(home)
  }

  /// It has to be ours alone, because /tmp is everybody's.
  private static func refuseForeign(_ home: FilePath) throws {
    var status = stat()
    guard lstat(home.string, &status) == 0 else { throw Errno(rawValue: errno) }
    guard status.st_mode & S_IFMT == S_IFDIR, status.st_uid == getuid(), status.st_mode & 0o067 == 0 else {
      throw Errno.permissionDenied
    }
  }

  /// Where directories of processes that are gone may lie: that which is taken in this environment, if it is there.
  static func existing(_ environment: [String: String], _ account: GuestAccount?) -> FilePath? {
    let home = place(environment, account)
    return (try? refuseForeign(home)).map { home }
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
