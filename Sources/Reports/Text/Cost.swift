// SPDX-License-Identifier: Apache-2.0

internal import BenchModel
internal import Foundation
internal import Verdicts

/// Where a run's time went: a row for the base, for each series, and for the reports.
struct Cost {
  var rows: [Row]
  /// The longest time that one row spent in this run, in seconds: what a picture's width stands for.
  var longest: Double

  struct Row {
    var subject: Subject
    /// A series' name is text from outside.
    var name: String
    /// The steps of which a time is known, in the order of the work.
    var parts: [Part]
    /// The times are those of an earlier run: in this one they cost nothing.
    var isReused: Bool
    /// How it came about, in words; may be empty.
    var note: String

    var total: Double? { parts.isEmpty ? nil : parts.reduce(0) { $0 + $1.seconds } }

    /// What this run spent on it.
    var spent: [Part] { isReused ? [] : parts }
  }

  enum Subject: Equatable {
    case base
    /// Its number, from 1.
    case series(Int)
    case reports
    /// All trials together.
    case trials
  }

  struct Part {
    /// A `CostStep`, or `report`: one of our own words.
    var label: String
    var seconds: Double
  }

  init(_ record: RunRecord, _ judgements: [Judgement]) {
    let base = record.base
    rows = [Row(.base, "base", base, note: base?.reused == true ? "" : Words.origin(base) ?? "")]
    rows += judgements.enumerated().map { index, judgement in
      Row(.series(index + 1), judgement.series.name, judgement.trial, note: Words.how(judgement.trial))
    }
    if let seconds = Self.known(record.reportSeconds) {
      let part = Part(label: Self.report, seconds: seconds)
      rows.append(Row(subject: .reports, name: "the reports", parts: [part], isReused: false, note: ""))
    }
    longest = rows.map { $0.spent.reduce(0) { $0 + $1.seconds } }.max() ?? 0
  }

  static let report = "report"

  /// What a picture's parts are called, in their order.
  var labels: [String] {
    CostStep.allCases.map(\.rawValue) + (rows.contains { $0.subject == .reports } ? [Self.report] : [])
  }

  /// The base and the series.
  var trialRows: [Row] { rows.filter { $0.subject != .reports } }

  /// No time is known of anything.
  var isEmpty: Bool { rows.allSatisfy(\.parts.isEmpty) }

  /// What the trials of this run spent on each step.
  var trials: Row {
    let spent = trialRows.flatMap(\.spent)
    let parts = CostStep.allCases.compactMap { step in
      let times = spent.filter { $0.label == step.rawValue }.map(\.seconds)
      return times.isEmpty ? nil : Part(label: step.rawValue, seconds: times.reduce(0, +))
    }
    return Row(subject: .trials, name: "all trials of this run", parts: parts, isReused: false, note: "")
  }

  /// A round distance between two marks on a picture's scale, so that there are at most six.
  var tick: Double {
    let round = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600]
    var tick = round.first { $0 * 6 >= longest } ?? round.last!
    while tick * 6 < longest { tick *= 2 }
    return tick
  }

  /// A time that can be one. A record may hold anything: a clock that was set back gives a negative one.
  static func known(_ seconds: Double?) -> Double? {
    seconds.flatMap { $0.isFinite && $0 >= 0 && $0 < 1e9 ? $0 : nil }
  }
}

extension Cost.Row {
  fileprivate init(_ subject: Cost.Subject, _ name: String, _ trial: Trial?, note: String) {
    self.init(
      subject: subject, name: name, parts: trial.map { Cost.parts($0.seconds) } ?? [],
      isReused: trial?.reused ?? false, note: note)
  }

  /// A step's time.
  func seconds(_ label: String) -> Double? { parts.first { $0.label == label }?.seconds }
}

extension Cost {
  /// The steps of which a time is known.
  static func parts(_ seconds: StageSeconds) -> [Part] {
    CostStep.allCases.compactMap { step in
      known(seconds[step]).map { Part(label: step.rawValue, seconds: $0) }
    }
  }
}

extension StageSeconds {
  /// The same times without those that cannot be one.
  var known: StageSeconds {
    var copy = self
    for step in CostStep.allCases { copy[step] = Cost.known(self[step]) }
    return copy
  }
}

extension RunRecord {
  /// Wall time from its first event to its last.
  var wall: Double? { Cost.known(finished?.timeIntervalSince(started)) }
}
