// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import KernelBuild
import Reports
import SystemPackage
import Toolbox

/// Full disks.
extension Fault {
  static let diskFaults: [Fault] = [
    filling("disk/full-at-once", "as soon as the run has begun", when: "[ -s run/events.jsonl ]"),
    filling("disk/full-while-building", "while series build", when: "ls run/series/*/build.log"),
    filling(
      "disk/full-after-base", "as soon as the base is finished", when: "grep -q trialFinished run/events.jsonl"),
    Fault(
      name: "disk/full-cache", what: "the cache has no room to build a series",
      expected: "an error that blames the disk and not the series; exit status 3; nothing left behind",
      trial: .own { bench in
        let run = try await bench.run(
          [try await bench.harmless("full-cache")], FaultBench.Program.tests + ["--fresh"],
          wrap: {
            mounting(
              $0,
              """
              t=$(mktemp -d) && mount --bind "$1" "$t" && mount -t tmpfs -o size=48m none "$1/.." && mkdir "$1" \\
              && mount --bind "$t" "$1" && umount "$t" && rmdir "$t"
              """, bench.scratch)
          })
        let isSaid = run.errors.contains("no space left on the device")
        return try await Seen(run.status == .exited(3) && isSaid, run.lastWords).and(bench.damage(run))
      }),
    Fault(
      name: "disk/full-guests", what: "the disk that holds the guests' disks fills up while the tests run",
      expected: "the verdict of an undisturbed run",
      trial: .own { bench in
        let owner = getuid() == 0 ? "root" : "\(getuid())"
        let place = "/tmp/patchbench-\(owner)"
        let series = try await bench.harmless("full-guests")
        let filled = Filled()
        let run = try await bench.run(
          [series], ["--tests", "forward/*", "--retries", "0", "--fresh"],
          wrap: {
            mounting(
              $0, "unset XDG_RUNTIME_DIR; mkdir -p \(place) && mount -t tmpfs -o mode=700,size=600m none \(place)")
          },
          act: { pid, output in
            try await untilTested(series, output)
            // The run has its own mount namespace.
            let filler = Tool("sh", ["-c", "cat /dev/zero > \"$1\"", "sh", "/proc/\(pid)/root\(place)/filler"])
            if try await filler.run().errors.contains("No space left on device") { await filled.note() }
          })
        guard let outcome = run.series.first else { return Seen(false, run.lastWords) }
        return try await Seen(outcome.verdict == "clean" && run.status == .exited(0), outcome.words)
          .and(await filled.isFull ? nil : "the disk was never full").and(bench.damage(run))
      }),
    Fault(
      name: "disk/crafted-guests", what: "a guest is killed, and its disk is replaced with one that has links",
      expected: "inconclusive: the machine died; no host files in the evidence",
      trial: .own { bench in
        let series = try await bench.harmless("crafted-guests")
        let image = try await crafted(bench)
        let run = try await bench.run(
          [series], ["--tests", "forward/*", "--retries", "0", "--fresh"],
          act: { pid, output in
            try await untilTested(series, output)
            let disks = try await Tool("find", ["/tmp", "-path", "*/guest-patchbench-\(pid)-*/state"]).run().output
            for disk in disks.split(separator: "\n") {
              _ = try await Tool("cp", [image.string, String(disk)]).output()
            }
            for process in try await bench.guests(of: pid) { kill(process, SIGKILL) }
          })
        guard let outcome = run.series.first else { return Seen(false, run.lastWords) }
        let left = try FileManager.default.contentsOfDirectory(atPath: outcome.evidence.string).filter {
          $0.hasPrefix("state")
        }
        return try await Seen(
          outcome.verdict == "inconclusive" && outcome.words.contains("the machine died") && left.isEmpty,
          ([outcome.words] + left).joined(separator: "; ")
        ).and(bench.damage(run))
      }),
  ]

  /// Waits for the first result of a guest, of a series or of the base.
  static func untilTested(_ series: FilePath?, _ run: FilePath) async throws {
    let evidence = series.map { run.appending("series").appending($0.lastComponent!) } ?? run.appending("base")
    let results = evidence.appending("results.ktap").string
    while (try? String(contentsOfFile: results, encoding: .utf8))?.contains("\nok ") != true {
      try await Task.sleep(for: .milliseconds(50))
    }
  }

  /// Makes a disk with nothing that PID 1 would leave there.
  private static func crafted(_ bench: FaultBench) async throws -> FilePath {
    let root = bench.scratch.appending("crafted")
    let manager = FileManager.default
    try manager.createDirectory(atPath: root.appending("kmsg").string, withIntermediateDirectories: true)
    try manager.createSymbolicLink(
      atPath: root.appending("results").string, withDestinationPath: "../../../../etc/passwd")
    let image = bench.scratch.appending("crafted.img")
    _ = try await Tool(
      "mke2fs", ["-q", "-F", "-t", "ext2", "-m", "0", "-d", root.string, image.string, "16M"]
    ).output()
    return image
  }

  /// A run whose directory is on a separate disk. The disk fills up at some time, and is then freed to resume the run.
  /// - Parameter condition: a shell condition, checked ten times a second, with `run` as the run's directory.
  private static func filling(_ name: String, _ time: String, when condition: String) -> Fault {
    Fault(
      name: name, what: "the disk of a run's directory fills up \(time), and is then freed to resume the run",
      expected: "an error that says what to do; then, resumed or started again, the report of an undisturbed run",
      trial: .own { bench in try await fill(bench, name.replacing("/", with: "-"), when: condition) })
  }

  private static func fill(_ bench: FaultBench, _ name: String, when condition: String) async throws -> Seen {
    let series = try await subjects(bench)
    let whole = try await bench.run(series, FaultBench.Program.tests + ["--fresh"])
    let place = bench.scratch.appending(name)
    try FileManager.default.createDirectory(atPath: place.string, withIntermediateDirectories: true)
    let script = """
      mount -t tmpfs -o size=16m none "$1"; cd "$1"
      (until \(condition); do sleep 0.1; done; cat /dev/zero > filler) >/dev/null 2>&1 &
      shift; "$@" 2>errors >/dev/null; echo "run $?"; cat errors 2>/dev/null; rm -f filler
      if [ -e run/plan.json ]; then set -- resume run; else shift; fi
      "$0" "$@" >/dev/null 2>&1; echo "again $?"; cat run/report.json
      """
    let run = bench.program.tool(series, output: place.appending("run"))
    var tool = Tool(
      "unshare",
      ["--mount", "--propagation", "private"] + (getuid() == 0 ? [] : ["--user", "--map-root-user"]) + [
        "--", "sh", "-c", script, bench.program.executable.string, place.string, run.executable,
      ] + run.arguments)
    tool.environment = bench.program.environment
    let answer = try await tool.output(deadline: .seconds(3600))
    guard let begin = answer.firstIndex(of: "{") else { return Seen(false, String(answer.suffix(150))) }
    let report = try String(contentsOfFile: whole.output.appending("report.json").string, encoding: .utf8)
    let differences = try SteadyReport.differences(report, String(answer[begin...]))
    let isSaid = answer.contains("run 3") && answer.contains("no space left on the device") && answer.contains("  → ")
    return try await Seen(
      isSaid && differences.isEmpty,
      differences.first ?? (isSaid ? "the error, and then the same report" : String(answer.prefix(150)))
    ).and(bench.leftovers())
  }
}

/// Notes whether a disk was full.
private actor Filled {
  private(set) var isFull = false
  func note() { isFull = true }
}
