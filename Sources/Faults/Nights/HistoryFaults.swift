// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import SystemPackage
import Toolbox

/// A history that cannot be written or read, and a prune that is disturbed.
extension Fault {
  static let historyFaults: [Fault] = [
    Fault(
      name: "history/full-disk", what: "the disk of the history is full when a night ends, and is then freed",
      expected: "an error that says what to do; then the same command gives the rows of an undisturbed night",
      trial: .own { bench in try await historyFull(bench) }),
    broken(
      "history/damaged", "bytes of the history are overwritten between two nights", says: "the history is damaged",
      { try await overwrite($0, from: 4096) }, "then rebuilt and given again, the rows of undisturbed nights",
      repair: { try await $0.history(["rebuild"]).status.words }),
    broken(
      "history/head-damaged", "the first bytes of the history are overwritten between two nights",
      says: "the history is damaged", { try await overwrite($0, from: 0) },
      "then rebuilt and given again, the rows of undisturbed nights",
      repair: { try await $0.history(["rebuild"]).status.words }),
    broken(
      "history/newer", "the history is one of a newer patchbench", says: "a newer patchbench has written this history",
      { try await marked($0, "INSERT INTO grdb_migrations VALUES ('999')") },
      "the file stays as it is; then, as old again, the rows of undisturbed nights",
      repair: { nights in
        try await marked(
          nights.state.appending("history.sqlite"), "DELETE FROM grdb_migrations WHERE identifier = '999'")
        return "exited with 0"
      }),
    Fault(
      name: "history/prune-killed", what: "prunes are killed at random moments, and the same command is given again",
      expected: "the rows of an undisturbed prune, and the same from a rebuild; nothing else removed",
      trial: .own { bench in try await pruneKilled(bench) }),
    Fault(
      name: "history/prune-full-disk", what: "a prune begins when the disk has no free byte",
      expected: "it frees space, and the rows are those of an undisturbed prune",
      trial: .own { bench in try await pruneFull(bench) }),
  ]

  private static let mount = "mount -t tmpfs -o"

  /// Returns the answer of a shell script that may mount.
  private static func script(_ nights: NightBench, _ text: String, _ words: [String]) async throws -> String {
    var tool = nights.program(words)
    tool = Tool(
      "unshare",
      ["--mount", "--propagation", "private"] + (getuid() == 0 ? [] : ["--user", "--map-root-user"]) + [
        "--", "sh", "-c", text, tool.executable,
      ] + tool.arguments, in: nights.place, environment: tool.environment)
    return try await tool.output(deadline: .seconds(3600))
  }

  /// Returns the lines that rows of `history series` become, to be counted.
  private static func count(_ answer: String, _ word: String) -> Int { answer.components(separatedBy: word).count - 1 }

  private static func historyFull(_ bench: FaultBench) async throws -> Seen {
    let nights = try await NightBench(bench, "full-disk")
    let matrix = try nights.matrix("m")
    // The runs are on another disk, because their faults are those of disk/full-*.
    let text = """
      mkdir state real && \(mount) size=4m none state && mkdir state/nights && mount --bind real state/nights || exit 9
      "$0" "$@" >/dev/null 2>&1; echo "first $?"
      cat /dev/zero > state/filler 2>/dev/null
      "$0" "$@" >/dev/null 2>errors; echo "full $?"; cat errors; rm -f state/filler
      "$0" "$@" >/dev/null 2>errors; echo "again $?"; grep 'goes on' errors
      for name in nights-same nights-stale; do "$0" history series $name --json --state state; done
      """
    let answer = try await script(nights, text, nights.tool(matrix, in: nights.state).arguments)
    let full = answer.components(separatedBy: "full ").dropFirst().first ?? ""
    let isSaid =
      answer.hasPrefix("first 1\nfull 3\n") && full.contains("no space left for the history") && full.contains("  → ")
    let isWhole =
      answer.contains("again 0\n") && answer.contains("goes on") && count(answer, "\"nights-same\"") >= 2
      && count(answer, "\"verdict\" : \"clean\"") == 2 && count(answer, "\"verdict\" : \"does-not-apply\"") == 2
    let last = full.split(separator: "\n").last { $0.hasPrefix("patchbench: ") } ?? ""
    return try await Seen(
      isSaid && isWhole,
      isSaid
        ? isWhole ? "the error, and then all rows" : String(answer.suffix(300))
        : String("\(answer.prefix(20)) \(last)".prefix(300))
    ).and(bench.leftovers())
  }

  /// A history that is broken between two nights, and then repaired.
  private static func broken(
    _ name: String, _ what: String, says words: String,
    _ breaking: @escaping @Sendable (FilePath) async throws -> Void, _ expected: String,
    repair: @escaping @Sendable (NightBench) async throws -> String
  ) -> Fault {
    Fault(
      name: name, what: what, expected: "the night is done, and an error says what to do; \(expected)",
      trial: .own { bench in
        let nights = try await NightBench(bench, name.replacing("/", with: "-"))
        let matrix = try nights.matrix("m")
        let first = try await nights.night(matrix)
        let file = nights.state.appending("history.sqlite")
        try await breaking(file)
        let before = FileManager.default.contents(atPath: file.string)
        let second = try await nights.night(matrix)
        let isSame = FileManager.default.contents(atPath: file.string) == before
        let isSaid = second.status == .exited(3) && second.errors.contains(words) && second.errors.contains("  → ")
        let repaired = try await repair(nights)
        let again = try await nights.night(matrix)
        let isOn = again.errors.contains("goes on") && again.status == .exited(0)
        let rows = try await nights.rows()
        return try await Seen(
          isSaid && isSame && isOn && repaired == "exited with 0" && rows == NightBench.rows(2),
          "\(second.words); repaired: \(repaired); \(rows.count) rows" + (isSame ? "" : "; the file has changed")
            + (isOn ? "" : "; \(again.words)")
        ).and(nights.damage([first, second, again]))
      })
  }

  private static func overwrite(_ file: FilePath, from offset: Int) async throws {
    // Otherwise all of it may still be in the log beside it.
    try await marked(file, "PRAGMA wal_checkpoint(TRUNCATE)")
    let handle = try FileHandle(forUpdating: URL(filePath: file.string))
    defer { try? handle.close() }
    let size = try handle.seekToEnd()
    guard size > offset else { throw FaultError(message: "the history is too small") }
    try handle.seek(toOffset: UInt64(offset))
    // The first page alone, or all others.
    let end = offset == 0 ? 4096 : Int(size)
    try handle.write(contentsOf: Data(repeating: 0x58, count: end - offset))
  }

  /// Changes the history as another program would.
  private static func marked(_ file: FilePath, _ sql: String) async throws {
    let program = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute(sys.argv[2]); c.commit(); c.close()"
    _ = try await Tool("python3", ["-c", program, file.string, sql]).output()
  }

  // MARK: - Prunes

  private static let limits = ["--keep-evidence", "0d"]

  /// The rows after a prune of three nights: what is last of each series stays.
  private static let pruned = ["nights-same clean", "nights-stale does-not-apply"].flatMap {
    [$0, "\($0), no evidence", "\($0), no evidence"]
  }

  private static func pruneKilled(_ bench: FaultBench) async throws -> Seen {
    let nights = try await NightBench(bench, "prune-killed")
    let matrix = try nights.matrix("m")
    var all: [NightBench.Ended] = []
    for _ in 0..<3 { all.append(try await nights.night(matrix)) }
    let copy = nights.place.appending("copy")
    func restore() async throws {
      _ = try await Tool("rm", ["-rf", nights.state.string]).output()
      _ = try await Tool("cp", ["-a", copy.string, nights.state.string]).output()
    }
    _ = try await Tool("cp", ["-a", nights.state.string, copy.string]).output()
    let prune = nights.program(["history", "prune", "--state", nights.state.string] + limits)
    let begun = ContinuousClock.now
    _ = try await prune.output()
    let kills = RandomKills(count: bench.kills, seed: .random(in: 0...999_999), within: ContinuousClock.now - begun)
    try await restore()
    var (count, halves) = (0, 0)
    var wrong: String?
    try await kills.run(
      next: { prune },
      killed: { _, _ in
        let runs = NightBench.runs(nights.state, of: "m")
        let left = runs.count { FileManager.default.fileExists(atPath: $0.appending("base").string) }
        let promised = runs.count { FileManager.default.fileExists(atPath: $0.appending("pruned.json").string) }
        // Something had gone, and something was left to go.
        if promised > 0, left > 1 { halves += 1 }
      },
      ended: { result in
        count += 1
        if !result.status.isSuccess { wrong = wrong ?? "prune \(count) \(result.status.words): \(result.errors)" }
        let rows = try await nights.rows()
        let rebuilt = try await nights.history(["rebuild"])
        let again = try await nights.rows()
        if rows != pruned { wrong = wrong ?? "rows: \(rows.joined(separator: "; "))" }
        if again != pruned || !rebuilt.status.isSuccess { wrong = wrong ?? "rebuilt: \(again.joined(separator: "; "))" }
        let pages = NightBench.runs(nights.state, of: "m").filter {
          !FileManager.default.fileExists(atPath: $0.appending("report.html").string)
        }
        if !pages.isEmpty { wrong = wrong ?? "\(pages[0]) has no report" }
        try await restore()
      })
    let words = "\(bench.kills) kills, \(halves) in the middle, seed \(kills.seed), \(count) prunes"
    return try await Seen(wrong == nil, "\(words)\(wrong.map { ": \($0)" } ?? ", each with the same rows")")
      .and(nights.damage(all)).and(bench.leftovers())
  }

  private static func pruneFull(_ bench: FaultBench) async throws -> Seen {
    let nights = try await NightBench(bench, "prune-full-disk")
    let matrix = try nights.matrix("m")
    let text = """
      mkdir state && \(mount) size=96m none state || exit 9
      for night in 1 2 3; do "$0" "$@" >/dev/null 2>&1; echo "night $?"; done
      cat /dev/zero > state/filler 2>/dev/null; echo "free $(stat -f -c %f state)"
      "$0" history prune --state state \(limits.joined(separator: " ")) 2>&1; echo "prune $?"
      echo "free $(stat -f -c %f state)"
      for name in nights-same nights-stale; do "$0" history series $name --json --state state; done
      """
    let answer = try await script(nights, text, nights.tool(matrix, in: nights.state).arguments)
    let free = answer.matches(of: /free ([0-9]+)/).compactMap { Int($0.output.1) }
    let isFreed = free.count == 2 && free[0] == 0 && free[1] > 64
    let isWhole =
      answer.contains("prune 0\n") && count(answer, "\"hasEvidence\" : false") == 4
      && count(answer, "\"hasEvidence\" : true") == 2
    let told = answer.split(separator: "\n").first { $0.contains("emoved: ") || $0.hasPrefix("patchbench: ") } ?? ""
    return try await Seen(
      isFreed && isWhole, "free blocks: \(free.map(String.init).joined(separator: ", then ")); \(told)"
    ).and(bench.leftovers())
  }
}
