// SPDX-License-Identifier: Apache-2.0

public import BenchModel
public import Foundation
public import SystemPackage
public import Toolbox

/// The directory of one run's record and evidence.
///
///     plan.json                    what the run was asked to do, for `patchbench resume`
///     events.jsonl                 the record, from which every report is made
///     config                       the resolved .config of the base
///     reach.json                   which tests run which functions, if that was examined
///     report.{json,md,html}
///     base/, series/NAME/          console.log, results.ktap, build.log, NNNN.diff; for a guest that did not complete
///                                  also state-results and state-kmsg, from its state disk; patch-N/ has the same for
///                                  a kernel with the first N patches
///     lock                         held by the process that writes here
public struct RunDirectory: Sendable, Hashable {
  public var path: FilePath

  public var plan: FilePath { path.appending("plan.json") }
  public var events: FilePath { path.appending("events.jsonl") }
  public var config: FilePath { path.appending("config") }
  /// Which tests run which functions, if that was examined.
  var reach: FilePath { path.appending("reach.json") }
  public func report(_ suffix: String) -> FilePath { path.appending("report.\(suffix)") }
  private var lock: FilePath { path.appending("lock") }

  /// Returns the directory of one series' evidence, or of the base's.
  public func evidence(_ series: String?) -> FilePath {
    series.map { path.appending("series").appending($0) } ?? path.appending("base")
  }

  public init(_ path: FilePath) { self.path = path }

  /// Reads the record; `nil` if there is none, or if it has no run.
  /// - Throws: if the record cannot be read.
  public func record() throws -> RunRecord? {
    FileManager.default.fileExists(atPath: events.string) ? RunRecord(try EventRecord.read(events)) : nil
  }

  /// Locks the directory, so that only one process writes to it.
  /// - Throws: ``RunInUse`` if another process has locked it, `Errno` if it cannot be written to.
  public func claim() throws -> FileLock {
    guard let lock = try FileLock.attempt(lock, .exclusive) else {
      throw RunInUse(path: path.string, process: FileLock.signer(lock))
    }
    try lock.sign()
    return lock
  }

  /// Whether a process writes to the directory. The answer may already be outdated.
  public var isClaimed: Bool { FileLock.isHeld(lock) }

  /// Releases the lock that ``claim()`` took.
  public func release(_ claim: FileLock) {
    try? FileManager.default.removeItem(atPath: lock.string)
    claim.release()
  }

  /// Removes the directory of a run that never began.
  public func discard() throws {
    try FileManager.default.removeItem(atPath: path.string)
  }

  /// Returns an unused name for a directory under `results`, made from the time and a label.
  public static func fresh(under results: FilePath, label: String, at date: Date) -> FilePath {
    // 2026-11-23T14:05:09Z without its punctuation: it sorts by time and needs no quoting.
    let stamp = date.formatted(.iso8601).filter { $0.isNumber || $0 == "T" }
    let name = "\(stamp)-\(label)"
    var candidate = results.appending(name)
    var number = 2
    while FileManager.default.fileExists(atPath: candidate.string) {
      candidate = results.appending("\(name)-\(number)")
      number += 1
    }
    return candidate
  }
}

extension RunDirectory {
  private func names(_ place: FilePath) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: place.string)) ?? []).sorted()
  }

  /// Whether the directory has nothing but the files of a run that was killed before it had written its plan. Other
  /// files may belong to the user.
  var isBrokenBeginning: Bool {
    let known = ["lock", "base", "series", "plan.json.partial"]
    guard FileManager.default.fileExists(atPath: lock.string), !FileLock.isHeld(lock),
      names(path).allSatisfy(known.contains), names(evidence(nil)).isEmpty
    else { return false }
    return names(path.appending("series")).allSatisfy { names(evidence($0)).allSatisfy(Self.isDiff) }
  }

  private static func isDiff(_ name: String) -> Bool {
    name.hasSuffix(".diff") && name.dropLast(5).allSatisfy { $0.isASCII && $0.isNumber }
  }

  /// Syncs all files of some evidence to disk, before the record refers to them.
  static func sync(_ evidence: FilePath) async throws {
    try await Blocking.run {
      Result {
        let manager = FileManager.default
        for name in try manager.contentsOfDirectory(atPath: evidence.string) {
          let file = evidence.appending(name)
          var isDirectory: ObjCBool = false
          guard manager.fileExists(atPath: file.string, isDirectory: &isDirectory), !isDirectory.boolValue else {
            continue
          }
          try DurableFile.sync(file)
        }
        try DurableFile.sync(evidence)
      }
    }.get()
  }

  /// Removes the evidence of unfinished trials, so that it cannot be taken for evidence of their next try. The diffs
  /// stay, because they are what is tried.
  func clear(but finished: FinishedWork, series: [String]) throws {
    for name in series where finished.trials[name] == nil {
      for file in names(evidence(name)) where !Self.isDiff(file) { try remove(evidence(name).appending(file)) }
    }
    for name in names(evidence(nil)) {
      let isFinished =
        Self.number(in: name, after: "-again-").map { finished.again[$0] != nil }
        ?? Self.number(in: name, after: "repeat-").map { finished.repeats.contains($0) }
        ?? (finished.base != nil)
      if !isFinished { try remove(evidence(nil).appending(name)) }
    }
  }

  private func remove(_ path: FilePath) throws { try FileManager.default.removeItem(atPath: path.string) }

  private static func number(in name: String, after word: String) -> Int? {
    name.firstRange(of: word).flatMap { Int(name[$0.upperBound...].prefix { $0.isASCII && $0.isNumber }) }
  }
}

/// The directory that the user named for a run is not empty. A run never overwrites another run's record.
public struct OutputNotEmpty: Error, Sendable, Hashable {
  public var path: String
  /// Whether it is a run that can be resumed.
  public var isRun: Bool

  public init(path: String, isRun: Bool) {
    self.path = path
    self.isRun = isRun
  }
}

/// A run's directory is being written to.
public struct RunInUse: Error, Sendable, Hashable {
  public var path: String
  /// The process that writes to it.
  public var process: Int32?
}
