// SPDX-License-Identifier: Apache-2.0

internal import BenchModel
internal import Foundation
internal import Verdicts

/// The time that a run took: a row for the base, for each series, and for the reports.
struct Cost {
  var rows: [Row]
  /// The longest time that one row took in this run, in seconds. It is the full width of a picture.
  var longest: Double

  struct Row {
    var subject: Subject
    /// The name. A series' name is untrusted text.
    var name: String
    /// The steps whose time is known, in the order of the work.
    var parts: [Part]
    /// Whether the times are those of an earlier run and cost nothing in this one.
    var isReused: Bool
    /// How the result was obtained, in words; may be empty.
    var note: String

    var total: Double? { parts.isEmpty ? nil : parts.reduce(0) { $0 + $1.seconds } }

    /// The time that this run spent on it.
    var spent: [Part] { isReused ? [] : parts }
  }

  enum Subject: Equatable {
    case base
    /// The series' number, from 1.
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

  /// The names of a picture's parts, in order.
  var labels: [String] {
    CostStep.allCases.map(\.rawValue) + (rows.contains { $0.subject == .reports } ? [Self.report] : [])
  }

  /// The base and the series.
  var trialRows: [Row] { rows.filter { $0.subject != .reports } }

  /// Whether no time is known at all.
  var isEmpty: Bool { rows.allSatisfy(\.parts.isEmpty) }

  /// The time that this run's trials took for each step.
  var trials: Row {
    let spent = trialRows.flatMap(\.spent)
    let parts = CostStep.allCases.compactMap { step in
      let times = spent.filter { $0.label == step.rawValue }.map(\.seconds)
      return times.isEmpty ? nil : Part(label: step.rawValue, seconds: times.reduce(0, +))
    }
    return Row(subject: .trials, name: "all trials of this run", parts: parts, isReused: false, note: "")
  }

  /// A round distance between two marks on a picture's scale, chosen so that there are at most six.
  var tick: Double {
    let round = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600]
    var tick = round.first { $0 * 6 >= longest } ?? round.last!
    while tick * 6 < longest { tick *= 2 }
    return tick
  }

  /// Returns a plausible time, or `nil`. A record may contain anything: a clock that was set back gives a negative
  /// time.
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

  /// Returns the time of a step.
  func seconds(_ label: String) -> Double? { parts.first { $0.label == label }?.seconds }
}

extension Cost {
  /// Returns the steps whose time is known.
  static func parts(_ seconds: StageSeconds) -> [Part] {
    CostStep.allCases.compactMap { step in
      known(seconds[step]).map { Part(label: step.rawValue, seconds: $0) }
    }
  }
}

extension StageSeconds {
  /// The same times without implausible ones.
  var known: StageSeconds {
    var copy = self
    for step in CostStep.allCases { copy[step] = Cost.known(self[step]) }
    return copy
  }
}

extension RunRecord {
  /// Wall time from the first event to the last.
  var wall: Double? { Cost.known(finished?.timeIntervalSince(started)) }
}
