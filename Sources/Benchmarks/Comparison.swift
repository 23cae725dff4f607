// SPDX-License-Identifier: Apache-2.0

/// A comparison of two ways to do the same work, timed in turn.
public struct Comparison: Sendable, Hashable, Codable {
  /// Its name on the command line: `one-file`.
  public var name: String
  /// A description of what is timed.
  public var ours: String
  public var theirs: String
  /// The largest acceptable ratio.
  public var target: Double?
  public var pairs: [Pair] = []
  /// The ratio of ours to theirs, over all pairs; `nil` if there are none.
  public var ratio: Spread?
  /// Other figures from the same runs.
  public var figures: [Figure] = []
  /// Why the comparison did not complete. `pairs` then has those that did.
  public var failure: String?

  public init(name: String, ours: String, theirs: String, target: Double?) {
    self.name = name
    self.ours = ours
    self.theirs = theirs
    self.target = target
  }

  /// One measurement of both sides, one right after the other, in seconds.
  public struct Pair: Sendable, Hashable, Codable {
    public var ours: Double
    public var theirs: Double

    public init(ours: Double, theirs: Double) {
      self.ours = ours
      self.theirs = theirs
    }

    public var ratio: Double { ours / theirs }
  }

  /// A figure from several runs.
  public struct Figure: Sendable, Hashable, Codable {
    public var name: String
    public var unit: String
    public var target: Double?
    public var values: [Double]

    public init(_ name: String, unit: String, target: Double? = nil, _ values: [Double]) {
      self.name = name
      self.unit = unit
      self.target = target
      self.values = values
    }
  }
}

/// The minimum, median and maximum of some values.
public struct Spread: Sendable, Hashable, Codable {
  public var minimum: Double
  public var median: Double
  public var maximum: Double

  /// Returns `nil` if there are no values.
  public init?(_ values: [Double]) {
    let sorted = values.sorted()
    guard let first = sorted.first, let last = sorted.last else { return nil }
    minimum = first
    maximum = last
    let middle = sorted.count / 2
    median = sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }
}

/// All comparisons of one benchmark run, and the machine that they ran on.
public struct BenchmarkReport: Sendable, Codable {
  public var machine: Machine
  public var comparisons: [Comparison]

  public init(machine: Machine, comparisons: [Comparison]) {
    self.machine = machine
    self.comparisons = comparisons
  }

  public struct Machine: Sendable, Hashable, Codable {
    public var processors: Int
    public var model: String
    /// In MiB.
    public var memory: Int
    public var system: String
    public var accelerator: String
    public var emulator: String
    public var toolchain: String
    public var source: String
    /// patchbench's version.
    public var patchbench: String
    /// How many tests ran in each guest.
    public var tests: Int
    /// How many compilers and guests ran at once.
    public var jobs: Int
  }

  /// The report in Markdown: the ratios, then the other figures, then the machine.
  public var table: String {
    var lines = [
      "| | ours | against | pairs | min | median | max | at most | reached |",
      "|---|---|---|---:|---:|---:|---:|---:|---|",
    ]
    for comparison in comparisons {
      let ratios = comparison.pairs.map(\.ratio)
      lines.append(
        "| \(comparison.name) | \(comparison.ours) | \(comparison.theirs) | \(row(ratios, comparison.target)) |")
    }
    let figures = comparisons.flatMap { comparison in comparison.figures.map { (comparison.name, $0) } }
      .filter { !$0.1.values.isEmpty }
    if !figures.isEmpty {
      lines += [
        "", "| | figure | runs | min | median | max | at most | reached |", "|---|---|---:|---:|---:|---:|---:|---|",
      ]
      for (name, figure) in figures {
        lines.append("| \(name) | \(figure.name) (\(figure.unit)) | \(row(figure.values, figure.target)) |")
      }
    }
    let failures = comparisons.compactMap { comparison in comparison.failure.map { (comparison.name, $0) } }
    if !failures.isEmpty { lines.append("") }
    for (name, failure) in failures { lines.append("\(name) did not complete: \(failure)") }
    lines += [
      "",
      "\(machine.processors) × \(machine.model), \(machine.memory) MiB, \(machine.system); \(machine.accelerator), "
        + "\(machine.emulator); \(machine.toolchain); \(machine.source); patchbench \(machine.patchbench), "
        + "\(machine.tests) tests, \(machine.jobs) jobs",
    ]
    return lines.joined(separator: "\n")
  }

  /// Returns count, minimum, median, maximum, target, and whether the median reaches the target.
  private func row(_ values: [Double], _ target: Double?) -> String {
    guard let spread = Spread(values) else { return "0 | – | – | – | \(target.map(text) ?? "") | not measured" }
    let reached = target.map { spread.median <= $0 ? "yes" : "no" } ?? ""
    return "\(values.count) | \(text(spread.minimum)) | \(text(spread.median)) | \(text(spread.maximum)) | "
      + "\(target.map(text) ?? "") | \(reached)"
  }

  /// Formats a value with two decimals below 10, one below 100, and none above.
  private func text(_ value: Double) -> String {
    if value >= 100 { return "\(Int(value.rounded()))" }
    if value >= 10 { return "\((value * 10).rounded() / 10)" }
    let hundredths = Int((value * 100).rounded())
    return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100)"
  }
}
