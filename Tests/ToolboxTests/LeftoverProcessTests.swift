// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import SystemPackage
import TestSupport
import Testing
import Toolbox

@Suite struct LeftoverProcessTests {
  /// Starts a process that survives the end of any tool, and returns its process id.
  private func startAside(_ owner: String?) async throws -> Int32 {
    let mark = owner.map { "\(ProcessMark.variable)=\($0) " } ?? ""
    // The shell ends when the other process has left its group, which ends with the shell.
    let script = """
      \(mark)setsid sleep 300 >/dev/null 2>&1 &
      until [ "$(cat /proc/$!/comm)" = sleep ]; do sleep 0.02; done; echo $!
      """
    let output = try await Tool("sh", ["-c", script]).output()
    return try #require(Int32(output.trimmingCharacters(in: .whitespacesAndNewlines)))
  }

  @Test func everyToolBearsItsOwnersMark() async throws {
    let output = try await Tool("env", []).output()
    #expect(output.contains("\(ProcessMark.variable)=\(ProcessMark.own.text)\n"))
    #expect(ProcessMark.own.isAlive)
  }

  @Test func onlyAProcessWhoseOwnerIsGoneIsAStray() async throws {
    var gone = ProcessMark.own
    // This process' number with another start time: the number was reused.
    gone.began += 1
    var elsewhere = gone
    elsewhere.space = "1"
    var anothers = gone
    anothers.user += 1
    let orphan = try await startAside(gone.text)
    let others = [
      try await startAside(nil), try await startAside(elsewhere.text), try await startAside(anothers.text),
      try await startAside("nonsense"),
    ]
    defer { for process in others + [orphan] { _ = kill(process, SIGKILL) } }
    // Another test, or a run on this machine, may kill it at any moment; only a stray is killed.
    let strays = LeftoverProcess.all().map(\.process)
    #expect(strays.contains(orphan) || !ProcessMark.isAlive(orphan))
    #expect(Set(strays).isDisjoint(with: others))
    _ = LeftoverProcess.killAll()
    #expect(!ProcessMark.isAlive(orphan))
    for process in others { #expect(kill(process, 0) == 0) }
    #expect(!LeftoverProcess.all().map(\.process).contains(orphan))
  }

  @Test func whoeverGotTheNumberIsLeftAlone() async throws {
    let process = try await startAside(nil)
    #expect(!LeftoverProcess.kill(process) { false })
    #expect(kill(process, 0) == 0)
    #expect(LeftoverProcess.kill(process) { true })
    #expect(ProcFile.text("/proc/\(process)/comm") != "sleep\n" || !ProcessMark.isAlive(process))
  }
}

extension ProcessMark {
  fileprivate static func isAlive(_ process: Int32) -> Bool {
    ProcFile.text("/proc/\(process)/stat")?.contains(") Z") == false
  }
}

@Suite struct DurableFileTests {
  @Test func aFileIsReplacedWholeAndNothingStaysBesideIt() throws {
    let scratch = try Scratch()
    let path = try scratch.write("file", "what was there before and is longer")
    try DurableFile.write("new".utf8, to: path)
    #expect(try String(contentsOfFile: path.string, encoding: .utf8) == "new")
    #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path.string) == ["file"])
    #expect(throws: Errno.noSuchFileOrDirectory) {
      try DurableFile.write("new".utf8, to: scratch.path.appending("nowhere").appending("file"))
    }
  }

  @Test func whoHoldsALockSignsIt() throws {
    let scratch = try Scratch()
    let path = scratch.path.appending("lock")
    #expect(FileLock.signer(path) == nil && !FileLock.isHeld(path))
    let lock = try #require(try FileLock.attempt(path, .exclusive))
    try lock.sign()
    #expect(FileLock.signer(path) == getpid() && FileLock.isHeld(path))
    lock.release()
    #expect(!FileLock.isHeld(path))
  }
}

@Suite struct RandomKillsTests {
  @Test func aSeedGivesTheSameShares() {
    func shares(_ seed: UInt64) -> [Double] {
      Array(RandomKills(count: 20, seed: seed, within: .seconds(9)).shares)
    }
    #expect(shares(7) == shares(7))
    #expect(shares(7) != shares(8))
    #expect(shares(7).allSatisfy { $0 >= 0 && $0 < 1 })
    #expect(Set(shares(7)).count > 15)
  }

  @Test func itIsKilledSoOftenAndThenComesToItsEnd() async throws {
    let scratch = try Scratch()
    let log = scratch.path.appending("log")
    // Killed after it began and before it ended: it has logged the first and not the second.
    let program = Tool("sh", ["-c", "echo begun >> \(log); sleep 1; echo ended >> \(log); exit 5"])
    var kills: [Int] = []
    var statuses: [ToolStatus] = []
    try await RandomKills(count: 3, seed: 1, within: .milliseconds(400)).run(
      next: { program }, killed: { number, _ in kills.append(number) }, ended: { statuses.append($0.status) })
    #expect(kills == [1, 2, 3])
    #expect(statuses == [.exited(5)])
    let lines = try String(contentsOfFile: log.string, encoding: .utf8).split(separator: "\n")
    #expect(lines.count(where: { $0 == "ended" }) == 1)
  }

  @Test func aProgramThatTakesLessThanWasThoughtIsKilledAllTheSame() async throws {
    var kills = 0
    var ends = 0
    // The last start completes too, and so do some of the first, which are not killed in time.
    try await RandomKills(count: 4, seed: 1, within: .seconds(3600)).run(
      next: { Tool("sleep", ["0.5"]) }, killed: { _, _ in kills += 1 }, ended: { _ in ends += 1 })
    #expect(kills == 4)
    #expect(ends > 1)
  }
}
