public import BenchModel
import Foundation
import Glibc
public import SystemPackage
import Toolbox

/// One receiver of a run's events. A sink that fails is reported at the end and does not stop the others.
public protocol EventSink: Sendable {
  func take(_ event: BenchEvent) throws
}

/// Appends each event to the record, one JSON object a line, and has it on disk before the run goes on. Progress is
/// for watchers and is not kept.
public final class EventRecorder: EventSink {
  private let file: FileDescriptor
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
    let line = try encoder.encode(event) + [0x0a]
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
