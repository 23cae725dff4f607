// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import SystemPackage
import Toolbox

/// A guest whose patchbench was killed. It still runs, because the embedded driver cannot tie guests to its process.
public struct LeftoverGuest: Sendable, Hashable {
  /// The domain's name, or a description if there is none.
  public var name: String
  /// QEMU's PID.
  public var process: Int32

  public init(name: String, process: Int32) {
    self.name = name
    self.process = process
  }
}

extension EmbeddedRoot {
  /// Returns the guests under directories that are not in use.
  public static func leftoverGuests(environment: [String: String]) -> [LeftoverGuest] {
    // Without the account that guests run as, there are none.
    (try? GuestAccount.find()).map { leftoverGuests(environment, of: $0) } ?? []
  }

  static func leftoverGuests(_ environment: [String: String], of account: GuestAccount?) -> [LeftoverGuest] {
    slots(environment, account).filter { !FileLock.isHeld(lock(of: $0)) }.flatMap(guests)
  }

  /// Kills the guests under directories that are not in use, and removes what libvirt recorded about them. A run's own
  /// directory is in use, so it is left alone.
  ///
  /// This does not use libvirt's driver, because a process can use the driver in one directory only. QEMU's command
  /// line names the guest and the directory where the driver keeps the guest's files.
  /// - Returns: the guests that were killed.
  public static func endLeftGuests(environment: [String: String]) -> [LeftoverGuest] {
    (try? GuestAccount.find()).map { endLeftGuests(environment, of: $0) } ?? []
  }

  static func endLeftGuests(_ environment: [String: String], of account: GuestAccount?) -> [LeftoverGuest] {
    var ended: [LeftoverGuest] = []
    for slot in slots(environment, account) {
      guard let lock = try? FileLock.attempt(lock(of: slot), .exclusive) else { continue }
      defer { lock.release() }
      ended += kill(guests(of: slot), of: slot)
      forgetGuests(of: slot)
    }
    return ended
  }

  /// Kills the guests of this process, for an exit that waits for nothing. The next run removes what libvirt recorded.
  public static func endOwnGuests() {
    guard let own = taken.withLock({ $0 })?.path else { return }
    var killed: Set<Int32> = []
    // libvirt may be starting one.
    for _ in 0..<3 {
      let found = guests(of: own).filter { !killed.contains($0.process) }
      if found.isEmpty { break }
      killed.formUnion(kill(found, of: own).map(\.process))
    }
  }

  private static func kill(_ guests: [LeftoverGuest], of slot: FilePath) -> [LeftoverGuest] {
    guests.filter { guest in
      LeftoverProcess.kill(guest.process) { guestName(of: guest.process, slot) == guest.name }
    }
  }

  /// All directories that any process of this user has used, inside or outside its session.
  private static func slots(_ environment: [String: String], _ account: GuestAccount?) -> [FilePath] {
    Set([environment, [:]].compactMap { existing($0, account) }).sorted {
      $0.string < $1.string
    }
    .flatMap { home in
      ((try? FileManager.default.contentsOfDirectory(atPath: home.string)) ?? []).compactMap { Int($0) }.sorted()
        .map { home.appending("\($0)") }
    }
  }

  private static func lock(of slot: FilePath) -> FilePath { FilePath(slot.string + ".lock") }

  private static func guests(of slot: FilePath) -> [LeftoverGuest] {
    let processes = ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).compactMap { Int32($0) }
    return processes.sorted().compactMap { process in
      guestName(of: process, slot).map { LeftoverGuest(name: $0, process: process) }
    }
  }

  /// - Returns: `nil` if the process is not a QEMU of that directory's driver.
  private static func guestName(of process: Int32, _ slot: FilePath) -> String? {
    let words = ProcFile.text("/proc/\(process)/cmdline")?.split(separator: "\0") ?? []
    guard let program = words.first, program.split(separator: "/").last?.hasPrefix("qemu-") ?? false,
      words.contains(where: { $0.contains(slot.string + "/") })
    else { return nil }
    if let word = words.first(where: { $0.hasPrefix("guest=patchbench-") }) {
      return String(word.dropFirst(6).prefix { $0 != "," })
    }
    // A QEMU without a guest, which libvirt started to probe its capabilities. It waits for the next query forever.
    return words.contains { $0.contains("\(slot)/lib/qemu/\(question)") } ? "QEMU, probed by libvirt" : nil
  }

  /// The prefix of the directory that libvirt makes for such a QEMU.
  private static let question = "qmp-"

  /// Otherwise libvirt would look for these guests when it is next started there.
  private static func forgetGuests(of slot: FilePath) {
    let manager = FileManager.default
    func remove(in directory: FilePath, _ isTheirs: (String) -> Bool) {
      for name in (try? manager.contentsOfDirectory(atPath: directory.string)) ?? [] where isTheirs(name) {
        try? manager.removeItem(atPath: directory.appending(name).string)
      }
    }
    let library = slot.appending("lib").appending("qemu")
    // Files that must not survive a reboot: a NAME.pid and a NAME.xml for each guest.
    remove(in: slot.appending("run").appending("qemu")) { $0.hasPrefix("patchbench-") }
    for place in [library, library.appending("channel").appending("target")] {
      remove(in: place) { $0.hasPrefix("domain-") || $0.hasPrefix(question) }
    }
    for place in ["guests", "log/qemu"] { remove(in: slot.pushing(FilePath(place))) { _ in true } }
  }
}
