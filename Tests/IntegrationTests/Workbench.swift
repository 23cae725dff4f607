// SPDX-License-Identifier: Apache-2.0

import Bench
import BenchModel
import Foundation
import KernelBuild
import SeriesIntake
import SystemPackage
import TestSupport
import Testing
import Toolbox

/// What the integration tests run on: this checkout, its kernels and candidates, and the user's cache, so that the base
/// is built only once. Everything here is real.
struct Workbench {
  let scratch: Scratch
  let cache: Cache
  let environment = ProcessInfo.processInfo.environment

  init() throws {
    scratch = try Scratch()
    cache = try Cache(Cache.standardRoot(environment: environment))
  }

  static let home: FilePath = {
    // Tests/IntegrationTests/Workbench.swift
    var path = FilePath(#filePath)
    for _ in 0..<3 { path.removeLastComponent() }
    return path
  }()
  static let guestBinary = home.pushing(
    FilePath("GuestTests/.build/embedded/\(Architecture.host.name)/patchbench-guest"))
  static func series(_ relative: String) -> String { home.pushing(FilePath("Patches/\(relative)")).string }
  /// The program itself, which is built next to the tests.
  static let program = FilePath(URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().path)
    .removingLastComponent().appending("patchbench")

  static func checkout() throws -> Checkout {
    try Checkout(home: home, version: "test", suite: SuiteDefinition.standard)
  }

  static func kernel() throws -> KernelDefinition {
    try checkout().kernel("linux-6.12")
  }

  func base() async throws -> BaseBuild {
    let kernel = try Self.kernel()
    return try await BaseBuild.prepare(
      kernel, profile: kernel.profile("kasan"), cache: cache,
      jobs: ProcessInfo.processInfo.activeProcessorCount
    ) { _ in }
  }

  func plan(_ paths: [String], output: String, fresh: Bool = false) throws -> RunPlan {
    let kernel = try Self.kernel()
    let jobs = ProcessInfo.processInfo.activeProcessorCount
    return RunPlan(
      target: RunTarget(kernel: kernel, profile: try kernel.profile("kasan"), connection: nil, accelerator: .auto),
      series: try SeriesForms.find(paths),
      choices: RunChoices(
        tests: [], fresh: fresh, keepsMemory: false, stopsAtFirst: false, accepted: [], executor: .local),
      retryPolicy: RetryPolicy(retries: 0, repeats: 1),
      limits: RunLimits(
        resources: Resources(jobs: jobs, memory: Resources.spareMemory()), sandbox: Sandbox(jobs: jobs)),
      checkout: try Self.checkout(),
      place: RunPlace(
        cache: cache, output: scratch.path.appending(output), results: "results", environment: environment),
      purpose: .verdicts)
  }

  /// Runs a plan and reads its record back.
  func run(_ plan: RunPlan) async throws -> (record: RunRecord, directory: RunDirectory) {
    let (directory, interrupted) = try await BenchRun(plan, sinks: []).run()
    guard !interrupted, let record = RunRecord(try EventRecord.read(directory.events)) else {
      throw StageError.fault(.done, "the run left no complete record")
    }
    return (record, directory)
  }

  /// Returns the program with arguments, as a user would start it. It runs in the scratch directory.
  func program(_ arguments: [String]) -> Tool {
    var tool = Tool(Self.program.string, arguments, in: scratch.path)
    tool.environment = environment
    return tool
  }

  /// Returns the processes whose command line contains `text`.
  static func processes(_ text: String) async throws -> [Int32] { try await processes("-f", text) }

  /// Returns a diff that appends code to the end of each file.
  static func change(_ paths: [String], in tree: FilePath) throws -> String {
    try paths.map { path in
      let name = "patchbench_" + path.map { $0.isLetter ? $0 : "_" }
      let added =
        if path.hasSuffix(".S") { ["\(name):", "\t.globl \(name)", "\t.byte 1"] } else if path.hasSuffix(".h") {
          ["extern const char \(name)[2];"]
        } else { ["int \(name)(void);", "int \(name)(void)", "{", "\treturn 7;", "}"] }
      return try adding(added, to: path, in: tree)
    }.joined()
  }

  /// Returns a diff that appends lines to a file.
  static func adding(_ added: [String], to path: String, in tree: FilePath) throws -> String {
    let text = try String(contentsOfFile: tree.pushing(FilePath(path)).string, encoding: .utf8)
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
    return """
      diff --git a/\(path) b/\(path)
      --- a/\(path)
      +++ b/\(path)
      @@ -\(lines.count),1 +\(lines.count),\(1 + added.count) @@
       \(lines.last!)

      """ + added.map { "+\($0)\n" }.joined()
  }

  /// Returns all descendants of a process whose name, as the kernel has it, is `name`.
  static func descendants(of process: Int32, named name: String) -> [Int32] {
    var found: [Int32] = []
    var pending = [process]
    while let next = pending.popLast() {
      if ProcFile.text("/proc/\(next)/comm") == "\(name)\n" { found.append(next) }
      for thread in (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(next)/task")) ?? [] {
        let children = ProcFile.text("/proc/\(next)/task/\(thread)/children") ?? ""
        pending += children.split(separator: " ").compactMap { Int32($0) }
      }
    }
    return found
  }

  /// Returns the processes that pgrep finds with these arguments.
  static func processes(_ words: String...) async throws -> [Int32] {
    try await Tool("pgrep", words).run().output.split(separator: "\n").compactMap { Int32($0) }
  }
}

/// Calls `ask` several times a second until it returns an answer, for at most ten minutes. A busy machine needs two for
/// what takes half a minute on an idle one.
func patiently<Answer: Sendable>(
  _ otherwise: Comment, _ ask: () async throws -> Answer?
) async throws -> Answer {
  for _ in 0..<6000 {
    if let answer = try await ask() { return answer }
    try await Task.sleep(for: .milliseconds(100))
  }
  return try #require(nil as Answer?, otherwise)
}
