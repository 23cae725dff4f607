// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import KernelBuild
import Reports
import SystemPackage
import Toolbox

/// Faults from outside a run.
extension Fault {
  /// A preloaded library that sets patchbench's clock back one day as soon as a file exists. No other clock changes.
  private static let clock = """
    #define _GNU_SOURCE
    #include <dlfcn.h>
    #include <stdlib.h>
    #include <sys/time.h>
    #include <time.h>
    #include <unistd.h>

    int clock_gettime(clockid_t clock, struct timespec *now) {
      static int (*real)(clockid_t, struct timespec *);
      if (!real) *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
      int failure = real(clock, now);
      if (clock == CLOCK_REALTIME && access(getenv("STRANGE_CLOCK"), F_OK) == 0) now->tv_sec -= 86400;
      return failure;
    }

    time_t time(time_t *now) {
      struct timespec exact;
      clock_gettime(CLOCK_REALTIME, &exact);
      if (now) *now = exact.tv_sec;
      return exact.tv_sec;
    }

    int gettimeofday(struct timeval *now, void *zone) {
      struct timespec exact;
      clock_gettime(CLOCK_REALTIME, &exact);
      now->tv_sec = exact.tv_sec;
      now->tv_usec = exact.tv_nsec / 1000;
      return 0;
    }

    """

  /// Builds the library.
  /// - Returns: also the file that sets the clock back.
  static func clockLibrary(in place: FilePath) async throws -> (library: FilePath, mark: FilePath) {
    try FileManager.default.createDirectory(atPath: place.string, withIntermediateDirectories: true)
    let library = place.appending("clock.so")
    _ = try await Tool("gcc", ["-shared", "-fPIC", "-x", "c", "-o", library.string, "-"]).output(
      input: Array(clock.utf8))
    return (library, place.appending("back"))
  }

  /// Returns a tool whose clock is set back as soon as a file exists.
  static func clocked(_ tool: Tool, _ library: FilePath, _ mark: FilePath) -> Tool {
    var tool = tool
    tool.environment.merge(["LD_PRELOAD": library.string, "STRANGE_CLOCK": mark.string]) { $1 }
    return tool
  }

  static func clockSetBack(_ bench: FaultBench) async throws -> Seen {
    let (library, mark) = try await clockLibrary(in: bench.scratch.appending("clock"))
    let series = try await subjects(bench)
    let whole = try await bench.run(series, FaultBench.Program.tests + ["--fresh"])
    let run = try await bench.run(
      series, FaultBench.Program.tests + ["--fresh"],
      wrap: { clocked($0, library, mark) },
      act: { _, output in
        let events = output.appending("events.jsonl").string
        while (try? String(contentsOfFile: events, encoding: .utf8))?.contains("trialFinished") != true {
          try await Task.sleep(for: .milliseconds(50))
        }
        try Data().write(to: URL(filePath: mark.string))
      })
    func report(_ run: FaultBench.Ended) throws -> String {
      try String(contentsOfFile: run.output.appending("report.json").string, encoding: .utf8)
    }
    let text = try report(run)
    let first = try SteadyReport.differences(report(whole), text).first
    // The report must show that the clock was set back. Otherwise nothing was tested.
    let isSetBack = try startsAfterItsEnd(text)
    return try await Seen(
      first == nil && isSetBack, first ?? (isSetBack ? "the same report" : "its times do not show it")
    ).and(bench.damage(run))
  }

  private static func startsAfterItsEnd(_ report: String) throws -> Bool {
    struct Times: Decodable { var started, finished: String }
    let times = try JSONDecoder().decode(Times.self, from: Data(report.utf8))
    return times.finished < times.started
  }

  /// The id of nobody, a user without any rights here.
  private static let other = "65534"

  static func twoUsers(_ bench: FaultBench) async throws -> Seen {
    guard getuid() == 0 else { throw FaultError(message: "only root can become another user") }
    // The other user needs access, and root's checkout and cache may not give it.
    var template = Array("/tmp/patchbench-other-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw Errno(rawValue: errno) }
    let place = FilePath(String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self))
    defer { try? FileManager.default.removeItem(atPath: place.string) }
    let program = place.appending("patchbench")
    try FileManager.default.copyItem(atPath: bench.program.executable.string, toPath: program.string)
    guard chmod(place.string, 0o755) == 0, chmod(program.string, 0o755) == 0 else { throw Errno(rawValue: errno) }
    let own = place.appending("own")
    guard mkdir(own.string, 0o700) == 0, chown(own.string, 65534, 65534) == 0 else { throw Errno(rawValue: errno) }
    let cleaned = Cleaned()
    let run = try await bench.run(
      [try await bench.harmless("two-users")], ["--retries", "0", "--fresh"],
      act: { _, output in
        try await untilTested(nil, output)
        for cache in [own, bench.program.cache.root] {
          let clean = try await Tool(
            "setpriv",
            [
              "--reuid", other, "--regid", other, "--clear-groups", "--", program.string, "clean", "--json", "--cache",
              cache.string,
            ], environment: ["HOME": own.string, "PATH": "/usr/bin:/bin"]
          ).run()
          await cleaned.add(clean)
        }
      })
    let results = await cleaned.results
    let found = results.filter { $0.output.contains("\"owner\"") || $0.output.contains("patchbench-\(run.pid)") }
    let verdict = run.series.first?.verdict ?? run.lastWords
    let words = "\(verdict); clean \(results.map(\.status.words).joined(separator: ", "))"
    // In the other user's own cache, nothing can make `clean` fail.
    let isClean = results.count == 2 && results[0].status.isSuccess && found.isEmpty
    return try await Seen(isClean && verdict == "clean", words).and(bench.damage(run))
  }
}

/// Collects what the other user's `clean` printed.
private actor Cleaned {
  private(set) var results: [ToolResult] = []
  func add(_ result: ToolResult) { results.append(result) }
}
