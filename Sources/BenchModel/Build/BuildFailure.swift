// SPDX-License-Identifier: Apache-2.0

/// One error from a compiler, linker or kbuild.
public struct Diagnostic: Codable, Sendable, Hashable {
  /// Relative to the tree's root, if the tool named a file.
  public var file: String?
  public var line: Int?
  public var message: String
  /// The last patch of the series that touched `file`, by its file name.
  public var patch: String?
  /// The check that found it, as a profile names it; `nil` if it was the build itself.
  public var tool: String?

  public init(file: String?, line: Int?, message: String, patch: String? = nil, tool: String? = nil) {
    self.file = file
    self.line = line
    self.message = message
    self.patch = patch
    self.tool = tool
  }
}

/// A build that failed.
public struct BuildFailure: Codable, Sendable, Hashable {
  /// The first errors, in the order printed.
  public var diagnostics: [Diagnostic]
  /// The last lines of the build log, in case none of it parses as a diagnostic.
  public var tail: [String]
  /// The patch after which the tree does not build, though the whole series does; `nil` if the whole does not build.
  public var after: Place?

  /// A patch within its series.
  public struct Place: Codable, Sendable, Hashable {
    /// From 1.
    public var number: Int
    public var count: Int
    public var subject: String
    /// Its file.
    public var patch: String
    /// For a prerequisite: where it comes from. The numbers are then those of the prerequisites.
    public var from: String?

    public init(number: Int, count: Int, subject: String, patch: String) {
      self.number = number
      self.count = count
      self.subject = subject
      self.patch = patch
    }

    /// `patch 1 of 2, “dma-buf: log the answer”`
    public var words: String {
      guard let from else { return "patch \(number) of \(count), “\(subject)”" }
      return "prerequisite \(number) of \(count), “\(subject)”, from \(from)"
    }
  }

  public init(diagnostics: [Diagnostic], tail: [String]) {
    self.diagnostics = diagnostics
    self.tail = tail
  }
}
