// SPDX-License-Identifier: Apache-2.0

import Bench
import BenchModel
import Foundation
import KernelBuild
import SeriesIntake
import SystemPackage
import Toolbox

/// virtme-ng, the tool that many developers use today, used as they use it: its own configuration plus our config
/// fragments, its own build in its own tree, and its own guest with the host's file system. The guest runs the same
/// tests.
struct VirtmeNG {
  var executable: String
  /// Its own source tree. It is built once and kept in the cache, because that takes many minutes.
  var tree: FilePath
  var guestBinary: FilePath
  /// A separate copy of the test driver's sources, next to the tree.
  var driver: FilePath
  /// The suite's devices.
  var devices: [String]
  /// Which tests run.
  var tests: [String]
  var jobs: Int
  var environment: [String: String]

  /// Finds `vng` in the user's PATH.
  static func find(_ environment: [String: String]) -> String? {
    let places = (environment["PATH"] ?? "").split(separator: ":")
    return places.map { "\($0)/vng" }.first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  /// Configures and builds the tree and the test driver, if needed.
  func prepare(fragments: FilePath, log: FilePath) async throws {
    if !FileManager.default.fileExists(atPath: tree.appending(".config").string) {
      try await expect(vng(["--kconfig", "--config", fragments.string]), log: log)
    }
    try await build(log: log)
    // Once is enough, because no measured series changes what the driver is built from.
    try await expect(Tool("make", ["M=\(driver)", "modules"], in: tree), log: log)
  }

  func build(log: FilePath) async throws { try await expect(vng(["--build", "--jobs", "\(jobs)"]), log: log) }

  /// Boots the built kernel and runs all tests.
  /// - Returns: how many tests answered.
  func test(log: FilePath) async throws -> Int {
    // virtme-ng passes the words of --exec on the kernel command line, which is too short for many test names.
    let script = driver.appending("run.sh")
    try Data("insmod \(driver)/pbtest.ko && exec \(guestBinary) --run \(tests.joined(separator: " "))\n".utf8)
      .write(to: URL(filePath: script.string))
    try await expect(
      vng(
        [
          "--run", ".", "--disable-kvm", "--cpus", "2", "--memory", "1G", "--user", "root",
          // They may be in a directory where the guest mounts its own file system, such as /tmp.
          "--rodir", driver.string, "--rodir", guestBinary.removingLastComponent().string,
          "--exec", "sh \(script)",
        ] + devices.map { "--qemu-opts=-device \($0)" }), log: log)
    let text = (try? String(contentsOfFile: log.string, encoding: .utf8)) ?? ""
    return text.split(whereSeparator: \.isNewline).count { $0.hasPrefix("ok ") || $0.hasPrefix("not ok ") }
  }

  func apply(_ series: ReadSeries, reverse: Bool = false) async throws {
    for diff in reverse ? series.diffs.reversed() : series.diffs {
      _ = try await Git.tool(["apply"] + (reverse ? ["-R"] : []) + ["--", diff.string], in: tree).output()
    }
  }

  private func vng(_ arguments: [String]) -> Tool {
    var tool = Tool(executable, arguments, in: tree)
    tool.environment = environment
    return tool
  }

  private func expect(_ tool: Tool, log: FilePath) async throws {
    let status = try await tool.run(log: log, deadline: .seconds(2 * 3600)) { _ in }
    if !status.isSuccess {
      let text = (try? String(contentsOfFile: log.string, encoding: .utf8)) ?? ""
      throw BenchmarkError(message: "\(tool.commandLine) \(status.words): \(text.suffix(500))")
    }
  }
}

extension Workshop {
  /// Compares a one-file series with virtme-ng: apply, build, boot, and the same tests.
  func virtmeNG(_ comparison: inout Comparison) async throws {
    guard let executable = VirtmeNG.find(benchmark.place.environment) else {
      throw BenchmarkError(message: "no vng in PATH; `pip install virtme-ng`, which also needs kmod and udev")
    }
    let version = try await Tool(executable, ["--version"], environment: benchmark.place.environment).output()
      .trimmingCharacters(in: .whitespacesAndNewlines)
    comparison.theirs += " (\(version))"
    let name = "virtme-ng-\(base.key.prefix(12))"
    let home = benchmark.place.cache.benchmark.appending(name)
    let lock = try await FileLock.wait(benchmark.place.cache.benchmark.appending("\(name).lock"), .exclusive) {
      benchmark.progress("waiting for another benchmark to release virtme-ng's tree")
    }
    defer { lock.release() }
    let other = VirtmeNG(
      executable: executable, tree: home.appending("tree"), guestBinary: benchmark.checkout.guestBinary,
      driver: home.appending("driver"),
      devices: benchmark.checkout.suite.devices, tests: tests, jobs: benchmark.jobs,
      environment: benchmark.place.environment)
    await Cache.remove(other.driver)
    try FileManager.default.createDirectory(atPath: home.string, withIntermediateDirectories: true)
    try FileManager.default.copyItem(atPath: benchmark.checkout.driver.string, toPath: other.driver.string)
    let log = scratch.appending("virtme-ng.log")
    if !FileManager.default.fileExists(atPath: other.tree.string) {
      // Unpacked elsewhere and then moved into place, so that a half-unpacked tree is never used.
      let partial = home.appending("unpacking")
      await Cache.remove(partial)
      try await benchmark.target.kernel.unpack(to: partial, cache: benchmark.place.cache)
      try FileManager.default.moveItem(atPath: partial.string, toPath: other.tree.string)
    }
    // `cache prune` takes the age as the time of last use.
    try FileManager.default.setAttributes([.modificationDate: Date()], ofItemAtPath: home.string)
    // A benchmark that was stopped may have left its series applied.
    let source = FilePath("drivers/dma-buf/dma-buf.c")
    let original = try Data(contentsOf: URL(filePath: base.tree.pushing(source).string))
    let there = URL(filePath: other.tree.pushing(source).string)
    if try Data(contentsOf: there) != original { try original.write(to: there) }
    benchmark.progress("virtme-ng's own build; the first one takes many minutes")
    try await other.prepare(fragments: base.fragments, log: log)
    var results: [Double] = []
    var builds: [Double] = []
    for number in 1...benchmark.pairs {
      say(.virtmeNG, number)
      let one = try series.write("vng-\(number)", [(source.string, 10_000 + number)])
      guard let source = try SeriesForms.find([one.string]).first else { continue }
      let read = try await source.read(into: scratch.appending("vng-diffs-\(number)"), cage: nil)
      comparison.pairs.append(
        try await pair(number) {
          try await program.run(one, name: "vng-\(number)").seconds
        } theirs: {
          let begun = ContinuousClock.now
          try await other.apply(read)
          try await other.build(log: log)
          builds.append((.now - begun) / .seconds(1))
          let answers = try await other.test(log: log)
          guard answers == tests.count else {
            throw BenchmarkError(
              message: "\(answers) of \(tests.count) tests answered in virtme-ng's guest; see \(log)")
          }
          results.append(Double(answers))
          return (.now - begun) / .seconds(1)
        })
      try await other.apply(read, reverse: true)
    }
    comparison.figures = [
      Comparison.Figure("virtme-ng's build alone", unit: "s", builds),
      Comparison.Figure("tests that answered in its guest", unit: "tests", results),
    ]
  }
}
