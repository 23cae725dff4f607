// SPDX-License-Identifier: Apache-2.0

internal import BenchModel

/// Behaviour that no driver of a kernel shows, only the test driver here: it exports ordinary pages, which a mapping of
/// the dma-buf maps as such, without `VM_PFNMAP` and `VM_MIXEDMAP`. A check that rejects these breaks no user, and may
/// be intended.
enum OnlyOurs {
  /// The explanation in a verdict's reasons.
  static let words = "only our own driver does this: no stock exporter here maps ordinary pages"

  /// Returns whether a test uses such an exporter: `history/pbtest_plain-to-plain/merged-after-mmap`.
  static func isAsked(by test: String) -> Bool {
    let parts = test.split(separator: "/")
    guard parts.count > 1 else { return false }
    return parts[1] == "pbtest_plain" || parts[1].hasPrefix("pbtest_plain-to-")
  }
}

extension ReportComparison {
  var isOnlyOurs: Bool { report.test.map(OnlyOurs.isAsked) ?? false }

  /// Whether it counts against the series.
  public var countsAgainst: Bool { !onBase && known == nil && !isOnlyOurs }
}

extension TestComparison {
  /// Whether it makes the verdict worse: not if only the test driver provokes it.
  public var countsAgainst: Bool { isWorse && !OnlyOurs.isAsked(by: name) }
}
