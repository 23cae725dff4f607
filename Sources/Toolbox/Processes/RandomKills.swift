// SPDX-License-Identifier: Apache-2.0

/// Kills a program at random moments with SIGKILL, as a power cut would, and resumes it.
public struct RandomKills: Sendable {
  /// The number of kills.
  public var count: Int
  /// The same seed gives the same shares.
  public var seed: UInt64
  /// The estimated duration of the program: the latest moment after a start.
  public var within: Duration

  public init(count: Int, seed: UInt64, within: Duration) {
    self.count = count
    self.seed = seed
    self.within = within
  }

  /// When it is killed after each start, as a share below 1 of its duration.
  public var shares: some Sequence<Double> {
    var numbers = SeededNumbers(seed: seed)
    return (0..<count).map { _ in Double.random(in: 0..<1, using: &numbers) }
  }

  /// Starts the program and kills it, repeatedly, and lets it complete after the last kill. Only the program itself is
  /// killed; the processes it started are left alone.
  /// - Parameters:
  ///   - next: returns the program that begins, or resumes what the last kill left. Called before each start.
  ///   - killed: checks what a kill left, and gets the kill's number, from 1.
  ///   - ended: checks the result if the program ended before its moment, and at the end. The next start then begins
  ///     anew.
  public func run(
    next: () async throws -> Tool, killed: (_ number: Int, _ after: Duration) async throws -> Void = { _, _ in },
    ended: (ToolResult) async throws -> Void
  ) async throws {
    var longest = within
    var isAnew = true
    for (index, share) in shares.enumerated() {
      var moment = longest * share
      // A start that completed does not count as a kill. The program is started anew with the duration known by then:
      // if `within` was measured on a busier machine, a late moment would never come.
      while true {
        let begun = ContinuousClock.now
        let result = try await Self.timed(next(), moment).run(deadline: within + .seconds(600))
        if result.status == .exited(Self.statusOfKilled) || result.status == .signaled(9) { break }
        // It came to its end while it was being killed. How it ended is not known, so the next start must find it.
        if result.status == .exited(Self.statusOfTimedOut) { break }
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

  /// timeout(1)'s own exit status after a kill.
  private static let statusOfKilled = 137
  /// That if the program has exited by then.
  private static let statusOfTimedOut = 124

  private static func timed(_ tool: Tool, _ moment: Duration) -> Tool {
    var timed = tool
    timed.executable = "timeout"
    // In the foreground, because it would otherwise kill its whole group. A time of zero would mean no limit.
    let seconds = max(0.001, moment / .seconds(1))
    timed.arguments = ["--foreground", "--signal=KILL", "\(seconds)", tool.executable] + tool.arguments
    return timed
  }
}

/// Random numbers that are reproducible from their seed.
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
