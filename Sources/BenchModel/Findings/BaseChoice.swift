// SPDX-License-Identifier: Apache-2.0

/// Why a run has the base that it has.
public struct BaseChoice: Codable, Sendable, Hashable {
  public enum Reason: String, Codable, Sendable, Hashable, CaseIterable {
    /// The user named it.
    case named
    /// A configuration file names it.
    case configured
    /// It is the commit that the series name as their base.
    case baseCommit = "base-commit"
    /// More series apply to it than to the default.
    case applies
    /// As many series apply, but more of the files that they were made from are there.
    case madeFrom = "made-from"
    /// It is the default, and no other kernel fits better.
    case standard = "default"
    /// It is the default, and it was not compared because it is not built yet.
    case notBuilt = "default-not-built"
  }

  /// A kernel that was compared with others, over all series.
  public struct Compared: Codable, Sendable, Hashable {
    public var kernel: String
    /// How many series apply completely.
    public var applies: Int
    /// How many files are the ones that the series were made from.
    public var exact: Int

    public init(kernel: String, applies: Int, exact: Int) {
      self.kernel = kernel
      self.applies = applies
      self.exact = exact
    }
  }

  /// A commit that the series name as their base. A kernel's repository has it, but not in the history of the revision
  /// that the kernel's definition names. Whoever wrote the series chose it, so it was not taken.
  public struct Untaken: Codable, Sendable, Hashable {
    public var kernel: String
    public var commit: String

    public init(kernel: String, commit: String) {
      self.kernel = kernel
      self.commit = commit
    }
  }

  public var reason: Reason
  /// The commit, tag or branch that replaces the revision of the kernel's definition; `nil` keeps that one.
  public var revision: String?
  /// The kernels that were compared, the newest first.
  public var compared: [Compared]
  public var untaken: Untaken?

  public init(reason: Reason, revision: String? = nil, compared: [Compared] = []) {
    self.reason = reason
    self.revision = revision
    self.compared = compared
  }
}

/// How well a kernel fits a series.
public struct BaseFit: Codable, Sendable, Hashable {
  /// Whether the series applies completely; `nil` if that was not tried beforehand.
  public var applies: Bool?
  /// How many files are the ones that the series was made from, by the blobs of its index lines.
  public var exact: Int
  /// How many files the index lines tell of.
  public var told: Int

  public init(applies: Bool? = nil, exact: Int, told: Int) {
    self.applies = applies
    self.exact = exact
    self.told = told
  }
}
