public import BenchModel
public import Foundation
public import SystemPackage

/// Where one run keeps its record and its evidence.
///
///     events.jsonl                 the record; every report is made from it
///     config                       the resolved .config of the base
///     report.{json,md,html}
///     base/, series/NAME/          console.log, results.ktap, build.log, NNNN.diff
public struct RunDirectory: Sendable, Hashable {
  public var path: FilePath

  public var events: FilePath { path.appending("events.jsonl") }
  public var config: FilePath { path.appending("config") }
  public func report(_ suffix: String) -> FilePath { path.appending("report.\(suffix)") }

  /// The directory of one series' evidence, or of the base's.
  public func evidence(_ series: String?) -> FilePath {
    series.map { path.appending("series").appending($0) } ?? path.appending("base")
  }

  public init(_ path: FilePath) { self.path = path }

  /// Removes what a run that never began has put here.
  func discard() throws {
    try FileManager.default.removeItem(atPath: path.string)
  }

  /// A new directory under `results/`, named by the time and the kernel.
  public static func fresh(under results: FilePath, label: String, at date: Date) -> FilePath {
    // 2026-11-23T14:05:09Z without its punctuation: sorts by time and needs no quoting anywhere.
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

/// The directory that the user named for a run holds something: a run never overwrites another's record.
public struct OutputNotEmpty: Error, Sendable, Hashable {
  public var path: String
}

/// One receiver of a run's events. A sink that fails is reported at the end and does not stop the others.
public protocol EventSink: Sendable {
  func take(_ event: BenchEvent) throws
}

/// Appends each event to the record, one JSON object a line, and has it on disk before the run goes on. Progress is
/// for watchers and is not kept.
public final class EventRecorder: EventSink {
  private let file: FileDescriptor

  /// - Throws: `Errno` if the file cannot be made.
  public init(_ path: FilePath) throws {
    file = try FileDescriptor.open(
      path, .writeOnly, options: [.create, .append, .closeOnExec],
      permissions: [.ownerReadWrite, .groupRead, .otherRead])
  }
  deinit { try? file.close() }

  public func take(_ event: BenchEvent) throws {
    if case .progress = event.kind { return }
    let encoder = JSONEncoder()
    encoder.dateEncodingStrategy = .secondsSince1970
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    try file.writeAll(try encoder.encode(event) + [0x0a])
    fsync(file.rawValue)
  }
}

/// Reads a record back.
public enum EventRecord {
  /// - Returns: the events that can be read. A last line that was cut short by a crash, and kinds of events that this
  ///   version does not know, are passed over.
  /// - Throws: if the file cannot be read.
  public static func read(_ path: FilePath) throws -> [BenchEvent] {
    let decoder = JSONDecoder()
    decoder.dateDecodingStrategy = .secondsSince1970
    return try Data(contentsOf: URL(filePath: path.string)).split(separator: 0x0a).compactMap {
      try? decoder.decode(BenchEvent.self, from: Data($0))
    }
  }
}
