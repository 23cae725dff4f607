// SPDX-License-Identifier: Apache-2.0

public import BenchModel

extension BaseChoice {
  /// Which base was taken, why, and how many series apply to it: `linux-6.12, the default; 3 of 3 series apply`.
  /// - Parameter applied: whether each series applies, of those for which it is known.
  public func words(_ kernel: String, applied: [Bool]) -> String {
    let count = applied.count { $0 }
    let fit = "; \(count) of \(applied.count) series \(applied.count == 1 ? "applies" : "apply")"
    return words(kernel) + (applied.isEmpty ? "" : fit) + (untaken.map { "; \($0.words)" } ?? "")
  }

  /// Why a kernel is the base: `linux-6.12, the default`.
  func words(_ kernel: String) -> String {
    let whole = revision.map { "\(kernel) at \($0)" } ?? kernel
    let own = compared.first { $0.kernel == kernel }
    let others = compared.filter { $0.kernel != kernel }
    let why: String =
      switch reason {
      case .named: "as named"
      case .configured: "as the configuration says"
      case .baseCommit: "the base-commit of the series"
      case .standard:
        others.isEmpty
          ? "the default" : "the default; \(others.map(\.kernel).joined(separator: ", ")) would fit no better"
      case .notBuilt: "the default, which was not built yet, so it was not compared with other kernels"
      case .applies:
        "to which \(own?.applies ?? 0) series \(own?.applies == 1 ? "applies" : "apply")"
          + others.map { ", and \($0.applies) to \($0.kernel)" }.joined()
      case .madeFrom:
        "which has \(own?.exact ?? 0) of the files that the series were made from"
          + others.map { ", and \($0.kernel) has \($0.exact)" }.joined()
      }
    return "\(whole), \(why)"
  }
}

extension BaseChoice.Untaken {
  /// What the user can do about it.
  var words: String {
    "the base-commit \(commit.prefix(12)) is in the repository of \(kernel), but not in the history of its revision; "
      + "`--kernel \(kernel) --base \(commit)` takes it"
  }
}

extension BaseFit {
  /// `made from these very files`; `nil` if there are no index lines to tell.
  public var words: String? {
    if told == 0 { return nil }
    if exact == told { return "made from these very files" }
    if exact == 0 { return "made from \(told == 1 ? "another version of its file" : "other versions of its files")" }
    return "made from \(exact) of these files, and from other versions of \(told - exact)"
  }
}

extension RunRecord {
  /// Which base was taken, why, and how many series apply to it; `nil` in records of earlier versions.
  public var baseWords: String? {
    guard let choice = header.choice else { return nil }
    // Only git's verdict during the trial counts, so a series that was not tried is in neither number.
    return choice.words(header.cell.kernel, applied: header.series.compactMap { trials[$0.name]?.applied })
  }
}

extension RunHeader {
  /// How well the base fits a series, which one the series names, and what it stands on.
  public func baseWords(of series: PatchSeries) -> [String] {
    var words = [series.prerequisiteWords].compactMap { $0 }
    if let fit = fits?[series.name]?.words { words.append(fit) }
    if choice != nil, let commit = series.origin?.baseCommit {
      words.append(
        choice?.reason == .baseCommit ? "it names this base (base-commit \(commit))" : "it names base-commit \(commit)")
    }
    return words
  }
}

extension PatchSeries {
  /// `stands on 2 patches of my-fix; what they change counts as its own`; `nil` if it stands on none.
  public var prerequisiteWords: String? {
    var counts: [(from: String, count: Int)] = []
    for from in prerequisites.compactMap(\.from) {
      if counts.last?.from == from { counts[counts.count - 1].count += 1 } else { counts.append((from, 1)) }
    }
    if counts.isEmpty { return nil }
    let list = counts.map { "\($0.count) patch\($0.count == 1 ? "" : "es") of \($0.from)" }.joined(separator: ", ")
    return "stands on \(list); what they change counts as its own"
  }
}

extension Trial {
  /// Whether its patches applied; `nil` if that is not known.
  fileprivate var applied: Bool? {
    switch result {
    case .doesNotApply: false
    case .doesNotBuild, .sameCode, .built, .ran: true
    case .fault, .interrupted: nil
    }
  }
}
