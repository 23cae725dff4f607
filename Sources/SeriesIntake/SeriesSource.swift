// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
public import SystemPackage
public import Toolbox

/// One series as the user gave it, found but not read.
public protocol SeriesSource: Sendable {
  /// The series' name, unique in a run and usable as a file name.
  var name: String { get }
  /// What the user named; reports show it.
  var path: FilePath { get }
  /// A file of the series, which stands in for its patches if they cannot be read.
  var firstFile: String { get }

  /// Reads the patches as bare diffs.
  /// - Parameters:
  ///   - store: a directory for this series only, created here. The diffs stay there as evidence of what was tested.
  ///   - cage: the cage in which tools read the untrusted input; `nil` if that is disabled.
  /// - Throws: ``IntakeError`` if the input is not a series, ``ToolError`` if a tool cannot be run.
  func read(into store: FilePath, cage: Cage?) async throws -> ReadSeries
}

extension SeriesSource {
  /// Returns a placeholder for a series that could not be read.
  public func refused(_ reason: String) -> ReadSeries {
    let patch = Patch(subject: firstFile, author: "", file: firstFile, paths: [])
    return ReadSeries(
      series: PatchSeries(name: name, patches: [patch], path: path.string), diffs: [], refusal: reason)
  }
}

/// One form in which series are given. A new form is a type with this protocol and an entry in ``SeriesForms/all``.
public protocol SeriesForm: Sendable {
  /// What the user can name, for messages: `a directory of git format-patch files`.
  var words: String { get }

  /// Finds the series at an existing path.
  /// - Returns: `nil` if the path does not have this form.
  /// - Throws: ``IntakeError`` if it has this form but contains no usable series.
  func find(at path: FilePath) throws(IntakeError) -> [any SeriesSource]?
}

/// The forms in which series are given.
public enum SeriesForms {
  /// The first form that fits a path reads it.
  public static let all: [any SeriesForm] = [PatchDirectory(), PatchFile()]

  /// All forms, for messages.
  static var words: String { all.map(\.words).joined(separator: ", or ") }

  /// Finds the series that the user's arguments name.
  /// - Throws: ``IntakeError`` if a path has none of the forms, or if two series have the same name.
  public static func find(_ paths: [String]) throws(IntakeError) -> [any SeriesSource] {
    var found: [any SeriesSource] = []
    for path in paths {
      guard FileManager.default.fileExists(atPath: path) else { throw .noSuchPath(path) }
      guard let series = try series(at: FilePath(path)) else { throw .noForm(path) }
      found += series
    }
    var seen: [String: String] = [:]
    for series in found {
      if let first = seen[series.name] { throw .twice(series.name, first, series.path.string) }
      seen[series.name] = series.path.string
    }
    return found
  }

  private static func series(at path: FilePath) throws(IntakeError) -> [any SeriesSource]? {
    for form in all {
      if let found = try form.find(at: path) { return found }
    }
    return nil
  }

  /// Returns a series' name if it can be used as one: in file names, in URLs, and next to the base's.
  /// - Parameter path: what the user gave, for the error.
  static func checked(_ name: String, of path: FilePath) throws(IntakeError) -> String {
    let allowed = name.utf8.allSatisfy { byte in
      (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
        || [0x2e, 0x5f, 0x2b, 0x2d].contains(byte)
    }
    guard allowed, !name.isEmpty, !name.hasPrefix("."), !name.hasPrefix("-"), name != "base" else {
      throw .badName(path.string)
    }
    return name
  }
}
