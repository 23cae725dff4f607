// SPDX-License-Identifier: Apache-2.0

internal import BenchModel
public import History
internal import Reports
internal import Verdicts

/// What changed, as text for a terminal or a mail: a heading for each kind of change, and nothing where there is none.
public enum ChangesText {
  /// - Parameter width: the most columns of a line.
  public static func text(_ changes: Changes, width: Int = 80) -> String {
    let since = Words.time(changes.since)
    if changes.isEmpty { return "Nothing changed since \(since).\n" }
    var lines = ["Since \(since):"]
    for (title, items) in sections(changes) where !items.isEmpty {
      lines += ["", "\(title) (\(items.count))"]
      for item in items { lines += wrapped(item, width) }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// Returns the changes of each kind in words, the worst kind first; not escaped.
  static func sections(_ changes: Changes) -> [(title: String, items: [String])] {
    [
      ("Worse than before", changes.broken.map(words)),
      ("Better than before", changes.fixed.map(words)),
      ("New", changes.new.map { "\(place($0)): \(told($0))" }),
      ("Gone", changes.gone.map { "\(place($0)): was \($0.verdict.rawValue) on \(Words.time($0.started))" }),
      ("Newly flaky", changes.flaky.map(words)),
      ("Bases that moved", changes.bases.map(words)),
      (
        "Slower",
        changes.slower.map {
          "\(place($0.trial)): \(Words.duration($0.trial.seconds)), usually \(Words.duration($0.usual))"
        }
      ),
    ]
  }

  static func words(_ change: SeriesChange) -> String {
    let (then, now) = (change.then, change.now)
    var words = place(now)
    if then.name != now.name { words += " (before: \(then.name))" }
    words += ": "
    words += then.verdict == now.verdict ? "still \(now.verdict.rawValue)" : "\(then.verdict.rawValue) → \(told(now))"
    let what = some(change.tests, "test") + some(change.reports, "kernel report")
    return what.isEmpty ? words : words + "; " + what.joined(separator: "; ")
  }

  private static func words(_ flaky: FlakyTest) -> String {
    let before = flaky.before == 0 ? "never before" : "before in \(flaky.before) of \(Words.counted(flaky.of, "trial"))"
    return "\(flaky.test) with \(place(flaky.trial)): \(before)"
  }

  private static func words(_ base: BaseChange) -> String {
    let moves = base.moves.map { "\($0.what) \($0.then) → \($0.now)" }
    let tests =
      some(base.failing, "test").map { "now fails: \($0)" }
      + some(base.passing, "test").map { "no longer fails: \($0)" }
    return "\(base.cell.kernel) \(base.cell.profile): " + (moves + tests).joined(separator: "; ")
  }

  /// `my-fix-v4 on linux-6.12 kasan`
  static func place(_ trial: ToldTrial) -> String { "\(trial.name) on \(trial.cell.kernel) \(trial.cell.profile)" }

  /// The verdict, with its reason where that is not the verdict's own meaning.
  private static func told(_ trial: ToldTrial) -> String {
    trial.verdict == .clean ? "clean" : "\(trial.verdict.rawValue) (\(trial.reason))"
  }

  /// `a/x, b/x, c/x and 4 more tests`; nothing for none.
  private static func some(_ names: [String], _ noun: String) -> [String] {
    if names.isEmpty { return [] }
    let shown = names.prefix(3).joined(separator: ", ")
    return [names.count <= 3 ? shown : "\(shown) and \(Words.counted(names.count - 3, "more \(noun)"))"]
  }

  private static func wrapped(_ item: String, _ width: Int) -> [String] {
    Columns.wrap(visible(item), to: width - 4).enumerated().map { ($0.offset == 0 ? "  " : "    ") + $0.element }
  }
}
