// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import Glibc
import KernelBuild
import SystemPackage
import Toolbox

/// The bench that faults are tried on: a built base, the program itself, and checks for leftovers and damage.
public struct FaultBench: Sendable {
  var base: BaseBuild
  var scratch: FilePath
  var program: Program
  var maker: SeriesMaker
  var listener: Listener
  /// How often runs are killed.
  var kills: Int

  /// patchbench itself, started as a user would start it.
  struct Program: Sendable {
    var executable: FilePath
    /// The options of every run: kernel, profile, cache, and the checkout.
    var options: [String]
    var cache: Cache
    var environment: [String: String]
    /// The fewest tests that give a verdict, for rows in which the tests do not matter.
    static let tests = ["--tests", "forward/vgem-to-vkms/*", "--retries", "0"]

    /// Returns the command that starts a short run of series, or resumes it if it has begun.
    func tool(_ series: [FilePath], output: FilePath) -> Tool {
      let isBegun = FileManager.default.fileExists(atPath: output.appending("plan.json").string)
      var tool = Tool(
        executable.string,
        isBegun
          ? ["resume", output.string]
          : ["run"] + series.map(\.string) + ["--output", output.string, "--fresh"] + options + Self.tests,
        in: output.removingLastComponent())
      tool.environment = environment
      return tool
    }
  }

  /// How a run of the program ended.
  struct Ended: Sendable {
    var pid: pid_t
    var status: ToolStatus
    var errors: String
    /// What its report says about each series; empty if there is no report.
    var series: [SeriesOutcome]
    var output: FilePath

    /// Its last error message.
    var lastWords: String {
      String((errors.split(separator: "\n").last { $0.hasPrefix("patchbench: ") } ?? "").prefix(200))
    }
  }

  /// Runs series in a new directory, until the run ends.
  /// - Parameter act: gets the program's process id as soon as it is known, and runs in parallel to it.
  func run(
    _ paths: [FilePath], _ more: [String] = Program.tests, wrap: (Tool) -> Tool = { $0 },
    act: @escaping @Sendable (pid_t, FilePath) async throws -> Void = { _, _ in }
  ) async throws -> Ended {
    let place = scratch.appending("run-\(UUID().uuidString.prefix(8))")
    let output = place.appending("output")
    let (pid, result) = try await start(
      ["run"] + paths.map(\.string) + ["--output", output.string] + program.options + more, in: place, wrap: wrap
    ) { try await act($0, output) }
    return Ended(
      pid: pid, status: result.status, errors: result.errors, series: SeriesOutcome.read(output), output: output)
  }

  /// Runs the program in a new directory, until it ends.
  /// - Parameter act: gets the program's process id as soon as it is known, and runs in parallel to it.
  func start(
    _ words: [String], in place: FilePath, wrap: (Tool) -> Tool = { $0 },
    act: @escaping @Sendable (pid_t) async throws -> Void = { _ in }
  ) async throws -> (pid: pid_t, result: ToolResult) {
    try FileManager.default.createDirectory(atPath: place.string, withIntermediateDirectories: true)
    let number = place.appending("pid")
    // exec keeps the process id that the shell has written.
    var tool = Tool(
      "sh",
      ["-c", "echo $$ > \"$1\"; shift; exec \"$@\"", "sh", number.string, program.executable.string] + words, in: place)
    tool.environment = program.environment
    let wrapped = wrap(tool)
    let result = try await withThrowingTaskGroup(of: ToolResult?.self) { group in
      group.addTask { try await wrapped.run(deadline: .seconds(3600)) }
      group.addTask {
        while true {
          if let pid = Self.pid(number) {
            try await act(pid)
            return nil
          }
          try await Task.sleep(for: .milliseconds(20))
        }
      }
      defer { group.cancelAll() }
      while let next = try await group.next() { if let next { return next } }
      throw CancellationError()
    }
    return (Self.pid(number) ?? 0, result)
  }

  private static func pid(_ file: FilePath) -> pid_t? {
    (try? String(contentsOfFile: file.string, encoding: .utf8)).flatMap { pid_t($0.dropLast()) }
  }

  /// Returns the directories, processes and guests that killed runs left behind, as patchbench itself finds them; `nil`
  /// if there are none.
  func leftovers() async throws -> String? {
    struct Leftovers: Decodable {
      struct Entry: Decodable { var name: String }
      var directories, guests, processes: [Entry]
    }
    var tool = Tool(
      program.executable.string, ["clean", "--dry-run", "--json", "--cache", program.cache.root.string])
    tool.environment = program.environment
    let left = try JSONDecoder().decode(Leftovers.self, from: Data(try await tool.output().utf8))
    let names = (left.directories + left.guests + left.processes).map(\.name)
    return names.isEmpty ? maker.bait.damage() : "left: \(names.joined(separator: ", "))"
  }

  /// Returns what a finished run left behind or damaged; `nil` if nothing.
  func damage(_ run: Ended) async throws -> String? {
    if let damage = maker.bait.damage() { return damage }
    if run.errors.contains("\u{1b}") { return "an escape code on standard error, which is not a terminal" }
    if listener.wasReached { return "a port on the host was reached" }
    if try await maker.bait.isFound(in: run.output) { return "a private file's content is in the run's directory" }
    let work = program.cache.root.appending("work")
    let left = (try? FileManager.default.contentsOfDirectory(atPath: work.string)) ?? []
    if let name = left.first(where: { $0.hasPrefix("\(run.pid)-") }) { return "\(name) was left in the cache" }
    for process in (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? [] where pid_t(process) != nil {
      let words = ProcFile.text("/proc/\(process)/cmdline") ?? ""
      let mounts = ProcFile.text("/proc/\(process)/mountinfo") ?? ""
      // The names of guests and of work directories have the program's process id.
      if words.contains("patchbench-\(run.pid)-") || words.contains("\(work)/\(run.pid)-")
        || mounts.contains("\(work)/\(run.pid)-")
      {
        return "a process was left: \(words.replacing("\0", with: " ").prefix(100))"
      }
    }
    return nil
  }
}

/// What a run's report.json says about one series.
struct SeriesOutcome: Sendable {
  var name: String
  var verdict: String
  var reasons: [String]
  /// How its trial ended: `completed`, `fault`, ….
  var outcome: String
  /// The series' evidence.
  var evidence: FilePath

  /// `does-not-build: make was ended: …`
  var words: String { String((["\(verdict)"] + reasons.prefix(1)).joined(separator: ": ").prefix(160)) }

  /// Reads the outcomes of a run; empty if there is no report.
  static func read(_ run: FilePath) -> [SeriesOutcome] {
    struct Document: Decodable {
      struct Cell: Decodable { var outcome: String }
      struct Series: Decodable {
        var name: String
        var verdict: String
        var reasons: [String]
        var cells: [Cell]
      }
      var series: [Series]
    }
    guard let data = FileManager.default.contents(atPath: run.appending("report.json").string),
      let document = try? JSONDecoder().decode(Document.self, from: data)
    else { return [] }
    return document.series.map { one in
      SeriesOutcome(
        name: one.name, verdict: one.verdict, reasons: one.reasons, outcome: one.cells.first?.outcome ?? "",
        evidence: run.appending("series").appending(one.name))
    }
  }
}
