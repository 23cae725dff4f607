// SPDX-License-Identifier: Apache-2.0

public import BenchModel
public import SystemPackage
public import Toolbox

/// What the guest binary can ask a kernel.
public struct TestListing: Sendable, Hashable, Codable {
  public struct Entry: Sendable, Hashable, Codable {
    /// `group/subject/what`
    public var name: String
    /// The question, of the list thread or of history, that the test answers.
    public var question: String
  }

  public var entries: [Entry]

  /// By the tests' names.
  public var questions: [String: String] {
    Dictionary(entries.map { ($0.name, $0.question) }, uniquingKeysWith: { first, _ in first })
  }

  /// The tests that some patterns name, in the suite's order; all, if there are no patterns.
  /// - Throws: ``NoSuchTest`` for a pattern that names none: a misspelt name would else pass for a good result.
  public func names(_ patterns: [NamePattern]) throws(NoSuchTest) -> [String] {
    let names = entries.map(\.name)
    if patterns.isEmpty { return names }
    for pattern in patterns where !names.contains(where: pattern.matches) { throw NoSuchTest(pattern: pattern.text) }
    return names.filter { name in patterns.contains { $0.matches(name) } }
  }

  /// Asks the binary itself, which runs on the host as well.
  /// - Throws: ``ToolError`` if it cannot be run.
  public static func read(from guestBinary: FilePath) async throws(ToolError) -> TestListing {
    let text = try await Tool(guestBinary.string, ["--list"]).output()
    return TestListing(
      entries: text.split(separator: "\n").compactMap { line in
        let parts = line.split(separator: "\t", maxSplits: 1)
        return parts.count == 2 ? Entry(name: String(parts[0]), question: String(parts[1])) : nil
      })
  }
}

/// The user asked for a test that the guest binary does not have.
public struct NoSuchTest: Error, Sendable, Hashable {
  public var pattern: String
}
