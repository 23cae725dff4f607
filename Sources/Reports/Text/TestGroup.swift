// SPDX-License-Identifier: Apache-2.0

internal import BenchModel
internal import GuestProtocol
internal import Verdicts

/// Tests that ask the same question and answer it alike, told once.
struct TestGroup {
  /// The one that is shown.
  var first: TestComparison
  /// The others, in the order of the plan.
  var others: [TestComparison]

  /// Groups tests in the order of their first ones.
  static func groups(_ tests: [TestComparison]) -> [TestGroup] {
    tests.grouped(by: Key.init).map { TestGroup(first: $0.elements[0], others: Array($0.elements.dropFirst())) }
  }

  private struct Key: Hashable {
    var question: String
    var change: Change
    var base: TestStatus
    var series: TestStatus
    /// The checks to look at.
    var checks: [String]

    init(_ test: TestComparison) {
      question = TestName(test.name).question
      change = test.change
      base = test.base
      series = test.series
      checks = test.notableChecks.map(\.name)
    }
  }
}

/// The name of a place in a report, to link to.
enum Anchor {
  /// The series' section.
  static func series(_ number: Int) -> String { "series-\(number)" }

  /// A test of a series. A test of the plan has a name that is kept as it is.
  static func test(_ name: String, series number: Int) -> String { "s\(number)-\(safe(name))" }

  /// A kernel report of a series.
  static func report(_ title: String, series number: Int) -> String { "s\(number)-report-\(safe(title))" }

  /// Keeps what every browser finds again in an address. Texts that this would make equal stay different.
  private static func safe(_ text: String) -> String {
    let plain = String(
      String.UnicodeScalarView(
        text.unicodeScalars.prefix(120).map { scalar in
          let isPlain =
            ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || ("0"..."9").contains(scalar)
            || scalar == "-" || scalar == "_" || scalar == "/" || scalar == "."
          return isPlain ? scalar : "_"
        }))
    return plain == text ? plain : "\(plain)-\(String(hash(text), radix: 16))"
  }

  /// FNV-1a (Fowler, Noll, Vo): the same in each process, unlike Swift's own.
  private static func hash(_ text: String) -> UInt64 {
    text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
  }
}
