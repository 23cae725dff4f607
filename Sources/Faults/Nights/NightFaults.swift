// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Reports
import SystemPackage
import Toolbox

/// Nights that are disturbed.
///
/// Their series need no guest: one does not apply, and one compiles to the same code. The guest of the base runs all
/// tests once; after that its result is kept, and a night takes seconds.
extension Fault {
  static let nightFaults: [Fault] = [
    Fault(
      name: "night/killed", what: "nights are killed at random moments, and the same command is given again",
      expected: "the answers and the rows of an undisturbed night; nothing left behind",
      trial: .own { bench in try await nightKilled(bench) }),
    Fault(
      name: "night/two-of-one-matrix", what: "a night begins while another one of the same matrix is at work",
      expected: "refused with exit status 2, and the first one is not disturbed",
      trial: .own { bench in try await twoOfOneMatrix(bench) }),
    Fault(
      name: "night/two-matrices", what: "nights of two matrices write to one history at once, three times",
      expected: "all rows of all nights",
      trial: .own { bench in try await twoMatrices(bench) }),
    Fault(
      name: "night/series-gone", what: "a series that was tried yesterday is not there any more",
      expected: "told as gone, which is no fault; its rows stay",
      trial: .own { bench in
        let nights = try await NightBench(bench, "series-gone")
        let first = try await nights.night(nights.matrix("m"))
        let second = try await nights.night(nights.matrix("m", [nights.same]))
        let rows = try await nights.rows()
        let isTold = second.text.contains("Gone (1)") && second.text.contains("nights-stale")
        let words = isTold ? "told as gone; \(rows.count) rows" : second.words
        return try await Seen(
          isTold && first.status == .exited(1) && second.status == .exited(0)
            && rows == NightBench.rows(2, 1), words
        ).and(nights.damage([first, second]))
      }),
    Fault(
      name: "night/clock-set-back", what: "the clock is set back one day between two nights, and the second is killed",
      expected: "the second night goes on; a warning that what changed may be wrong; all rows",
      trial: .own { bench in try await clockSetBackBetween(bench) }),
    Fault(
      name: "night/mail-fails", what: "the command that mails fails, and one does not exist",
      expected: "each mail that was not sent is told and kept, the rows are there; exit status 3",
      trial: .own { bench in try await mailFails(bench) }),
  ]

  /// Kills a night while the base's guest is at work, and nights whose base is kept at any moment.
  private static func nightKilled(_ bench: FaultBench) async throws -> Seen {
    let nights = try await NightBench(bench, "killed")
    let whole = try await nights.night(nights.matrix("whole"))
    let report = try whole.report()
    var wrong: String?
    func check(_ night: NightBench.Ended, _ difference: String?, of count: Int) async throws {
      let rows = try await nights.rows(night.state)
      wrong = wrong ?? difference ?? (rows == NightBench.rows(count) ? nil : "rows: \(rows.joined(separator: ", "))")
    }
    let matrix = try nights.matrix("m")
    let guest = try await nights.night(
      matrix, ["--fresh"],
      act: { pid in
        while true {
          let runs = NightBench.runs(nights.state, of: "m")
          if runs.contains(where: { NightBench.hasAnswered($0) }) { break }
          try await Task.sleep(for: .milliseconds(50))
        }
        kill(pid, SIGKILL)
      })
    if guest.status != .signaled(Int(SIGKILL)) { return Seen(false, "it was not killed: \(guest.words)") }
    let resumed = try await nights.night(matrix, ["--fresh"])
    if NightBench.runs(nights.state, of: "m").count != 1 { wrong = "it did not go on: \(resumed.words)" }
    // Two runs of all tests never log the same text, so the answers are compared.
    let answers = try zip(ReportAnswers.of(report), ReportAnswers.of(resumed.report())).first { $0 != $1 }
    try await check(resumed, answers.map { "\($0) became \($1)" }, of: 2)
    // From here on, in another state directory, the base is kept and a night is short.
    let state = nights.place.appending("short")
    let begun = ContinuousClock.now
    let short = try await nights.night(matrix, in: state)
    let kept = try await nights.night(matrix, in: state).report()
    let kills = RandomKills(count: bench.kills, seed: .random(in: 0...999_999), within: ContinuousClock.now - begun)
    // Those that came to their end, also if they were killed after it.
    var count = 2
    try await kills.run(
      next: { nights.tool(matrix, in: state) },
      killed: { _, _ in count = max(count, NightBench.nightsOver(state)) },
      ended: { result in
        count += 1
        let night = NightBench.Ended(pid: short.pid, result: result, state: state)
        if result.status != .exited(0) { wrong = wrong ?? "night \(count) \(night.words)" }
        try await check(night, SteadyReport.differences(kept, night.report()).first, of: count)
        if NightBench.runs(state, of: "m").count != count { wrong = wrong ?? "night \(count) did not go on" }
      })
    let words = "\(bench.kills + 1) kills, seed \(kills.seed), \(count + 1) nights"
    return try await Seen(wrong == nil, "\(words)\(wrong.map { ": \($0)" } ?? ", each with the same answers and rows")")
      .and(nights.damage([whole, resumed])).and(bench.leftovers())
  }

  private static func twoOfOneMatrix(_ bench: FaultBench) async throws -> Seen {
    let nights = try await NightBench(bench, "two-of-one-matrix")
    let matrix = try nights.matrix("m")
    let refused = Answers()
    let first = try await nights.night(
      matrix,
      act: { pid in
        while NightBench.runs(nights.state, of: "m").isEmpty { try await Task.sleep(for: .milliseconds(10)) }
        // It must not end before the other one has begun.
        kill(pid, SIGSTOP)
        defer { kill(pid, SIGCONT) }
        await refused.add(try await nights.night(matrix))
      })
    let second = await refused.all
    let isRefused =
      second.count == 1 && second[0].status == .exited(2)
      && second[0].errors.contains("a night of \(matrix) is at work, in process \(first.pid)")
    let rows = try await nights.rows()
    return try await Seen(
      isRefused && first.status == .exited(1) && rows == NightBench.rows(1),
      "\(second.first?.words ?? "it did not begin"); the first one: \(rows.count) rows"
    ).and(nights.damage([first] + second))
  }

  private static func twoMatrices(_ bench: FaultBench) async throws -> Seen {
    let nights = try await NightBench(bench, "two-matrices")
    let matrices = [try nights.matrix("one", [nights.same]), try nights.matrix("two", [nights.stale])]
    var all: [NightBench.Ended] = []
    for _ in 0..<3 {
      async let other = nights.night(matrices[0])
      let one = try await nights.night(matrices[1])
      all += [one, try await other]
    }
    let rows = try await nights.rows()
    let isWhole = rows == NightBench.rows(3)
    // Each tells of its own series only, and only the first night of one of them has bad news.
    let failed = all.filter { $0.status != .exited(0) }.dropFirst() + all.filter { $0.text.contains("Gone") }
    let hasNews = all[0].status == .exited(1) && !all[1].text.contains("nights-stale")
    return try await Seen(
      isWhole && failed.isEmpty && hasNews,
      "\(rows.count) rows of \(all.count) nights\(failed.map { "; \($0.words)" }.joined())"
    ).and(nights.damage(all))
  }

  private static func clockSetBackBetween(_ bench: FaultBench) async throws -> Seen {
    let nights = try await NightBench(bench, "clock-set-back")
    let matrix = try nights.matrix("m")
    let (library, mark) = try await clockLibrary(in: nights.place.appending("clock"))
    try Data().write(to: URL(filePath: mark.string))
    let first = try await nights.night(matrix)
    let killed = try await nights.night(
      matrix, wrap: { clocked($0, library, mark) },
      act: { pid in
        while NightBench.runs(nights.state, of: "m").count < 2 { try await Task.sleep(for: .milliseconds(10)) }
        kill(pid, SIGKILL)
      })
    if killed.status != .signaled(Int(SIGKILL)) { return Seen(false, "it was not killed: \(killed.words)") }
    let second = try await nights.night(matrix, wrap: { clocked($0, library, mark) })
    let third = try await nights.night(matrix)
    let isWarned = second.errors.contains("begins later than now") && !third.errors.contains("begins later than now")
    let names = NightBench.runs(nights.state, of: "m").map { $0.removingLastComponent().lastComponent!.string }
    // By its name, the second night began before the first.
    let rows = try await nights.rows()
    let isSetBack = names.count == 3 && first.night.map { name in names.contains { $0 < name } } == true
    return try await Seen(
      isWarned && isSetBack && rows == NightBench.rows(3) && third.status == .exited(0),
      !isSetBack
        ? "nights: \(names.joined(separator: ", "))"
        : isWarned ? "the warning; \(rows.count) rows of \(names.count) nights" : second.words
    ).and(nights.damage([first, killed, second, third]))
  }

  private static func mailFails(_ bench: FaultBench) async throws -> Seen {
    let nights = try await NightBench(bench, "mail-fails")
    var ended: [NightBench.Ended] = []
    for (number, command) in ["false", "/nowhere/sendmail -t"].enumerated() {
      let matrix = try nights.matrix("m-\(number)", owner: "a@example.org")
      ended.append(try await nights.night(matrix, ["--mail", command, "--always"]))
    }
    let isTold = ended.map { $0.status == .exited(3) && $0.errors.contains("a mail to a@example.org was not sent") }
    let isKept = ended.map { night in
      night.mails.contains {
        (try? String(contentsOfFile: $0.string, encoding: .utf8))?.contains("To: a@example.org") == true
      }
    }
    // It is over: the next night is a new one, and sends no mail again.
    let again = try await nights.night(nights.matrix("m-0", owner: "a@example.org"))
    let rows = try await nights.rows()
    return try await Seen(
      !(isTold + isKept).contains(false) && rows == NightBench.rows(3) && again.status == .exited(0),
      "\(ended.map(\.words).joined(separator: "; ")); \(rows.count) rows"
    ).and(nights.damage(ended + [again]))
  }
}

/// Collects what other nights said.
private actor Answers {
  private(set) var all: [NightBench.Ended] = []
  func add(_ night: NightBench.Ended) { all.append(night) }
}

/// What a report says of each test and each series, without the text that a kernel logs.
private enum ReportAnswers {
  /// Returns `test: status` and `series: verdict`, in the report's order, and at last how many there are.
  static func of(_ json: String) throws -> [String] {
    let all = found(in: try JSONSerialization.jsonObject(with: Data(json.utf8)))
    return all + ["\(all.count) answers"]
  }

  private static func found(in value: Any) -> [String] {
    switch value {
    case let object as [String: Any]:
      let answer = (object["status"] ?? object["verdict"]) as? String
      let own = answer.map { ["\(object["name"] as? String ?? "?"): \($0)"] } ?? []
      return own + object.sorted { $0.key < $1.key }.flatMap { found(in: $0.value) }
    case let array as [Any]: return array.flatMap { found(in: $0) }
    default: return []
    }
  }
}
