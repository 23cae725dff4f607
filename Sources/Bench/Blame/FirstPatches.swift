// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import GuestMachine
import GuestProtocol
import KernelBuild
import SeriesIntake
import SystemPackage

/// A kernel with only the first patches of a series.
struct FirstPatches {
  var trial: Trial
  /// `nil` if there is nothing to boot; the trial says why.
  var bootable: Bootable?
  /// The directory of its evidence.
  var evidence: FilePath
  /// A directory that is removed at its end.
  var scratch: FilePath
}

extension TrialRunner {
  /// Builds the first patches of a series and passes the kernel to `body`. Nothing of the series' own trial is changed.
  ///
  /// Only what differs in the compiled code is examined: what the verdict needs besides is known of the whole series.
  /// - Parameters:
  ///   - number: how many patches.
  ///   - evidence: the series' directory.
  func withFirst<Result>(
    _ number: Int, of one: ReadSeries, evidence: FilePath, scratch: FilePath,
    _ body: (inout FirstPatches) async throws -> Result
  ) async throws -> Result {
    let count = one.series.patches.count
    events.send(
      .progress(series: one.series.name, stage: .build, text: "the first \(number) of \(count) patches"))
    let manager = FileManager.default
    let name = "patch-\(number)"
    var place = evidence.appending(name)
    var again = 2
    while manager.fileExists(atPath: place.string) {
      place = evidence.appending("\(name)-\(again)")
      again += 1
    }
    let keep = scratch.appending("\(name)-\(UUID().uuidString)")
    for directory in [place, keep] {
      try manager.createDirectory(atPath: directory.string, withIntermediateDirectories: true)
    }
    defer { try? manager.removeItem(atPath: keep.string) }
    var part = one
    part.series.patches.removeLast(count - number)
    part.diffs.removeLast(count - number)
    for diff in part.diffs.compactMap(\.lastComponent) {
      try manager.copyItem(atPath: evidence.appending(diff).string, toPath: place.appending(diff).string)
    }
    let built = try await resources.build { [part, place] in
      try await build(part, isPart: true, on: nil, evidence: place, keep: keep)
    }
    var first = FirstPatches(trial: built.trial, bootable: built.bootable, evidence: place, scratch: keep)
    return try await body(&first)
  }

  /// Runs some tests. If a test ends the guest, a fresh guest runs those after it.
  /// - Parameter first: what to boot. Its trial gets the result.
  /// - Returns: `nil` if there is nothing to boot.
  func run(_ tests: [String], _ limits: TestLimits, on first: inout FirstPatches) async throws -> GuestRun? {
    guard var bootable = first.bootable else { return nil }
    bootable.asked = AskedTests(names: tests, isPart: true)
    bootable.initramfs = first.scratch.appending("initramfs-ordered.cpio")
    try await Initramfs.write(
      Initramfs.Extras(driver: bootable.modules.driver.forGuest, orders: GuestOptions(only: tests)),
      behind: prepared.initramfs, to: bootable.initramfs, scratch: first.scratch)
    try await resources.guest {
      try await boot(bootable, limits, evidence: first.evidence, trial: &first.trial)
    }
    guard case .ran(let run) = first.trial.result else { return nil }
    return run
  }
}
