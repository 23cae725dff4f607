// SPDX-License-Identifier: Apache-2.0

public import BenchModel
import Foundation
import Glibc
public import SystemPackage
import Toolbox

/// A receiver of a run's events. If a sink fails, that is reported at the end and does not stop the other sinks.
public protocol EventSink: Sendable {
  func take(_ event: BenchEvent) throws
}

/// One line of a record: an event, the version of the record format, and the run that it belongs to.
private struct RecordedEvent: Codable {
  var at: Date
  var kind: BenchEvent.Kind
  /// Missing in version 1.
  var version: Int?
  /// Missing in version 1.
  var run: String?
}

/// The version and run of a line, whatever else the line has.
private struct RecordedVersion: Decodable {
  var version: Int?
  var run: String?
}

/// Appends each event to the record, one JSON object per line, and syncs it before the run continues. Events that are
/// only shown are not recorded.
public final class EventRecorder: EventSink {
  private let file: FileDescriptor
  /// The id of the record's run: that of its first line, or else a new one.
  private let run: String
  /// The length of the record in bytes, up to the last complete event.
  private let length: Locked<Int64>

  /// Opens or creates a record. If a crash cut the last line short, that line is removed: it is not an event, and the
  /// next event must not be joined to it.
  /// - Throws: `Errno` if the file cannot be created or written to.
  public init(_ path: FilePath) throws {
    file = try FileDescriptor.open(
      path, .readWrite, options: [.create, .append, .closeOnExec],
      permissions: [.ownerReadWrite, .groupRead, .otherRead])
    let text = FileManager.default.contents(atPath: path.string) ?? Data()
    let whole = text.lastIndex(of: 0x0a).map { text.distance(from: text.startIndex, to: $0) + 1 } ?? 0
    length = Locked(Int64(whole))
    let first = text.prefix(whole).split(separator: 0x0a).lazy.compactMap {
      try? JSONDecoder().decode(RecordedVersion.self, from: Data($0))
    }.first
    run = first?.run ?? UUID().uuidString
    if whole != text.count {
      guard ftruncate(file.rawValue, whole) == 0 else { throw Errno(rawValue: errno) }
      try file.sync()
    }
    try DurableFile.sync(path.removingLastComponent())
  }
  deinit { try? file.close() }

  public func take(_ event: BenchEvent) throws {
    switch event.kind {
    case .progress, .worse, .expected, .retrying: return
    default: break
    }
    let encoder = JSONEncoder()
    encoder.dateEncodingStrategy = .secondsSince1970
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let line =
      try encoder.encode(
        RecordedEvent(at: event.at, kind: event.kind, version: EventRecord.version, run: run)) + [0x0a]
    try length.withLock { length in
      do {
        try file.writeAll(line)
        try file.sync()
        length += Int64(line.count)
      } catch {
        // On a full disk, part of the line may be written. If removing it fails too, the next `init` removes it.
        _ = ftruncate(file.rawValue, Int(length))
        throw error
      }
    }
  }
}

/// Reads a record back.
public enum EventRecord {
  /// The version of the record format. It is raised when an event changes its meaning or a kind of event is added.
  /// Lines of version 1 have neither version nor run.
  public static let version = 2

  /// Returns the id of a record's run. A record of version 1 has none, and is known by the digest of its first line.
  /// - Throws: if the file cannot be read, or has no line.
  public static func id(_ path: FilePath) async throws -> String {
    let text = try Data(contentsOf: URL(filePath: path.string))
    guard let first = text.split(separator: 0x0a).first else {
      throw UnreadableRecord(path: path.string, line: 1, reason: .noEvent)
    }
    if let id = try? JSONDecoder().decode(RecordedVersion.self, from: Data(first)).run { return id }
    return try await Digest.of(bytes: Array(first))
  }

  /// Reads the events of a record. Text after the last newline was cut short by a crash and is ignored.
  /// - Throws: ``UnreadableRecord`` if any other line cannot be read; also if the file cannot be read.
  public static func read(_ path: FilePath) throws -> [BenchEvent] {
    let decoder = JSONDecoder()
    decoder.dateDecodingStrategy = .secondsSince1970
    let text = try Data(contentsOf: URL(filePath: path.string))
    var lines = text.split(separator: 0x0a, omittingEmptySubsequences: false)
    // Empty if the last line is complete.
    lines.removeLast()
    var run: String?
    var events: [BenchEvent] = []
    for (index, line) in lines.enumerated() {
      func unreadable(_ reason: UnreadableRecord.Reason) -> UnreadableRecord {
        UnreadableRecord(path: path.string, line: index + 1, reason: reason)
      }
      guard let event = try? decoder.decode(RecordedEvent.self, from: Data(line)) else {
        // A line of a newer version is recognized even if its event is not understood.
        let version = (try? decoder.decode(RecordedVersion.self, from: Data(line)))?.version ?? 1
        throw unreadable(version > Self.version ? .newer(version) : .noEvent)
      }
      if let version = event.version, version > Self.version { throw unreadable(.newer(version)) }
      if let run, let other = event.run, other != run { throw unreadable(.otherRun) }
      run = run ?? event.run
      events.append(BenchEvent(at: event.at, kind: event.kind))
    }
    return events
  }
}

/// A record cannot be read. No report is made from part of a record.
public struct UnreadableRecord: Error, Sendable, Hashable {
  public enum Reason: Sendable, Hashable {
    /// The line is not an event.
    case noEvent
    /// A newer patchbench wrote the line.
    case newer(Int)
    /// The line belongs to a different run than the lines before it.
    case otherRun
  }

  public var path: String
  /// Counted from 1.
  public var line: Int
  public var reason: Reason
}
