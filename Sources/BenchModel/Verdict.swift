// SPDX-License-Identifier: Apache-2.0

/// The answer to the reviewer's question for one series.
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
  /// The evidence does not support a verdict. Never a pass.
  case inconclusive

  /// Whether the series is worse than its base.
  public var isWorse: Bool {
    switch self {
    case .regresses, .doesNotApply, .doesNotBuild, .doesNotBoot: true
    case .clean, .fixes, .inconclusive: false
    }
  }
}

/// How one test changed between base and series.
public enum Change: String, Codable, Sendable, Hashable, CaseIterable {
  /// Neither fixed nor worse; also a failure that became milder.
  case same
  case fixed
  /// What must hold, holds as on the base, but a question of design has another answer.
  case differs
  case regressed
  /// Its result varied over several runs, and the rates with the series and on the base are close enough to be chance.
  case flaky
  /// The base has no result for it: its plan lacks the test, or the test was skipped there.
  case new
  /// It had a result on the base, or was planned, but has none with the series.
  case missing
}
