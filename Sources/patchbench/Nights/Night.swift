// SPDX-License-Identifier: Apache-2.0

import Bench
import BenchModel
import Foundation
import Nights
import SystemPackage
import Toolbox
import Verdicts

/// A night's directory, below `nights` in the state directory: the runs of its cells, their reports together, and
/// `night.json`.
struct Night: Codable, Sendable {
  /// The matrix file, as an absolute path. Nights of one file follow each other.
  var matrix: String
  var began: Date
  /// The names of the runs' directories, in order.
  var runs: [String]
  /// What the budget left for the next night.
  var left: [NightPlan.Item]
  /// Whether all was done, and told.
  var isOver = false

  private static func file(_ directory: FilePath) -> FilePath { directory.appending("night.json") }

  static func place(_ state: FilePath) -> FilePath { state.appending("nights") }

  init(matrix: String, began: Date, runs: [String], left: [NightPlan.Item]) {
    self.matrix = matrix
    self.began = began
    self.runs = runs
    self.left = left
  }

  /// - Returns: `nil` if the directory is no night.
  init?(in directory: FilePath) {
    let decoder = JSONDecoder()
    decoder.dateDecodingStrategy = .secondsSince1970
    guard let data = FileManager.default.contents(atPath: Self.file(directory).string),
      let night = try? decoder.decode(Self.self, from: data)
    else { return nil }
    self = night
  }

  func write(in directory: FilePath) throws {
    let encoder = JSONEncoder()
    encoder.dateEncodingStrategy = .secondsSince1970
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    try DurableFile.write(try encoder.encode(self) + [0x0a], to: Self.file(directory))
  }

  /// Returns the newest night of a matrix, if it was stopped before it was over.
  static func unfinished(of matrix: String, in state: FilePath) -> (directory: FilePath, night: Night)? {
    let place = place(state)
    let names = (try? FileManager.default.contentsOfDirectory(atPath: place.string)) ?? []
    let own = names.sorted().compactMap { name in
      Night(in: place.appending(name)).flatMap { $0.matrix == matrix ? (place.appending(name), $0) : nil }
    }
    guard let last = own.max(by: { $0.1.began < $1.1.began }), !last.1.isOver else { return nil }
    return (last.0, last.1)
  }

  /// Takes the lock of a matrix, so that two nights of it never run at once.
  /// - Throws: ``Failure`` if one does.
  static func claim(_ matrix: String, in state: FilePath) async throws -> FileLock {
    let place = place(state)
    try FileManager.default.createDirectory(atPath: place.string, withIntermediateDirectories: true)
    let path = place.appending(".lock-\(try await Digest.of([matrix]).prefix(16))")
    guard let lock = try FileLock.attempt(path, .exclusive) else {
      throw Failure(
        "a night of \(matrix) is at work" + (FileLock.signer(path).map { ", in process \($0)" } ?? ""),
        advice: "wait until it is over, or end it", status: ExitStatus.usage)
    }
    try lock.sign()
    return lock
  }
}
