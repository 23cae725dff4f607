import BenchModel
import Foundation
import GuestMachine
import GuestProtocol
import KernelBuild
import SystemPackage
import Toolbox

/// Which tests run which functions, as a guest of the base's own image counted.
///
/// The tests that run what a series changes are asked first: if anything is wrong with it, they are the first to know.
struct BaseReach: Codable, Sendable, Hashable {
  /// From a function to the tests that ran it. A function that was inlined is found in those that it was inlined into.
  var tests: [String: Set<String>]

  init(_ execution: Execution) { tests = execution.runs.mapValues { Set($0.keys) } }

  /// All tests, those that run a changed function first; otherwise in the order in which they are given.
  func order(_ all: [String], for change: CodeChange?) -> [String] {
    let names = (change?.functions.map(\.name) ?? []) + (change?.pieces.flatMap(\.carriers) ?? [])
    let near = names.reduce(into: Set<String>()) { $0.formUnion(tests[$1] ?? []) }
    return all.filter(near.contains) + all.filter { !near.contains($0) }
  }
}

extension TrialRunner {
  /// Finds out which tests run which functions of the base, by a guest of its own; or finds what was found before.
  /// - Parameters:
  ///   - functions: those that series are expected to change.
  ///   - file: where the answer is kept.
  /// - Returns: `nil` if nothing could be counted: the tests then have no better order than their own.
  func reach(_ functions: [CodeChange.Function], keptIn file: FilePath, scratch: FilePath) async throws -> BaseReach? {
    if let known = FileManager.default.contents(atPath: file.string),
      let reach = try? JSONDecoder().decode(BaseReach.self, from: known)
    {
      return reach
    }
    events.send(.progress(series: nil, stage: .tests, text: "which tests run what"))
    guard let trace = try await base.trace(functions) else { return nil }
    let place = scratch.appending("reach")
    try FileManager.default.createDirectory(atPath: place.string, withIntermediateDirectories: true)
    let bootable = Bootable(
      image: base.image, initramfs: place.appending("initramfs.cpio"), trace: trace, driver: driver.result.forGuest)
    try await Initramfs.write(
      extras(bootable.driver, trace: trace, testSeconds: clocks.test), behind: plainInitramfs,
      to: bootable.initramfs, scratch: place)
    let run = try await resources.guest {
      var aside = Trial(series: nil, cell: cell, seconds: StageSeconds(), reused: false, result: .interrupted)
      return try await guest(
        "", bootable, GuestOptions(testSeconds: clocks.test), evidence: place, trial: &aside)
    }
    guard run.ending == .completed, let execution = run.execution, execution.failure == nil else { return nil }
    let reach = BaseReach(execution)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    try DurableFile.write(Array(try encoder.encode(reach)), to: file)
    return reach
  }
}
