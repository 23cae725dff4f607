// SPDX-License-Identifier: Apache-2.0

import Reports

/// A bisection as text for a terminal.
public enum BisectText {
  /// Returns what it was begun with: `v6.12 (…) to v6.13 (…): 6 commits to search, about 3 steps`.
  public static func head(_ range: BisectRange) -> String {
    let steps = range.expected == 0 ? "" : ", about \(Words.counted(range.expected, "step"))"
    return visible(
      "\(range.good.words) to \(range.bad.words): \(Words.counted(range.commits, "commit")) to search\(steps)")
  }

  /// Returns a note if the good revision does not lead to the bad one; `nil` if it does.
  public static func parted(_ range: BisectRange) -> String? {
    guard let first = range.parted.first else { return nil }
    let more = range.parted.count == 1 ? "" : " and \(range.parted.count - 1) more"
    return visible(
      "\(range.good.words) does not lead to \(range.bad.words): git first asks for the commit where they part, "
        + "\(first.prefix(12))\(more)")
  }

  /// Returns what the search is for, once that is known.
  public static func sought(_ sought: Bisection.Sought) -> String {
    let tests = Words.counted(sought.tests.count, "test")
    return "from here on, each commit runs \(tests), and looks for:\n"
      + sought.symptoms.map { "  \(visible($0.text))" }.joined(separator: "\n")
  }

  /// Returns the answer of a step: `bad: forward/…: ok on good, not-ok here (41 s)`.
  public static func answer(_ step: BisectStep) -> String {
    visible("\(step.answer.rawValue): \(step.reason)") + " (\(Words.duration(step.seconds)))"
  }

  /// Returns the outcome, why, and what was tried.
  /// - Parameter width: in columns.
  public static func result(_ bisection: Bisection, width: Int = 100) -> String {
    ([outcome(bisection)] + [remaining(bisection), steps(bisection, width)].compactMap { $0 }).joined(separator: "\n\n")
      + "\n"
  }

  private static func outcome(_ bisection: Bisection) -> String {
    guard let outcome = bisection.outcome else { return "No outcome yet." }
    var lines = [visible(outcome.words)]
    switch outcome.kind {
    case .firstBad:
      guard let commit = outcome.commits.first else { break }
      let merge = commit.parents.count > 1 ? ", a merge of \(commit.parents.count) histories" : ""
      lines.append("  \(visible(commit.subject))")
      lines.append("  \(visible("\(commit.author), \(commit.date)"))\(merge)")
      lines += why(bisection, found(bisection, in: commit), "worse there than at \(bisection.range.good.words):")
    case .suspects, .fixedSince:
      lines += outcome.commits.map { visible("  \($0.short) \($0.subject) (\($0.author), \($0.date))") }
      lines += why(
        bisection, bisection.sought?.symptoms ?? [],
        "worse at \(bisection.range.bad.words) than at \(bisection.range.good.words):")
    case .nothingWorse, .undecided: break
    }
    return lines.joined(separator: "\n")
  }

  private static func why(_ bisection: Bisection, _ symptoms: [Symptom], _ title: String) -> [String] {
    symptoms.isEmpty ? [] : ["", visible(title)] + symptoms.map { "  \(visible($0.text))" }
  }

  /// What the trial of the first bad commit has found.
  private static func found(_ bisection: Bisection, in commit: BisectCommit) -> [Symptom] {
    bisection.steps.last { $0.commit.name == commit.name && $0.answer == .bad }?.found ?? []
  }

  /// What is worse at the bad revision and not yet at the first bad commit: another commit brings it.
  private static func remaining(_ bisection: Bisection) -> String? {
    guard let outcome = bisection.outcome, outcome.kind == .firstBad, let commit = outcome.commits.first,
      let sought = bisection.sought
    else { return nil }
    let names = Set(found(bisection, in: commit).map(\.name))
    let others = sought.symptoms.filter { !names.contains($0.name) }
    if others.isEmpty { return nil }
    let lines = others.map { "  \(visible($0.text))" }
    return
      (["worse at the bad revision only, so a later commit brings it; `--good \(commit.short)` searches for that:"]
      + lines).joined(separator: "\n")
  }

  private static func steps(_ bisection: Bisection, _ width: Int) -> String? {
    if bisection.steps.isEmpty { return nil }
    let number = "\(bisection.steps.count)".count
    let rows = bisection.steps.map { step in
      let head =
        Columns.pad("\(step.number)", to: max(4, number), right: true) + "  " + Columns.pad(step.commit.short, to: 12)
        + "  " + Columns.pad(step.answer.rawValue, to: 6) + "  "
        + Columns.pad(Words.duration(step.seconds), to: 12, right: true) + "  "
      return head + Columns.middle(visible(step.reason), to: max(20, width - Columns.width(of: head)))
    }
    return (["STEP  COMMIT        ANSWER          TIME  WHY"] + rows).joined(separator: "\n")
  }
}
