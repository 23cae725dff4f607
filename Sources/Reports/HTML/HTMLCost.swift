// SPDX-License-Identifier: Apache-2.0

internal import BenchModel
internal import Verdicts

/// "Where the time went" of `report.html`; see ``HTMLPage`` for why nothing is optional.
///
/// The bars are boxes with a width. Screen readers skip them: the names, notes and totals next to them are text, and
/// the numbers are in the table below.
struct HTMLCost {
  var summary: String
  /// The distance between the scale's lines, in percent of the picture's width.
  var tick: String
  var marks: [HTMLTick]
  var key: [HTMLKey]
  var bars: [HTMLBar]
  var heads: [String]
  var lines: [HTMLCostLine]
  var sums: [HTMLCostLine]
  var remarksBelow: [String]

  /// Returns `nil` if no time is known.
  init?(_ record: RunRecord, _ judgements: [Judgement]) {
    let cost = Cost(record, judgements)
    if cost.isEmpty { return nil }
    summary = Words.summary(record, judgements)
    let longest = cost.longest
    tick = Self.percent(cost.tick, of: longest)
    let count = longest > 0 ? Int(longest / cost.tick) : 0
    marks = (0...count).map { mark in
      let seconds = Double(mark) * cost.tick
      return HTMLTick(
        at: Self.percent(seconds, of: longest), isLast: seconds > longest * 0.92,
        mark: mark == 0 ? "0" : Words.round(seconds))
    }
    key = cost.labels.map { HTMLKey(look: $0, meaning: Self.meaning($0)) }
    bars = cost.rows.map { HTMLBar($0, longest) }
    let labels = CostStep.allCases.map(\.rawValue)
    heads = labels
    lines = cost.trialRows.map { HTMLCostLine($0, labels) }
    sums = [HTMLCostLine(cost.trials, labels)]
    remarksBelow = cost.rows.contains(where: \.isReused) ? [Words.reusedTimes] : []
  }

  /// Formats a part of the picture's width for CSS: no exponent, and never more than 100 %.
  static func percent(_ seconds: Double, of longest: Double) -> String {
    guard longest > 0 else { return "100%" }
    return "\(Words.hundredths(min(1, seconds / longest) * 100))%"
  }

  private static func meaning(_ label: String) -> String {
    switch CostStep(rawValue: label) {
    case .apply: "tree and patches"
    case .configure: "what to compile"
    case .compile: "the objects"
    case .link: "the image"
    case .examine: "changes in the image"
    case .start: "until the machine runs"
    case .boot: "until the guest's first line"
    case .tests: "until the machine ends"
    case .collect: "results, cleanup"
    case .base: "changed tests, repeated on the base"
    case .blame: "which patch brings it"
    case nil: "writing the reports"
    }
  }
}

/// A mark on the scale.
struct HTMLTick {
  var at: String
  /// Whether the mark is so far to the right that its text has to precede it.
  var isLast: Bool
  var mark: String
}

struct HTMLKey {
  /// The name of the part, which is also its CSS class. It is one of our own words.
  var look: String
  var meaning: String
}

/// A row of the picture.
struct HTMLBar {
  var subject: HTMLSubject
  var segments: [HTMLSegment]
  /// The text that replaces the bar.
  var instead: [String]
  var total: String
  var notes: [String]

  init(_ row: Cost.Row, _ longest: Double) {
    subject = HTMLSubject(row)
    segments = row.spent.filter { $0.seconds > 0 }.map { HTMLSegment($0, longest) }
    instead = row.isReused ? ["result reused from an earlier run, where it took \(Words.duration(row.total))"] : []
    total = row.isReused ? "reused" : Words.duration(row.total)
    notes = row.note.isEmpty ? [] : [row.note]
  }
}

/// The subject of a row: a link for a series, a word for subjects without a section.
struct HTMLSubject {
  var links: [HTMLLink]
  var words: [String]

  init(_ row: Cost.Row) {
    if case .series(let number) = row.subject {
      links = [HTMLLink(target: number, link: visible(row.name))]
      words = []
    } else {
      links = []
      words = [row.name]
    }
  }
}

struct HTMLLink {
  var target: Int
  var link: String
}

struct HTMLSegment {
  var look: String
  var width: String
  var hint: String
  /// The step's name and time, if they fit.
  var caption: String

  init(_ part: Cost.Part, _ longest: Double) {
    look = part.label
    width = HTMLCost.percent(part.seconds, of: longest)
    let time = Words.duration(part.seconds)
    hint = "\(part.label): \(time)"
    // On a wide screen, a character of this size takes about one percent of the picture.
    let room = longest > 0 ? Int(part.seconds / longest * 100) - 2 : 0
    caption = [hint, part.label].first { $0.count <= room } ?? ""
  }
}

/// A row of the table.
struct HTMLCostLine {
  var who: HTMLSubject
  var isEarlier: Bool
  var times: [String]
  var whole: String

  init(_ row: Cost.Row, _ labels: [String]) {
    who = HTMLSubject(row)
    isEarlier = row.isReused
    times = labels.map { Words.hundredths(row.seconds($0)) }
    whole = Words.hundredths(row.total)
  }
}
