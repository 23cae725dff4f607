// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import GuestMachine
import GuestProtocol
import KernelBuild
import KernelCode
import SystemPackage
import Toolbox
public import Verdicts

/// Which tests run which functions and lines, as counted in guests that run the base's own image.
///
/// Up to a changed line, everything runs as on the base. So only tests that run the line can notice a difference, and
/// the others need not run. If it is not known which tests run the line, the tests that run its function run first.
public struct BaseReach: Codable, Sendable, Hashable {
  /// The tests that ran each function. An inlined function counts under the functions that it was inlined into.
  public var tests: [String: Set<String>]
  /// The state of each line of the functions, by file and line; `nil` if lines were not examined.
  public var lines: [LineFate]?

  init(_ execution: Execution) { tests = execution.runs.mapValues { Set($0.keys) } }

  /// Returns the tests that run the lines of the base that a change replaces.
  ///
  /// Tests that run a line of these functions which few tests run come first. They also run what the other tests run,
  /// and notice more. If no test runs one of the lines, all tests that run its function are returned, because counts
  /// only cover what the compiler left of a line.
  /// - Parameters:
  ///   - all: all tests in the order in which they would run. Those that can change the machine for later ones stay last.
  ///   - change: a change that moves no line.
  /// - Returns: at least one test; `nil` if it is not known for every line which tests run it.
  func runners(_ all: [String], of change: CodeChange?) -> [String]? {
    guard let lines, let changed = change?.lines, changed.failure == nil, changed.omitted == 0 else { return nil }
    let places = Set(changed.lines.filter { !$0.follows }.map(\.name))
    let known = lines.filter { places.contains($0.line.name) && ![.noCode, .declaration].contains($0.state) }
    guard !known.isEmpty, known.allSatisfy({ [.ran, .oneWay, .notRun].contains($0.state) && $0.line.function != nil })
    else { return nil }
    let functions = Set(known.compactMap(\.line.function))
    let beside = lines.filter { $0.line.function.map(functions.contains) == true }
    let isRun = known.allSatisfy { $0.state != .notRun }
    let near = (isRun ? known : beside).reduce(into: Set<String>()) { $0.formUnion($1.tests) }
    let found = all.filter(near.contains)
    // A guest must run at least one test to show that its kernel works.
    if found.isEmpty { return Array(all.prefix(1)) }
    var fewest: [String: Int] = [:]
    for line in beside {
      for test in line.tests { fewest[test] = min(fewest[test] ?? .max, line.tests.count) }
    }
    return Self.ranked(found.filter { !Self.staysLast($0) }) { fewest[$0] ?? .max } + found.filter(Self.staysLast)
  }

  /// Sorts tests by rank, and those of equal rank by question: if one test notices nothing, the same question with other
  /// drivers seldom does.
  private static func ranked(_ tests: [String], by rank: (String) -> Int) -> [String] {
    spread(tests, by: rank, over: question)
  }

  /// Sorts tests by rank. Among those of equal rank, one of each kind comes first, then the next of each, and so on.
  private static func spread(_ tests: [String], by rank: (String) -> Int, over kind: (String) -> String) -> [String] {
    var taken: [Place: Int] = [:]
    let placed = tests.enumerated().map { offset, test in
      let place = Place(rank: rank(test), kind: kind(test))
      taken[place, default: 0] += 1
      return (test: test, order: (place.rank, taken[place]!, offset))
    }
    return placed.sorted { $0.order < $1.order }.map(\.test)
  }

  /// Returns one test of each question, those that do what few others do first. Among those that are equal in that, one
  /// of each group comes first, then the next of each: the tests of a group are the most alike. Tests that can change the
  /// machine for later ones are left out.
  /// - Parameters:
  ///   - most: how many tests at most.
  ///   - rarity: by test, how many tests do the rarest thing that it does; a test without a number is common.
  static func samples(_ tests: [String], most: Int, rarity: [String: Int]) -> [String] {
    func rank(_ test: String) -> Int { rarity[test] ?? .max }
    var seen: Set<String> = []
    let first = ranked(tests.filter { !staysLast($0) }, by: rank).filter { seen.insert(question(of: $0)).inserted }
    return Array(spread(first, by: rank) { String($0.split(separator: "/").first ?? "") }.prefix(most))
  }

  private struct Place: Hashable {
    var rank: Int
    var kind: String
  }

  /// Returns the name of a test, such as `forward/vgem-to-vkms/vm-file`, without the drivers.
  private static func question(of test: String) -> String {
    let parts = test.split(separator: "/")
    return "\(parts.first ?? "")/\(parts.last ?? "")"
  }

  /// Whether a test can change the machine for later tests: it removes a device, or leaves thousands of buffers if it
  /// fails, which every later count has to read.
  private static func staysLast(_ test: String) -> Bool {
    test.hasSuffix("/unbind") || test.hasSuffix("/unload") || test.hasPrefix("scale/")
  }

  /// Returns all tests. Those that run a changed function come first.
  func order(_ all: [String], for change: CodeChange?) -> [String] {
    let near = (change?.runningFunctions ?? []).reduce(into: Set<String>()) { $0.formUnion(tests[$1] ?? []) }
    return Self.order(all, first: near)
  }

  /// Returns all tests, some of them first. Those that can change the machine for later ones stay last.
  static func order(_ all: [String], first near: Set<String>) -> [String] {
    let steady = all.filter { !staysLast($0) }
    return ranked(steady.filter(near.contains)) { _ in 0 } + steady.filter { !near.contains($0) }
      + all.filter(staysLast)
  }

  /// Reads what a run found out; `nil` if it did not look, or could not.
  public init?(in directory: RunDirectory) {
    guard let text = FileManager.default.contents(atPath: directory.reach.string),
      let known = try? JSONDecoder().decode(BaseReach.self, from: text)
    else { return nil }
    self = known
  }
}

/// How many instructions one guest counts. Each takes it some milliseconds, and its counts have to be stored.
private let mostProbes = 2500

extension TrialRunner {
  /// Finds out with separate guests which tests run which functions of the base, or returns an earlier result.
  /// - Parameters:
  ///   - expected: the functions.
  ///   - directory: the run's directory, where the result is written.
  ///   - kept: the file that caches the result for other runs under the same conditions.
  /// - Returns: `nil` if nothing could be counted. The tests then keep their own order.
  func reach(
    _ expected: ExpectedChanges, in directory: RunDirectory, kept: FilePath, scratch: FilePath
  ) async throws -> BaseReach? {
    if let known = BaseReach(in: directory) { return known }
    if let kept = FileManager.default.contents(atPath: kept.string) {
      try DurableFile.write(Array(kept), to: directory.reach)
      return BaseReach(in: directory)
    }
    let place = scratch.appending("reach")
    try FileManager.default.createDirectory(atPath: place.string, withIntermediateDirectories: true)
    var lines: [ChangedLine] = []
    var probes: [LinePlan.Probe] = []
    if expected.lines {
      events.send(.progress(series: nil, stage: .build, text: "locating lines"))
      let tree = try await SeriesTree.make(base, method: method, cage: nil, scratch: place.appending("tree"))
      (lines, probes) = try await tree.lines(of: expected.byFile, jobs: resources.jobs)
    }
    let parts = max(1, (probes.count + mostProbes - 1) / mostProbes)
    let counted = try await withThrowingTaskGroup(of: Execution?.self) { group in
      for part in 0..<parts {
        let numbers = probes.indices.dropFirst(part * mostProbes).prefix(mostProbes)
        let asked = Array(probes[numbers])
        group.addTask {
          let functions = part == 0 ? expected.functions : []
          return try await count(functions, asked, in: place.appending("\(part)"))?.numbered(from: part * mostProbes)
        }
      }
      var all: [Execution?] = []
      for try await one in group { all.append(one) }
      return all
    }
    let whole = counted.compactMap { $0 }
    guard whole.count == parts else { return nil }
    let execution = whole.reduce(Execution()) { $0.adding($1) }
    var reach = BaseReach(execution)
    if expected.lines {
      reach.lines = ChangedLines(lines: lines).fates(execution)
        .sorted { ($0.line.file, $0.line.number) < ($1.line.file, $1.line.number) }
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    let text = Array(try encoder.encode(reach))
    try DurableFile.write(text, to: directory.reach)
    try DurableFile.write(text, to: kept)
    return reach
  }

  /// Runs one guest of the base and returns its counts.
  /// - Returns: `nil` if it could not count, or did not complete.
  private func count(
    _ functions: [CodeChange.Function], _ probes: [LinePlan.Probe], in place: FilePath
  ) async throws -> Execution? {
    try FileManager.default.createDirectory(atPath: place.string, withIntermediateDirectories: true)
    guard var trace = try await base.trace(functions, probes: probes) else { return nil }
    trace.request.all = true
    let bootable = Bootable(
      image: base.image, initramfs: place.appending("initramfs.cpio"), trace: trace, modules: driver.modules,
      asked: asked)
    try await Initramfs.write(
      asked.extras(bootable.modules, trace: trace), behind: prepared.initramfs,
      to: bootable.initramfs, scratch: place)
    let run = try await resources.guest {
      events.send(.progress(series: nil, stage: .tests, text: "finding which tests run which code"))
      var aside = Trial(series: nil, cell: rules.cell, seconds: StageSeconds(), reused: false, result: .interrupted)
      return try await guest("", bootable, GuestOptions(testSeconds: clocks.test), evidence: place, trial: &aside)
    }
    guard run.ending == .completed, let execution = run.execution, execution.failure == nil else { return nil }
    return execution
  }
}

extension Execution {
  /// Returns the same counts with probe numbers that start at `first`.
  fileprivate func numbered(from first: Int) -> Execution {
    func moved<Value>(_ values: [Int: Value]?) -> [Int: Value]? {
      values.map { Dictionary(uniqueKeysWithValues: $0.map { ($0.key + first, $0.value) }) }
    }
    var other = self
    other.probes = moved(probes)
    other.refused = moved(refused)
    return other
  }
}
