// SPDX-License-Identifier: Apache-2.0

/// The answer to the reviewer's question, for one series.
public enum Verdict: String, Codable, Sendable, Hashable, CaseIterable {
  /// As good as its base: no test changed, no new kernel report.
  case clean
  /// At least one test that fails on the base passes, and nothing got worse.
  case fixes
  /// At least one test or the kernel's log got worse.
  case regresses
  case doesNotApply = "does-not-apply"
  case doesNotBuild = "does-not-build"
  case doesNotBoot = "does-not-boot"
  /// The evidence does not carry a verdict. Never a pass.
  case inconclusive

  /// Whether the series is worse than its base.
  public var isWorse: Bool {
    switch self {
    case .regresses, .doesNotApply, .doesNotBuild, .doesNotBoot: true
    case .clean, .fixes, .inconclusive: false
    }
  }
}

/// What became of one test between base and series.
public enum Change: String, Codable, Sendable, Hashable, CaseIterable {
  /// Neither fixed nor worse; also a failure that became a milder one.
  case same
  case fixed
  case regressed
  /// It came out in more than one way in several tries, and not so often with the series and on the base that chance
  /// could not be why.
  case flaky
  /// The base gives no answer for it: its plan does not have it, or it was skipped there.
  case new
  /// It gave an answer on the base, or was planned, and gave none with the series.
  case missing
}
