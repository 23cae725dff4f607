// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Reports
import SystemPackage
import Toolbox

/// Faults that hit patchbench itself.
extension Fault {
  static let runFaults: [Fault] = [
    stopped("run/terminated", SIGTERM, "SIGTERM while guests run"),
    Fault(
      name: "run/terminal-closed", what: "the terminal is closed while guests run", expected: stoppedWords,
      trial: .own { bench in try await terminalClosed(bench) }),
    stopped("run/hung-up", SIGHUP, "SIGHUP while guests run"),
    stopped("run/interrupted", SIGINT, "Ctrl-C while guests run"),
    Fault(
      name: "run/two-at-once", what: "two runs of one series with one cache, at the same time",
      expected: "the same verdict from both",
      trial: .own { bench in
        let series = try await bench.harmless("two-at-once")
        async let other = bench.run([series], FaultBench.Program.tests + ["--fresh"])
        let one = try await bench.run([series], FaultBench.Program.tests + ["--fresh"])
        let both = [one, try await other]
        let verdicts = both.compactMap(\.series.first?.verdict)
        var seen = Seen(verdicts == ["clean", "clean"], verdicts.joined(separator: ", "))
        for run in both { seen = try await seen.and(bench.damage(run)) }
        return seen
      }),
    Fault(
      name: "run/killed", what: "runs are killed at random moments and resumed, many times",
      expected: "the report of an undisturbed run, except for its times; nothing left behind",
      trial: .own { bench in try await killed(bench) }),
    Fault(
      name: "run/clock-set-back", what: "the clock is set back one day during a run",
      expected: "the report of an undisturbed run, except for its times",
      trial: .own { bench in try await clockSetBack(bench) }),
    Fault(
      name: "run/two-users",
      what: "another user runs `clean` with the same cache and with their own, while guests run",
      expected: "nothing is found to clean, and the run is not disturbed",
      trial: .own { bench in try await twoUsers(bench) }),
  ]

  /// Writes two series. One of them changes a test's result.
  static func subjects(_ bench: FaultBench) async throws -> [FilePath] {
    let change = try await bench.maker.diff("drivers/dma-buf/dma-buf.c") {
      $0.replacing("\tvma_set_file(vma, dmabuf->file);\n", with: "")
    }
    return [try await bench.harmless("killed-harmless"), try bench.maker.write("killed-changing", [change])]
  }

  private static func killed(_ bench: FaultBench) async throws -> Seen {
    let series = try await subjects(bench)
    let begun = ContinuousClock.now
    let whole = try await bench.run(series, FaultBench.Program.tests + ["--fresh"])
    guard whole.series.count == series.count else { return Seen(false, whole.lastWords) }
    let kills = RandomKills(
      count: bench.kills, seed: .random(in: 0...999_999), within: ContinuousClock.now - begun)
    var number = 1
    var wrong: String?
    let place = bench.scratch.appending("killed-runs")
    try FileManager.default.createDirectory(atPath: place.string, withIntermediateDirectories: true)
    try await kills.run(
      next: { bench.program.tool(series, output: place.appending("\(number)")) },
      ended: { result in
        let path = place.appending("\(number)")
        let report = { (run: FilePath) in
          try String(contentsOfFile: run.appending("report.json").string, encoding: .utf8)
        }
        let differences = try SteadyReport.differences(report(whole.output), report(path))
        if !differences.isEmpty {
          // Skip the brackets of empty lists.
          wrong = wrong ?? "run \(number) differs: \(differences.filter { !$0.hasSuffix(":") }.prefix(3))"
        }
        if result.status != whole.status { wrong = wrong ?? "run \(number) \(result.status.words)" }
        number += 1
      })
    let words = "\(bench.kills) kills, seed \(kills.seed), \(number - 1) runs"
    // The last run has removed what the killed runs left.
    return try await Seen(wrong == nil, "\(words)\(wrong.map { ": \($0)" } ?? ", each with the same report")")
      .and(bench.damage(whole)).and(bench.leftovers())
  }

  private static let stoppedWords = "stopped with exit status 3, the reports written, and nothing left behind"

  /// Runs patchbench in its own terminal and kills the terminal's emulator. The kernel sends a hangup, and writes to
  /// the terminal fail from then on.
  private static func terminalClosed(_ bench: FaultBench) async throws -> Seen {
    let series = try await bench.harmless("terminal-closed")
    let status = bench.scratch.appending("terminal-status")
    let run = try await bench.run(
      [series], ["--retries", "0", "--fresh"],
      wrap: { tool in
        let command = Tool(
          "sh", ["-c", "trap : HUP; \"$@\"; echo $? > \"$0\"", status.string, tool.executable] + tool.arguments)
        // The session leader is another shell, which dies from the hangup. Then the kernel signals the foreground
        // processes.
        var terminal = Tool("script", ["-q", "-e", "-c", command.commandLine + "; :", "/dev/null"], in: tool.directory)
        terminal.environment = tool.environment
        return terminal
      },
      act: { pid, output in
        try await untilTested(nil, output)
        var process = pid
        while let parent = ProcessStatus(process)?.parent, parent > 1 {
          process = parent
          if ProcFile.text("/proc/\(process)/comm") == "script\n" { kill(process, SIGKILL) }
        }
      })
    // patchbench continues without its parent.
    for _ in 0..<1200 where !FileManager.default.fileExists(atPath: status.string) {
      try await Task.sleep(for: .milliseconds(100))
    }
    let words = (try? String(contentsOfFile: status.string, encoding: .utf8))?.dropLast() ?? "nothing"
    let isClosed = run.status == .signaled(Int(SIGKILL))
    return try await Seen(
      words == "3" && isClosed && SeriesOutcome.read(run.output).count == 1,
      "the terminal \(run.status.words), patchbench ended with \(words)"
    ).and(bench.damage(run))
  }

  /// Sends a signal to a run whose guest has begun its tests.
  private static func stopped(_ name: String, _ signal: Int32, _ what: String) -> Fault {
    Fault(
      name: name, what: what, expected: stoppedWords,
      trial: .own { bench in
        let series = try await bench.harmless("stopped-\(signal)")
        let run = try await bench.run(
          [series], ["--retries", "0", "--fresh"],
          act: { pid, output in
            try await untilTested(nil, output)
            kill(pid, signal)
          })
        let isStopped = run.status == .exited(3) && run.errors.contains("stopped") && run.series.count == 1
        return try await Seen(isStopped, run.lastWords).and(bench.damage(run))
      })
  }
}
