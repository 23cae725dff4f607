// SPDX-License-Identifier: Apache-2.0

public import BenchModel
import Foundation
import Glibc
public import SystemPackage
import Toolbox

/// One receiver of a run's events. A sink that fails is reported at the end and does not stop the others.
public protocol EventSink: Sendable {
  func take(_ event: BenchEvent) throws
}

/// One line of a record: an event, which version of patchbench's record it is of, and which run it belongs to.
private struct RecordedEvent: Codable {
  var at: Date
  var kind: BenchEvent.Kind
  /// Missing in version 1.
  var version: Int?
  /// Missing in version 1.
  var run: String?
}

/// What a line says of itself, whatever else is in it.
private struct RecordedVersion: Decodable {
  var version: Int?
  var run: String?
}

/// Appends each event to the record, one JSON object per line, and syncs it before the run goes on. Progress is for
/// watchers and is not kept.
public final class EventRecorder: EventSink {
  private let file: FileDescriptor
  /// The run that the record is of: that of its first line, else a new one.
  private let run: String
  /// How long the record is, of whole events.
  private let length: Locked<Int64>

  /// Opens a record or begins one. What a crash cut short at its end is taken away: it is no event, and the next one must
  /// not be joined to it.
  /// - Throws: `Errno` if the file cannot be made or written to.
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
    if case .progress = event.kind { return }
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
        // A part of a line on a full disk; where this fails as well, who opens the record next does it.
        _ = ftruncate(file.rawValue, Int(length))
        throw error
      }
    }
  }
}

/// Reads a record back.
public enum EventRecord {
  /// Raised when an event changes its meaning, or a kind of event is new. Version 1 had neither version nor run.
  public static let version = 2

  /// - Returns: the events. What comes behind the last end of a line was cut short by a crash, and is no event.
  /// - Throws: ``UnreadableRecord`` if any other line cannot be read; if the file cannot be read.
  public static func read(_ path: FilePath) throws -> [BenchEvent] {
    let decoder = JSONDecoder()
    decoder.dateDecodingStrategy = .secondsSince1970
    let text = try Data(contentsOf: URL(filePath: path.string))
    var lines = text.split(separator: 0x0a, omittingEmptySubsequences: false)
    // Empty where the last line is whole.
    lines.removeLast()
    var run: String?
    var events: [BenchEvent] = []
    for (index, line) in lines.enumerated() {
      func unreadable(_ reason: UnreadableRecord.Reason) -> UnreadableRecord {
        UnreadableRecord(path: path.string, line: index + 1, reason: reason)
      }
      guard let event = try? decoder.decode(RecordedEvent.self, from: Data(line)) else {
        // What a newer one writes need not be understood to be known as such.
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

/// A record cannot be read. No report is made of a part of it.
public struct UnreadableRecord: Error, Sendable, Hashable {
  public enum Reason: Sendable, Hashable {
    /// The line is no event.
    case noEvent
    /// A newer patchbench has written it.
    case newer(Int)
    /// The line belongs to another run than those before it.
    case otherRun
  }

  public var path: String
  /// From 1.
  public var line: Int
  public var reason: Reason
}
