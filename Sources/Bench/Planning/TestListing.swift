// SPDX-License-Identifier: Apache-2.0

public import BenchModel
public import SystemPackage
public import Toolbox

/// The tests that the guest binary has.
public struct TestListing: Sendable, Hashable, Codable {
  public struct Entry: Sendable, Hashable, Codable {
    /// `group/subject/what`
    public var name: String
    /// The question that the test answers, from the mailing-list thread or from history.
    public var question: String
  }

  public var entries: [Entry]

  /// The questions by test name.
  public var questions: [String: String] {
    Dictionary(entries.map { ($0.name, $0.question) }, uniquingKeysWith: { first, _ in first })
  }

  /// Returns the tests that match any of the patterns, in the suite's order; all tests if there are no patterns.
  /// - Throws: ``NoSuchTest`` for a pattern that matches no test. Otherwise a misspelt name would look like a good
  ///   result.
  public func names(_ patterns: [NamePattern]) throws(NoSuchTest) -> [String] {
    let names = entries.map(\.name)
    if patterns.isEmpty { return names }
    for pattern in patterns where !names.contains(where: pattern.matches) { throw NoSuchTest(pattern: pattern.text) }
    return names.filter { name in patterns.contains { $0.matches(name) } }
  }

  /// Reads the list from the binary, which also runs on the host.
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
