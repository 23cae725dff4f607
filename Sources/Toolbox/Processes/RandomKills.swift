// SPDX-License-Identifier: Apache-2.0

/// Ends a program at random moments with SIGKILL, as a power cut would, and has it go on.
public struct RandomKills: Sendable {
  /// How many times it is killed.
  public var count: Int
  /// The same seed gives the same shares.
  public var seed: UInt64
  /// How long the program takes, as far as is known: the latest moment after a start.
  public var within: Duration

  public init(count: Int, seed: UInt64, within: Duration) {
    self.count = count
    self.seed = seed
    self.within = within
  }

  /// When it is killed after each start: which share of its time has gone by, below 1.
  public var shares: some Sequence<Double> {
    var numbers = SeededNumbers(seed: seed)
    return (0..<count).map { _ in Double.random(in: 0..<1, using: &numbers) }
  }

  /// Starts the program and kills it, over and over, and lets it come to its end after the last kill. Nothing but the
  /// program itself is killed: what it started is left as it would be.
  /// - Parameters:
  ///   - next: the program: to begin with, or to go on with what the last kill left. Asked before each start.
  ///   - killed: looks at what a kill left, whose number it is told, from 1.
  ///   - ended: looks at what came of it where it had ended before its moment came, and at the last; what comes next then
  ///     begins anew.
  public func run(
    next: () async throws -> Tool, killed: (_ number: Int, _ after: Duration) async throws -> Void = { _, _ in },
    ended: (ToolResult) async throws -> Void
  ) async throws {
    var longest = within
    var isAnew = true
    for (index, share) in shares.enumerated() {
      var moment = longest * share
      // A start that came to its end is no kill. It is begun anew, and by what is known then: where `within` was measured
      // on a busier machine, a late moment of it never comes.
      while true {
        let begun = ContinuousClock.now
        let result = try await Self.timed(next(), moment).run(deadline: within + .seconds(600))
        if result.status == .exited(Self.statusOfKilled) || result.status == .signaled(9) { break }
        if isAnew { longest = min(longest, .now - begun) }
        moment = longest * share
        isAnew = true
        try await ended(result)
      }
      isAnew = false
      try await killed(index + 1, moment)
    }
    try await ended(try await next().run(deadline: .seconds(3600)))
  }

  /// timeout(1)'s own, where it has killed.
  private static let statusOfKilled = 137

  private static func timed(_ tool: Tool, _ moment: Duration) -> Tool {
    var timed = tool
    timed.executable = "timeout"
    // In the foreground: else it would kill its whole group. No time at all would mean for ever.
    let seconds = max(0.001, moment / .seconds(1))
    timed.arguments = ["--foreground", "--signal=KILL", "\(seconds)", tool.executable] + tool.arguments
    return timed
  }
}

/// Random numbers that come again with their seed.
public struct SeededNumbers: RandomNumberGenerator, Sendable {
  private var state: UInt64

  public init(seed: UInt64) { state = seed }

  /// SplitMix64: a counter whose bits are mixed.
  public mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}
