// SPDX-License-Identifier: Apache-2.0

import Foundation
public import SystemPackage
import Toolbox

/// What a bisection was asked, what was tried, and what it came to: `bisect.json` in its directory.
public struct Bisection: Codable, Sendable, Hashable {
  /// Raised when a field is removed or changes its meaning.
  public static let format = 1

  public var format = Self.format
  public var range: BisectRange
  /// What later steps look for; `nil` until the bad revision was tried, and if nothing is worse there.
  public var sought: Sought?
  /// In the order in which they were tried.
  public var steps: [BisectStep] = []
  /// `nil` while there is more to try.
  public var outcome: BisectOutcome?

  public init(_ range: BisectRange) { self.range = range }

  /// What got worse at the bad revision.
  public struct Sought: Codable, Sendable, Hashable {
    public var symptoms: [Symptom]
    /// The names of the tests that later steps run.
    public var tests: [String]
    /// Whether these tests alone have shown it at the bad revision.
    public var isConfirmed: Bool
  }
}

/// Two revisions of a repository. What is worse at the bad one is not worse at the good one.
public struct BisectRange: Codable, Sendable, Hashable {
  /// An absolute path.
  public var repository: String
  public var good: Revision
  public var bad: Revision
  /// How many commits lead to `bad` and not to `good`.
  public var commits: Int
  /// About how many of them have to be tried.
  public var expected: Int
  /// Where the histories part, if `good` does not lead to `bad`; empty otherwise.
  public var parted: [String]

  /// A revision as the user named it, and its commit.
  public struct Revision: Codable, Sendable, Hashable {
    public var name: String
    public var commit: BisectCommit

    /// `v6.12 (adc218676eef)`; without the name if that is the commit's.
    public var words: String {
      let short = commit.short
      return name.hasPrefix(short) ? short : "\(name) (\(short))"
    }
  }
}

/// A commit, as git shows it. All but its name is a stranger's text.
public struct BisectCommit: Codable, Sendable, Hashable {
  /// 40 or 64 hexadecimal digits.
  public var name: String
  public var subject: String
  /// `Name <address>`
  public var author: String
  /// Of the author: `2026-11-23`
  public var date: String
  /// More than one makes it a merge.
  public var parents: [String]

  public var short: String { String(name.prefix(12)) }
}

/// One trial of a commit.
public struct BisectStep: Codable, Sendable, Hashable {
  public enum Kind: String, Codable, Sendable, Hashable {
    /// The bad revision, with all tests that were asked for.
    case whole
    /// The bad revision again, with the tests that are sought only.
    case again
    /// A commit that git chose.
    case search
  }

  public enum Answer: String, Codable, Sendable, Hashable {
    case good, bad, skip
  }

  /// From 1.
  public var number: Int
  public var kind: Kind
  public var commit: BisectCommit
  public var answer: Answer
  /// Why, in words.
  public var reason: String
  /// What was looked for and found.
  public var found: [Symptom]
  /// Wall time.
  public var seconds: Double
  /// Of its run, below the bisection's; `nil` if nothing had to be run.
  public var directory: String?
}

/// What a bisection came to.
public struct BisectOutcome: Codable, Sendable, Hashable {
  public enum Kind: String, Codable, Sendable, Hashable {
    /// `commits` has the one.
    case firstBad = "first-bad"
    /// Commits had to be skipped: the first bad one is one of `commits`.
    case suspects
    /// Nothing is worse at the bad revision.
    case nothingWorse = "nothing-worse"
    /// It is not known whether anything is worse at the bad revision.
    case undecided
    /// It is as bad where the histories part, which `commits` has: on the way to the good revision it was fixed.
    case fixedSince = "fixed-since"
  }

  public var kind: Kind
  public var commits: [BisectCommit]
  /// One sentence.
  public var words: String
}

extension Bisection {
  private static func file(_ directory: FilePath) -> FilePath { directory.appending("bisect.json") }

  /// Whether a directory is that of a bisection, readable or not.
  public static func isThere(_ directory: FilePath) -> Bool {
    FileManager.default.fileExists(atPath: file(directory).string)
  }

  /// - Returns: `nil` if there is none, or one with another format.
  public init?(in directory: FilePath) {
    guard let data = FileManager.default.contents(atPath: Self.file(directory).string),
      let found = try? JSONDecoder().decode(Self.self, from: data), found.format == Self.format
    else { return nil }
    self = found
  }

  /// - Throws: `Errno`
  func write(in directory: FilePath) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    try DurableFile.write(try encoder.encode(self) + [0x0a], to: Self.file(directory))
  }

  /// The directory of the first step's run. Its plan has the options of the whole bisection.
  public static func first(in directory: FilePath) -> FilePath { directory.appending("steps").appending("1") }
}
