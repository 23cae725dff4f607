// SPDX-License-Identifier: Apache-2.0

/// What must become of a series whose answer is known beforehand: a planted fault, or a change that is none.
public struct Expectation: Sendable, Hashable, Codable {
  public enum Answer: Sendable, Hashable, Codable {
    /// It is right: anything but `clean` is a false alarm.
    case clean
    /// It is wrong, and any one of these shows it. None: nothing is known to.
    case caught(by: [Witness])
  }

  /// The name of the series.
  public var series: String
  /// What kind of fault it is, in words; the row of history, or the question, that it stands for.
  public var fault: String
  public var answer: Answer

  public init(series: String, fault: String, answer: Answer) {
    self.series = series
    self.fault = fault
    self.answer = answer
  }
}

/// What can catch a fault. In both, `*` stands for any text.
public enum Witness: Sendable, Hashable, Codable {
  /// A test, by its name: `forward/*/vm-file`.
  case test(String)
  /// A report of the kernel, by its title: `KASAN: slab-use-after-free *`.
  case report(String)
}

/// Why tests stay that no planted fault makes fail.
public struct SilenceReason: Sendable, Hashable, Codable {
  /// The tests' name, in which `*` stands for any text.
  public var test: String
  public var why: String

  public init(test: String, why: String) {
    self.test = test
    self.why = why
  }
}
