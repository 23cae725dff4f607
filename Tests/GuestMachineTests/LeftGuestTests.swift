// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import SystemPackage
import Testing
import Toolbox

@testable import GuestMachine

@Suite struct LeftGuestTests {
  /// Short, like a session's own directory; the driver's directories are created in it.
  private final class Session {
    let path: FilePath
    let slot: FilePath
    init() throws {
      var template = Array("/tmp/pbXXXXXX".utf8CString)
      guard mkdtemp(&template) != nil else { throw Errno(rawValue: errno) }
      path = FilePath(String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self))
      slot = path.appending("patchbench").appending("0")
      for name in ["run/qemu", "lib/qemu/domain-1-patchbench-9-a"] {
        try FileManager.default.createDirectory(
          atPath: slot.pushing(FilePath(name)).string, withIntermediateDirectories: true)
      }
      chmod(path.appending("patchbench").string, 0o700)
      try Data().write(to: URL(filePath: slot.string + "/run/qemu/patchbench-9-a.xml"))
    }
    deinit { try? FileManager.default.removeItem(atPath: path.string) }
    var environment: [String: String] { ["XDG_RUNTIME_DIR": path.string] }
    var lock: FilePath { FilePath(slot.string + ".lock") }
  }

  /// A process whose command line looks like QEMU's.
  private func start(_ name: String, _ words: [String]) async throws -> Int32 {
    let script = """
      setsid bash -c 'exec -a "$0" sh -c "while :; do sleep 1; done" "$@"' "$@" >/dev/null 2>&1 &
      until grep -aq "^$1" /proc/$!/cmdline; do sleep 0.02; done; echo $!
      """
    let output = try await Tool("bash", ["-c", script, "bash", name] + words).output()
    return try #require(Int32(output.trimmingCharacters(in: .whitespacesAndNewlines)))
  }

  @Test func theGuestsOfADirectoryThatNobodyUsesAreEnded() async throws {
    let session = try Session()
    let disk = "path=\(session.slot)/lib/qemu/domain-1-patchbench-9-a/monitor.sock"
    let guest = try await start("qemu-system-test", ["guest=patchbench-9-a,debug-threads=on", disk])
    let asked = try await start("qemu-system-test", ["none", "unix:\(session.slot)/lib/qemu/qmp-M2I8Y3/qmp.monitor"])
    // Another name, another directory, and a process that is not QEMU.
    let others = [
      try await start("qemu-system-test", ["guest=debian,debug-threads=on", disk]),
      try await start("qemu-system-test", ["guest=patchbench-9-b,x=y", "path=/elsewhere/0/lib"]),
      try await start("less", ["guest=patchbench-9-a,debug-threads=on", disk]),
    ]
    defer { for process in others + [guest, asked] { _ = kill(process, SIGKILL) } }
    do {
      let held = try #require(try FileLock.attempt(session.lock, .exclusive))
      defer { held.release() }
      #expect(EmbeddedRoot.leftoverGuests(session.environment, of: nil).isEmpty)
      #expect(EmbeddedRoot.endLeftGuests(session.environment, of: nil).allSatisfy { $0.process != guest })
      #expect(kill(guest, 0) == 0)
    }
    #expect(
      EmbeddedRoot.leftoverGuests(session.environment, of: nil).contains(
        LeftoverGuest(name: "patchbench-9-a", process: guest)))
    #expect(
      Set(EmbeddedRoot.endLeftGuests(session.environment, of: nil).map(\.process)).isSuperset(of: [guest, asked]))
    #expect(
      Set(EmbeddedRoot.leftoverGuests(session.environment, of: nil).map(\.process)).isDisjoint(with: [guest, asked]))
    for process in others { #expect(kill(process, 0) == 0) }
    let manager = FileManager.default
    #expect(try manager.contentsOfDirectory(atPath: session.slot.string + "/run/qemu") == [])
    #expect(try manager.contentsOfDirectory(atPath: session.slot.string + "/lib/qemu") == [])
  }
}
