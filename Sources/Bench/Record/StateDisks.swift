// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import GuestMachine
import KernelBuild
import SystemPackage
import Toolbox

/// Reads the state disks of guests that did not complete.
///
/// All disks of a run are read together after its last guest, because libguestfs' appliance takes as long to start as a
/// guest. No verdict uses them: the guest wrote their content, and nothing on the host saw it do so.
struct StateDisks: Sendable {
  var directory: RunDirectory
  var accelerator: Accelerator
  var cache: Cache
  var scratch: FilePath
  var events: EventHub

  /// Returns where a trial leaves its guest's disk. The disk is removed after it was read; one that cannot be read
  /// stays.
  /// - Parameter suffix: the suffix of the guest's evidence.
  static func place(in evidence: FilePath, _ suffix: String) -> FilePath { evidence.appending("state\(suffix).img") }

  private struct Found {
    var series: String?
    var image: FilePath
  }

  /// Reads all disks in the run's evidence, and removes those that were read.
  /// - Throws: `CancellationError`, and errors in writing the record. A disk that cannot be read is not an error; only
  ///   its content is lost.
  func fetch(_ series: [String], resources: Resources) async throws {
    let found = images(of: series)
    if found.isEmpty { return }
    events.send(
      .progress(series: nil, stage: .tests, text: "reading the disks of \(found.count) guests that ended early"))
    for (one, reading) in zip(found, try await read(found, resources)) {
      try await RunDirectory.sync(one.image.removingLastComponent())
      try await events.record(
        .stateRead(
          series: one.series,
          StateEvidence(
            image: relative(one.image), files: reading.files.map { relative(FilePath($0)) }, failure: reading.failure)))
      // Only now, so that a run that was killed before this finds the disk again.
      if reading.failure == nil { try FileManager.default.removeItem(atPath: one.image.string) }
    }
  }

  private func read(_ found: [Found], _ resources: Resources) async throws -> [StateReading] {
    let reader = StateReader(accelerator: accelerator, appliance: cache.appliance, scratch: scratch)
    do {
      let lock = try await FileLock.wait(cache.applianceLock, .shared)
      defer { lock.release() }
      let readings = try await resources.guest { try await reader.read(found.map(\.image)) }
      // The cache drops entries by their last use, so mark the appliance as used.
      try? FileManager.default.setAttributes([.modificationDate: Date()], ofItemAtPath: cache.appliance.string)
      return readings
    } catch {
      if error.isCancellation { throw CancellationError() }
      // The disks stay, for a user with a working libguestfs.
      return found.map { _ in StateReading(failure: "\(error)") }
    }
  }

  private func relative(_ path: FilePath) -> String {
    var path = path
    return path.removePrefix(directory.path.absolute) ? path.string : path.string
  }

  private func images(of series: [String]) -> [Found] {
    let base = directory.evidence(nil)
    let repeats = names(in: base).filter { $0.hasPrefix("repeat-") }.map { base.appending($0) }
    return ([base] + repeats).flatMap { images(in: $0, nil) }
      + series.flatMap { images(in: directory.evidence($0), $0) }
  }

  /// Returns the images in the order in which the guests ran: `state.img`, `state-2.img`, …
  private func images(in evidence: FilePath, _ series: String?) -> [Found] {
    names(in: evidence).filter { $0.hasPrefix("state") && $0.hasSuffix(".img") }
      .sorted { ($0.count, $0) < ($1.count, $1) }
      .map { Found(series: series, image: evidence.appending($0).absolute) }
  }

  private func names(in place: FilePath) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: place.string)) ?? []).sorted()
  }
}
