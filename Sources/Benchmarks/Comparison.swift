/// Two ways to do the same work, timed in turn.
public struct Comparison: Sendable, Hashable, Codable {
  /// Its name on the command line: `one-file`.
  public var name: String
  /// What is counted, for people.
  public var ours: String
  public var theirs: String
  /// What the ratio is to stay at or below.
  public var target: Double?
  public var pairs: [Pair] = []
  /// Further figures of the same runs.
  public var figures: [Figure] = []
  /// Why it was not made; it then has no pairs.
  public var skipped: String?

  public init(name: String, ours: String, theirs: String, target: Double?) {
    self.name = name
    self.ours = ours
    self.theirs = theirs
    self.target = target
  }

  /// One measurement of both, one right after the other. In seconds.
  public struct Pair: Sendable, Hashable, Codable {
    public var ours: Double
    public var theirs: Double

    public init(ours: Double, theirs: Double) {
      self.ours = ours
      self.theirs = theirs
    }

    public var ratio: Double { ours / theirs }
  }

  /// A figure of several runs.
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

/// The least, the middle and the largest of some values.
public struct Spread: Sendable, Hashable, Codable {
  public var minimum: Double
  public var median: Double
  public var maximum: Double

  /// - Returns: `nil` of no values.
  public init?(_ values: [Double]) {
    let sorted = values.sorted()
    guard let first = sorted.first, let last = sorted.last else { return nil }
    minimum = first
    maximum = last
    let middle = sorted.count / 2
    median = sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }
}

/// All comparisons of one run of the benchmark, with the machine that they were made on.
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
  }

  /// Markdown: the ratios, then the further figures, then the machine.
  public var table: String {
    var lines = [
      "| | ours | against | pairs | min | median | max | at most |", "|---|---|---|---:|---:|---:|---:|---:|",
    ]
    for comparison in comparisons {
      let head = "| \(comparison.name) | \(comparison.ours) | \(comparison.theirs) |"
      if let spread = Spread(comparison.pairs.map(\.ratio)) {
        lines.append(
          "\(head) \(comparison.pairs.count) | \(text(spread.minimum)) | \(text(spread.median)) | "
            + "\(text(spread.maximum)) | \(comparison.target.map(text) ?? "") |")
      } else {
        lines.append("\(head) 0 | – | – | – | \(comparison.skipped ?? "not measured") |")
      }
    }
    let figures = comparisons.flatMap { comparison in comparison.figures.map { (comparison.name, $0) } }
    if !figures.isEmpty {
      lines += ["", "| | figure | runs | min | median | max | at most |", "|---|---|---:|---:|---:|---:|---:|"]
      for (name, figure) in figures {
        guard let spread = Spread(figure.values) else { continue }
        lines.append(
          "| \(name) | \(figure.name) (\(figure.unit)) | \(figure.values.count) | \(text(spread.minimum)) | "
            + "\(text(spread.median)) | \(text(spread.maximum)) | \(figure.target.map(text) ?? "") |")
      }
    }
    lines += [
      "",
      "\(machine.processors) × \(machine.model), \(machine.memory) MiB, \(machine.system); \(machine.accelerator), "
        + "\(machine.emulator); \(machine.toolchain); \(machine.source)",
    ]
    return lines.joined(separator: "\n")
  }

  /// Two places where a hundredth counts, none where it does not.
  private func text(_ value: Double) -> String {
    if value >= 100 { return "\(Int(value.rounded()))" }
    if value >= 10 { return "\((value * 10).rounded() / 10)" }
    let hundredths = Int((value * 100).rounded())
    return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100)"
  }
}
