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
  /// Its number among the nights of the matrix, from 1: a clock may be set back. `nil` in old files.
  var number: Int?

  private static func file(_ directory: FilePath) -> FilePath { directory.appending("night.json") }

  static func place(_ state: FilePath) -> FilePath { state.appending("nights") }

  init(matrix: String, number: Int, began: Date, runs: [String], left: [NightPlan.Item]) {
    self.number = number
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

  /// Returns all nights, by the names of their directories.
  static func all(in state: FilePath) -> [String: Night] {
    let place = place(state)
    let names = (try? FileManager.default.contentsOfDirectory(atPath: place.string)) ?? []
    return Dictionary(
      names.compactMap { name in Night(in: place.appending(name)).map { (name, $0) } },
      uniquingKeysWith: { first, _ in first })
  }

  /// Returns the commands of the nights of other matrices, as the history has them.
  static func commands(notOf matrix: String, in state: FilePath) -> Set<String> {
    Set(
      all(in: state).filter { $0.value.matrix != matrix }.flatMap { name, night in
        let directory = place(state).appending(name)
        return [directory.string] + night.runs.map { directory.appending($0).string }
      })
  }

  /// Returns the newest night of a matrix.
  static func newest(of matrix: String, _ all: [String: Night]) -> (name: String, night: Night)? {
    all.filter { $0.value.matrix == matrix }.max { $0.value.order($0.key) < $1.value.order($1.key) }
      .map { ($0.key, $0.value) }
  }

  private func order(_ name: String) -> (Int, Date, String) { (number ?? 0, began, name) }

  /// Whether a night of a matrix is at work.
  static func isAtWork(_ matrix: String, in state: FilePath) async throws -> Bool {
    FileLock.isHeld(try await lock(matrix, in: state))
  }

  private static func lock(_ matrix: String, in state: FilePath) async throws -> FilePath {
    place(state).appending(".lock-\(try await Digest.of([matrix]).prefix(16))")
  }

  /// Takes the lock of a matrix, so that two nights of it never run at once.
  /// - Throws: ``Failure`` if one does.
  static func claim(_ matrix: String, in state: FilePath) async throws -> FileLock {
    let place = place(state)
    try FileManager.default.createDirectory(atPath: place.string, withIntermediateDirectories: true)
    let path = try await lock(matrix, in: state)
    guard let lock = try FileLock.attempt(path, .exclusive) else {
      throw Failure(
        "a night of \(matrix) is at work" + (FileLock.signer(path).map { ", in process \($0)" } ?? ""),
        advice: "wait until it is over, or end it", status: ExitStatus.usage)
    }
    try lock.sign()
    return lock
  }
}
