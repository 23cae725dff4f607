// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage
import Toolbox

/// Nights in a state directory of their own.
struct NightBench {
  private let bench: FaultBench
  /// Its scratch directory.
  let place: FilePath
  let state: FilePath
  /// A series that compiles to the same code, and one that does not apply: they need no guest.
  let same: FilePath
  let stale: FilePath

  init(_ bench: FaultBench, _ name: String) async throws {
    self.bench = bench
    place = bench.scratch.appending("nights-\(name)")
    state = place.appending("state")
    try FileManager.default.createDirectory(atPath: place.string, withIntermediateDirectories: true)
    same = try bench.maker.write(
      "nights-same", [try await bench.maker.adding("\n/* Nothing. */\n", to: "drivers/dma-buf/dma-buf.c")])
    let change = try await bench.maker.diff("drivers/dma-buf/dma-buf.c") {
      $0.replacing("\tvma_set_file(vma, dmabuf->file);\n", with: "")
    }
    stale = try bench.maker.write(
      "nights-stale", [change.replacing("-\tvma_set_file(vma, dmabuf->file);", with: "-\tvma_set_other(vma);")])
  }

  /// How a night ended.
  struct Ended: Sendable {
    var pid: pid_t
    var status: ToolStatus
    var text: String
    var errors: String
    var state: FilePath

    init(pid: pid_t, result: ToolResult, state: FilePath) {
      self.pid = pid
      status = result.status
      text = result.output
      errors = result.errors
      self.state = state
    }

    /// Its status and its last message.
    var words: String {
      let message = errors.split(separator: "\n").last { $0.hasPrefix("patchbench: ") } ?? ""
      let short = message.replacing("\(state.removingLastComponent())/", with: "")
      return String("\(status.words): \(short)".prefix(220))
    }

    /// The name of its directory, as it told it.
    var night: String? {
      errors.firstMatch(of: /night in [^\n]*\/nights\/([^\/;\s]+)/).map { String($0.output.1) }
    }

    private var directory: FilePath? { night.map { state.appending("nights").appending($0) } }

    /// Its mails, as it kept them.
    var mails: [FilePath] {
      guard let directory else { return [] }
      let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.string)) ?? []
      return names.filter { $0.hasSuffix(".eml") }.map { directory.appending($0) }
    }

    /// The report of its one run, as JSON.
    func report() throws -> String {
      guard let directory, let run = NightBench.runs(of: directory).first else {
        throw FaultError(message: "no night: \(words)")
      }
      return try String(contentsOfFile: run.appending("report.json").string, encoding: .utf8)
    }
  }

  /// Writes a matrix file.
  func matrix(_ name: String, _ series: [FilePath]? = nil, owner: String? = nil) throws -> FilePath {
    let file = place.appending("\(name).yaml")
    let from = (series ?? [same, stale]).map { "\"\($0)\"" }.joined(separator: ", ")
    let lines = [
      owner.map { "owner: \($0)" },
      "groups: {q: {kernels: \(value("--kernel")), profiles: \(value("--profile"))}}",
      "series: [{from: [\(from)], groups: q}]",
    ]
    try Data(lines.compactMap { $0 }.joined(separator: "\n").utf8).write(to: URL(filePath: file.string))
    return file
  }

  private func value(_ option: String) -> String {
    let options = bench.program.options
    return options.firstIndex(of: option).map { options[$0 + 1] } ?? ""
  }

  /// The options that are not those of a cell.
  private var options: [String] {
    let all = bench.program.options
    return stride(from: 0, to: all.count, by: 2).filter { !["--kernel", "--profile"].contains(all[$0]) }.flatMap {
      all[$0..<$0 + 2]
    }
  }

  private func words(_ matrix: FilePath, _ state: FilePath) -> [String] {
    ["nightly", matrix.string, "--state", state.string] + options
  }

  /// Does a night, or goes on with the last one.
  /// - Parameter act: runs in parallel to it.
  func night(
    _ matrix: FilePath, _ more: [String] = [], in other: FilePath? = nil, wrap: (Tool) -> Tool = { $0 },
    act: @escaping @Sendable (pid_t) async throws -> Void = { _ in }
  ) async throws -> Ended {
    let state = other ?? state
    let (pid, result) = try await bench.start(
      words(matrix, state) + more, in: place.appending("process-\(UUID().uuidString.prefix(8))"), wrap: wrap, act: act)
    return Ended(pid: pid, result: result, state: state)
  }

  /// Returns the command of a night.
  func tool(_ matrix: FilePath, in state: FilePath) -> Tool { program(words(matrix, state)) }

  func program(_ words: [String]) -> Tool {
    var tool = Tool(bench.program.executable.string, words, in: place)
    tool.environment = bench.program.environment
    return tool
  }

  /// Returns the answer of `patchbench history`, with its status.
  func history(_ words: [String], in other: FilePath? = nil) async throws -> ToolResult {
    try await program(["history"] + words + ["--state", (other ?? state).string]).run()
  }

  /// Returns each trial in the history, in order: the series, the verdict, whether it has evidence.
  func rows(_ other: FilePath? = nil) async throws -> [String] {
    struct Trial: Decodable {
      var name: String
      var verdict: String
      var hasEvidence: Bool
    }
    var rows: [String] = []
    for name in ["nights-same", "nights-stale"] {
      let answer = try await history(["series", name, "--json"], in: other)
      // A series that is not there has no rows.
      guard answer.status.isSuccess else { continue }
      rows += try JSONDecoder().decode([Trial].self, from: Data(answer.output.utf8)).map {
        "\($0.name) \($0.verdict)" + ($0.hasEvidence ? "" : ", no evidence")
      }
    }
    return rows
  }

  /// Returns the rows that undisturbed nights give.
  static func rows(_ same: Int, _ stale: Int? = nil) -> [String] {
    Array(repeating: "nights-same clean", count: same)
      + Array(repeating: "nights-stale does-not-apply", count: stale ?? same)
  }

  /// Returns the runs that were begun in the nights of a matrix.
  static func runs(_ state: FilePath, of matrix: String) -> [FilePath] {
    let nights = state.appending("nights")
    let names = (try? FileManager.default.contentsOfDirectory(atPath: nights.string)) ?? []
    // Behind the time.
    return names.filter { $0.dropFirst(16) == matrix || $0.dropFirst(16).hasPrefix("\(matrix)-") }.sorted().flatMap {
      runs(of: nights.appending($0))
    }
  }

  private static func runs(of night: FilePath) -> [FilePath] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: night.string)) ?? []
    return names.map { night.appending($0) }.filter {
      FileManager.default.fileExists(atPath: $0.appending("plan.json").string)
    }
  }

  /// Returns how many nights are over.
  static func nightsOver(_ state: FilePath) -> Int {
    let nights = state.appending("nights")
    return ((try? FileManager.default.contentsOfDirectory(atPath: nights.string)) ?? []).count {
      let file = nights.appending($0).appending("night.json").string
      return (try? String(contentsOfFile: file, encoding: .utf8))?.contains("\"isOver\" : true") == true
    }
  }

  /// Whether the guest of a run's base has answered a test.
  static func hasAnswered(_ run: FilePath) -> Bool {
    let results = run.appending("base").appending("results.ktap").string
    return (try? String(contentsOfFile: results, encoding: .utf8))?.contains("\nok ") == true
  }

  /// Returns what nights left behind or damaged; `nil` if nothing.
  func damage(_ nights: [Ended]) async throws -> String? {
    for night in nights {
      let run = FaultBench.Ended(
        pid: night.pid, status: night.status, errors: night.errors, series: [], output: night.state)
      // A killed one leaves files until the next one cleans up.
      if night.status != .signaled(9), let damage = try await bench.damage(run) { return damage }
    }
    return nil
  }
}
