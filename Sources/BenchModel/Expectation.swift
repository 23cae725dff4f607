// SPDX-License-Identifier: Apache-2.0

/// The expected outcome of a series with a known answer: a planted fault, or a harmless change.
public struct Expectation: Sendable, Hashable, Codable {
  public enum Answer: Sendable, Hashable, Codable {
    /// The series is correct: anything but `clean` is a false alarm.
    case clean
    /// The series is wrong, and any one of these shows it. If empty, nothing is known to show it.
    case caught(by: [Witness])
    /// What must hold, holds with the series, but it answers a question of design in another way: one of these tests
    /// must tell it. `*` matches any text.
    case told(by: [String])
  }

  /// The name of the series.
  public var series: String
  /// The kind of fault, in words: the row of history, or the question, that it stands for.
  public var fault: String
  public var answer: Answer

  public init(series: String, fault: String, answer: Answer) {
    self.series = series
    self.fault = fault
    self.answer = answer
  }
}

/// What can catch a fault. In both cases, `*` matches any text.
public enum Witness: Sendable, Hashable, Codable {
  /// A test, by its name: `forward/*/vm-file`.
  case test(String)
  /// A report of the kernel, by its title: `KASAN: slab-use-after-free *`.
  case report(String)

  /// Whether it names this test.
  public func names(test name: String) -> Bool {
    if case .test(let pattern) = self { NamePattern(pattern).matches(name) } else { false }
  }

  /// Whether it names a kernel report with this title.
  public func names(report title: String) -> Bool {
    if case .report(let pattern) = self { NamePattern(pattern).matches(title) } else { false }
  }
}

/// Why tests are kept although no planted fault makes them fail.
public struct SilenceReason: Sendable, Hashable, Codable {
  /// The tests' name, in which `*` matches any text.
  public var test: String
  public var why: String

  public init(test: String, why: String) {
    self.test = test
    self.why = why
  }
}
