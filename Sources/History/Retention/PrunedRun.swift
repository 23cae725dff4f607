// SPDX-License-Identifier: Apache-2.0

internal import Foundation
public import SystemPackage
internal import Toolbox

/// What has gone of a run: `pruned.json` in its directory.
///
/// It is written before the first file goes. From then on the evidence that it names counts as gone, whatever is left
/// of it, and the next prune removes the rest. It keeps what the history has from the diffs, so that a history that is
/// made again has the same rows.
public struct PrunedRun: Codable, Sendable, Hashable {
  /// The ids of the patches of each series whose evidence has gone, by the series' name.
  public var series: [String: [String]] = [:]
  /// Whether the evidence has gone that belongs to no series.
  public var rest = false
  /// Whether the record and the rows go.
  public var rows = false

  /// The file's name.
  public static let name = "pruned.json"

  public init() {}

  /// Reads what has gone; nothing if the run's directory has no such file.
  /// - Throws: ``HistoryError`` if the file is damaged.
  public init(in directory: FilePath) throws(HistoryError) {
    let file = directory.appending(Self.name).string
    guard let data = FileManager.default.contents(atPath: file) else { return }
    do { self = try JSONDecoder().decode(Self.self, from: data) } catch {
      throw .other(path: file, reason: "cannot be read")
    }
  }

  /// Writes the file, completely or not at all.
  /// - Throws: `Errno`
  public func write(in directory: FilePath) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    try DurableFile.write(try encoder.encode(self) + [0x0a], to: directory.appending(Self.name))
  }
}
