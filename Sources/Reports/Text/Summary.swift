// SPDX-License-Identifier: Apache-2.0

package import BenchModel
internal import Verdicts

/// The answer of a run in one sentence: which series fix what, which change nothing, which make something worse, and
/// which nobody can tell.
enum Summary {
  /// Returns the sentence. Names of series are untrusted text and are not escaped.
  static func sentence(_ judgements: [Judgement]) -> String {
    sentence(judgements.map { ($0.series.name, $0.verdict) })
  }

  /// The same for several cells, whose worst verdict is that of the series.
  static func sentence(_ matrix: Matrix) -> String { sentence(matrix.rows.map { ($0.series, $0.verdict) }) }

  static func sentence(_ series: [(name: String, verdict: Verdict)]) -> String {
    if series.isEmpty { return "There is no series." }
    let groups = Verdict.bestFirst.compactMap { verdict -> String? in
      let names = series.filter { $0.verdict == verdict }.map(\.name)
      return names.isEmpty ? nil : phrase(verdict, names, areAll: names.count == series.count)
    }
    // A name at the beginning stays as it is.
    return (groups.count == 1 ? "" : "Of \(series.count) series, ") + list(groups, separator: "; ") + "."
  }

  private static func phrase(_ verdict: Verdict, _ names: [String], areAll: Bool) -> String {
    let one = names.count == 1
    let named = list(shortened(names, "more"), separator: ", ")
    let many = !areAll ? "\(names.count)" : names.count == 2 ? "Both series" : "All \(names.count) series"
    let who = one ? names[0] : "\(many) (\(named))"
    let does =
      switch verdict {
      case .fixes: one ? "fixes what fails on the base" : "fix what fails on the base"
      case .clean: one ? "makes nothing worse and fixes nothing" : "make nothing worse and fix nothing"
      case .inconclusive: "cannot be judged"
      case .regresses: one ? "makes something worse" : "make something worse"
      case .doesNotBoot: one ? "does not boot" : "do not boot"
      case .doesNotBuild: one ? "does not build" : "do not build"
      case .doesNotApply: one ? "does not apply" : "do not apply"
      }
    return "\(who) \(does)"
  }

  /// Returns at most four: of more, the first three and how many there are besides.
  static func shortened(_ names: [String], _ rest: String) -> [String] {
    names.count > 4 ? Array(names.prefix(3)) + ["\(names.count - 3) \(rest)"] : names
  }

  /// `a`, `a and b`, `a, b and c`
  static func list(_ parts: [String], separator: String) -> String {
    guard let last = parts.last, parts.count > 1 else { return parts.first ?? "" }
    return parts.dropLast().joined(separator: separator) + (separator == "; " ? "; and " : " and ") + last
  }
}

extension Verdict {
  /// The best verdict first.
  package static let bestFirst: [Verdict] = [
    .fixes, .clean, .inconclusive, .regresses, .doesNotBoot, .doesNotBuild, .doesNotApply,
  ]

  /// The verdict as a shape, for readers who do not see its colour.
  package var shape: String {
    switch self {
    case .fixes: "★"
    case .clean: "✓"
    case .inconclusive: "?"
    case .regresses: "✗"
    case .doesNotBoot, .doesNotBuild, .doesNotApply: "⊘"
    }
  }
}

/// What a reader needs to know of one series first.
struct SeriesAnswer {
  /// Its number in the run, from 1: its anchor.
  var number: Int
  var judgement: Judgement
  /// What is wrong with it, the weightiest first.
  var causes: [Cause]

  /// The series of a run, the best verdict first, and in the run's order where verdicts are equal.
  static func ranked(_ judgements: [Judgement], _ header: RunHeader) -> [SeriesAnswer] {
    let all = judgements.enumerated().map { index, judgement in
      SeriesAnswer(number: index + 1, judgement: judgement, causes: judgement.causes(header.causes ?? []))
    }
    let rank = { (answer: SeriesAnswer) in Verdict.bestFirst.firstIndex(of: answer.judgement.verdict)! }
    return all.sorted { (rank($0), $0.number) < (rank($1), $1.number) }
  }

  /// What the series says of itself: the subject of its cover letter, or else of its only patch.
  var claim: String? {
    let series = judgement.series
    return series.cover?.subject ?? (series.patches.count == 1 ? series.patches[0].subject : nil)
  }

  /// The weightiest cause in words, or else what it fixes, or else the verdict's first reason.
  private var decisive: String {
    if let cause = causes.first { return cause.sentence }
    if judgement.verdict == .fixes {
      return "passes what fails on the base: \(Summary.list(fixes, separator: ", "))"
    }
    return judgement.reasons.first?.description ?? ""
  }

  private var otherCauses: String {
    causes.count > 1 ? " (and \(Words.counted(causes.count - 1, "other cause")))" : ""
  }

  /// What decides the verdict, in words; not escaped.
  var words: String { decisive + otherCauses }

  /// The same, with what can be cut apart from how much there is besides; not escaped.
  var inShort: (first: String, more: String) {
    if !causes.isEmpty { return (decisive, otherCauses) }
    let reasons = judgement.reasons
    let isReason = decisive == reasons.first?.description
    return (decisive, isReason && reasons.count > 1 ? " (+\(reasons.count - 1) more)" : "")
  }

  /// What it also fixes, if ``words`` are about something else.
  var fixesBesides: [String] { judgement.verdict == .fixes ? [] : fixes }

  /// The questions of which it fixes at least one failure, each with the number of tests.
  var fixes: [String] {
    judgement.tests.filter { $0.change == .fixed }.grouped { TestName($0.name).question }
      .map { "\($0.key) (\(Words.counted($0.elements.count, "test")))" }
  }

  /// The number of tests that differ by design alone.
  var differing: Int { judgement.count(of: .differs) }

  /// How much stands behind the verdict: `4 tries of what is worse; 9 of 9 changed lines ran`.
  func sureness(accepted: [AcceptedLines]) -> String {
    var parts: [String] = []
    if let most = judgement.tests.map(\.seriesTries.of).max(), most > 1 {
      parts.append("changed tests tried \(most) times")
    } else if judgement.trial?.run != nil {
      parts.append("each test tried once")
    }
    if let run = judgement.trial?.run, run.booted, let lines = judgement.trial?.change?.lines {
      let fates = lines.fates(run.execution, accepted: accepted).filter { Self.runnable.contains($0.state) }
      let ran = fates.count { $0.state == .ran }
      if !fates.isEmpty { parts.append("\(ran) of \(Words.counted(fates.count, "changed line")) ran") }
    }
    return parts.joined(separator: "; ")
  }

  /// The fates of lines that are expected to run.
  private static let runnable: Set<LineFate.State> = [.ran, .oneWay, .notRun, .unseen, .notCompiled]
}

extension CauseKind {
  /// In two words, for a label.
  var words: String {
    switch self {
    case .dies: "kernel dies"
    case .stale: "stale data"
    case .access: "access"
    case .invalidation: "invalidation"
    case .balance: "leak or count"
    case .hangs: "hangs or dies"
    case .errno: "errno"
    case .splat: "splat"
    case .behaviour: "behaviour"
    case .consequence: "later splat"
    }
  }
}
