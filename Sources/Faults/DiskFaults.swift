import Foundation
import Glibc
import KernelBuild
import Reports
import SystemPackage
import Toolbox

/// Disks that are full.
extension Fault {
  static let diskFaults: [Fault] = [
    filling("disk/full-at-once", "as soon as it has begun", when: "[ -s run/events.jsonl ]"),
    filling("disk/full-while-building", "while series are built", when: "ls run/series/*/build.log"),
    filling(
      "disk/full-after-base", "as soon as the base is finished", when: "grep -q trialFinished run/events.jsonl"),
    Fault(
      name: "disk/full-cache", what: "there is no room in the cache to build a series in",
      expected: "says so, and that it is not the series' fault; exit status 3; nothing left",
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
  ]

  /// Waits for the first result of a series' guest.
  static func untilTested(_ series: FilePath, _ run: FilePath) async throws {
    let results = run.appending("series").appending(series.lastComponent!).appending("results.ktap")
    while (try? String(contentsOfFile: results.string, encoding: .utf8))?.contains("\nok ") != true {
      try await Task.sleep(for: .milliseconds(50))
    }
  }

  /// A run whose directory is on a disk of its own, which is filled at some time, then freed for the run to be resumed.
  /// - Parameter condition: a shell's, looked at ten times a second where `run` is the run's directory.
  private static func filling(_ name: String, _ time: String, when condition: String) -> Fault {
    Fault(
      name: name, what: "the disk of a run's directory fills up \(time), and is freed for it to be resumed",
      expected: "says so and what to do; then, resumed or begun again, the report of a run that nobody touched",
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
    return Seen(
      isSaid && differences.isEmpty,
      differences.first ?? (isSaid ? "said, and then the same report" : String(answer.prefix(150))))
  }
}
