// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
public import SystemPackage
public import Toolbox

/// One series as the user gave it, found but not read.
public protocol SeriesSource: Sendable {
  /// The series' name, unique in a run and usable as a file name.
  var name: String { get set }
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

  /// Returns each version in the input as a series of its own, oldest first. Most forms have only one.
  /// - Parameters:
  ///   - scratch: a directory for this only, created here.
  ///   - cage: as for ``read(into:cage:)``.
  /// - Throws: as ``read(into:cage:)``.
  func versions(scratch: FilePath, cage: Cage?) async throws -> [any SeriesSource]

  /// Returns one version in the input as a series of its own. Whether it is there is only known when it is read.
  /// - Returns: `nil` if input of this form has only one.
  func version(_ number: Int) -> (any SeriesSource)?
}

extension SeriesSource {
  public func versions(scratch: FilePath, cage: Cage?) async throws -> [any SeriesSource] { [self] }

  public func version(_ number: Int) -> (any SeriesSource)? { nil }

  /// Returns a placeholder for a series that could not be read.
  public func refused(_ reason: String) -> ReadSeries {
    let patch = Patch(subject: firstFile, author: "", file: firstFile, paths: [])
    return ReadSeries(
      series: PatchSeries(name: name, patches: [patch], path: path.string), diffs: [], refusal: reason)
  }
}

/// One form in which series are given. A new form is a type with this protocol and an entry in ``SeriesForms/all``.
public protocol SeriesForm: Sendable {
  /// What the user can name, for messages: `a directory of patches`. `nil` for what is only recognized, to say what to
  /// do instead.
  var words: String? { get }

  /// Finds the series that an argument names.
  /// - Returns: `nil` if the argument does not have this form.
  /// - Throws: ``IntakeError`` if it has this form but contains no usable series.
  func find(_ argument: SeriesArgument) throws(IntakeError) -> [any SeriesSource]?
}

/// The forms in which series are given.
public enum SeriesForms {
  /// The first form that fits an argument reads it.
  public static let all: [any SeriesForm] = [
    StandardInput(),
    ThreadVersion(),
    QuiltDirectory(),
    Maildir(),
    GitBundle(),
    PublicInbox(),
    GitRange(),
    PatchDirectory(),
    PatchFile(),
    MessageLink(),
  ]

  /// All forms, for messages.
  static var words: String { all.compactMap(\.words).sorted().joined(separator: "; ") }

  /// Finds the series that the user's arguments name. Series of the same name get distinct names.
  /// - Throws: ``IntakeError`` if an argument has none of the forms, or names the same series again.
  public static func find(_ arguments: [String]) throws(IntakeError) -> [any SeriesSource] {
    var found: [any SeriesSource] = []
    for text in arguments {
      let argument = SeriesArgument(text)
      let series = try arguments.count > 1 ? UnreadSeries.instead(of: argument, series) : series(argument)
      guard let series else { throw argument.kind == .nothing ? .noSuchPath(text) : .noForm(text) }
      found += series
    }
    return try SeriesName.distinct(found)
  }

  /// Finds commits of a git repository.
  /// - Parameters:
  ///   - ranges: `BASE..TOPIC`, a branch, a tag, or a bundle.
  ///   - repository: its path.
  /// - Throws: ``IntakeError`` if there is no such repository, and as ``find(_:)``.
  public static func find(_ ranges: [String], in repository: String) throws(IntakeError) -> [any SeriesSource] {
    if GitRepository(FilePath(repository)) == nil { throw .notARepository(repository) }
    return try find(ranges.map { "\(repository):\($0)" })
  }

  /// Returns each version of each series as a series of its own: `NAME-v1`, `NAME-v2`.
  /// - Parameters:
  ///   - scratch: a directory for this only.
  ///   - cage: the cage in which tools read the untrusted input; `nil` if that is disabled.
  /// - Throws: ``IntakeError``, ``ToolError``
  public static func versions(
    of series: [any SeriesSource], scratch: FilePath, cage: Cage?
  ) async throws -> [any SeriesSource] {
    var found: [any SeriesSource] = []
    for (number, one) in series.enumerated() {
      do {
        found += try await one.versions(scratch: scratch.appending("\(number)"), cage: cage)
      } catch  where error is IntakeError {
        // Reading it says so again, next to the other series.
        found.append(one)
      }
    }
    return SeriesName.distinct(names: found)
  }

  static func series(_ argument: SeriesArgument) throws(IntakeError) -> [any SeriesSource]? {
    for form in all {
      if let found = try form.find(argument) { return found }
    }
    return nil
  }
}
