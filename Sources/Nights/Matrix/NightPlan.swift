// SPDX-License-Identifier: Apache-2.0

/// What a night does, and what it leaves for the next one.
public struct NightPlan: Sendable, Hashable, Codable {
  /// A series in one cell.
  public struct Item: Sendable, Hashable, Codable {
    public var series: String
    public var kernel: String
    public var profile: String
    public var priority: Int
    /// How long it takes if nothing else runs; 0 if its result is kept from an earlier night.
    public var seconds: Double

    public init(series: String, kernel: String, profile: String, priority: Int, seconds: Double) {
      self.series = series
      self.kernel = kernel
      self.profile = profile
      self.priority = priority
      self.seconds = seconds
    }

    /// Whether nothing that decides its result has changed.
    public var isKept: Bool { seconds == 0 }
  }

  /// In the order of the matrix, the most important first.
  public var tonight: [Item]
  public var left: [Item]
  /// How long tonight's work takes, in seconds, with as much at once as fits.
  public var seconds: Double

  /// Takes items, the most important first, as long as they fit. What is kept costs nothing and is always there, so that
  /// the report is whole. An item that does not fit does not keep a smaller one away.
  /// - Parameters:
  ///   - items: in the order of the matrix.
  ///   - bases: how long the base of a cell takes, by `kernel/profile`, before its first series.
  ///   - budget: in seconds; `nil` is without end.
  ///   - jobs: how many trials run at once.
  public init(_ items: [Item], bases: [String: Double] = [:], budget: Double?, jobs: Int) {
    var (tonight, left): ([(Int, Item)], [(Int, Item)]) = ([], [])
    var spent = 0.0
    var begun: Set<String> = []
    // Sorting by priority alone must not mix what has the same.
    let ordered = items.enumerated().sorted { ($1.element.priority, $0.offset) < ($0.element.priority, $1.offset) }
    for (index, item) in ordered {
      let cell = "\(item.kernel)/\(item.profile)"
      let base = begun.contains(cell) || item.isKept ? 0 : bases[cell] ?? 0
      let cost = base + item.seconds / Double(max(1, jobs))
      if !item.isKept, let budget, spent + cost > budget {
        left.append((index, item))
        continue
      }
      if !item.isKept { begun.insert(cell) }
      spent += cost
      tonight.append((index, item))
    }
    self.tonight = tonight.map(\.1)
    self.left = left.map(\.1)
    seconds = spent
  }
}
