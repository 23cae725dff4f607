// SPDX-License-Identifier: Apache-2.0

internal import BenchModel
internal import GuestProtocol
internal import Verdicts

/// The verdicts of a run for a terminal: a row per series, and below it what decides its verdict.
///
/// A count that is zero for every series has no column. If a terminal is too narrow for the others, the least telling
/// ones go first, so that names stay readable.
struct VerdictTable {
  private let answers: [SeriesAnswer]
  private let width: Int

  /// - Parameters:
  ///   - answers: in the order of the rows.
  ///   - width: the terminal's columns.
  init(_ answers: [SeriesAnswer], width: Int) {
    self.answers = answers
    self.width = width
  }

  func lines(_ paint: Paint) -> [String] {
    let names = Column(head: "SERIES", cells: answers.map { visible($0.judgement.series.name) })
    let verdicts = Column(head: "VERDICT", cells: answers.map { $0.judgement.verdict.marked })
    let times = Column(head: "TIME", cells: answers.map { Words.cost($0.judgement.trial) })
    var counts = Count.allCases.map { ($0, Column(head: $0.rawValue.uppercased(), cells: answers.map($0.cell))) }
    counts.removeAll { $0.1.isIdle }
    /// What the other columns leave to the names.
    func room() -> Int {
      let others = [verdicts] + counts.map(\.1) + (times.isIdle ? [] : [times])
      return width - others.reduce(0) { $0 + $1.width + Self.gap }
    }
    for count in Count.leastTellingFirst where room() < min(names.width, width * 3 / 8) {
      counts.removeAll { $0.0 == count }
    }
    let nameWidth = min(names.width, max(Self.narrowest, room()))
    let numbers = counts.map(\.1) + (times.isIdle ? [] : [times])

    func line(_ name: String, _ verdict: String, _ cells: [String]) -> String {
      let padded = zip(numbers, cells).map { Columns.pad($1, to: $0.width, right: true) }
      return ([Columns.pad(Columns.middle(name, to: nameWidth), to: nameWidth), verdict] + padded)
        .joined(separator: String(repeating: " ", count: Self.gap))
    }
    var lines = [
      paint.dim(line(names.head, Columns.pad(verdicts.head, to: verdicts.width), numbers.map(\.head)))
    ]
    for (index, answer) in answers.enumerated() {
      let verdict = Columns.pad(verdicts.cells[index], to: verdicts.width)
      lines.append(
        line(names.cells[index], paint.verdict(verdict, answer.judgement.verdict), numbers.map { $0.cells[index] }))
      lines += below(answer, paint)
    }
    return lines
  }

  /// What decides a verdict, and what else a reader should look at.
  private func below(_ answer: SeriesAnswer, _ paint: Paint) -> [String] {
    var lines: [String] = []
    let (first, more) = answer.inShort
    if !first.isEmpty { lines.append(paint.dim(indented(first, more))) }
    if let bisection = Bisection(answer.judgement), let heading = bisection.heading, let first = bisection.lines.first {
      let more = bisection.lines.count == 1 ? "" : " (+\(bisection.lines.count - 1) more)"
      lines += [paint.yellow(indented(heading)), paint.yellow(indented(first, more))]
    }
    if let warnings = Words.warnings(answer.judgement.trial) { lines.append(paint.yellow(indented(warnings))) }
    return lines
  }

  /// Returns a line of untrusted text, cut so that `more` stays readable.
  private func indented(_ text: String, _ more: String = "") -> String {
    "  " + Columns.cut(visible(text), to: max(0, width - 2 - Columns.width(of: more))) + more
  }

  /// The space between two columns.
  private static let gap = 2
  /// No name is shortened to less than this, however narrow the terminal is.
  private static let narrowest = 12

  private struct Column {
    var head: String
    /// One for each series.
    var cells: [String]

    var width: Int { ([head] + cells).map { Columns.width(of: $0) }.max() ?? 0 }
    /// Whether it tells nothing of any series.
    var isIdle: Bool { cells.allSatisfy { $0 == "0" || $0 == "–" } }
  }

  /// What is counted, in the order of the columns.
  private enum Count: String, CaseIterable {
    case same, fixed, differs, worse, flaky, new, missing
    /// Kernel reports that the base does not have.
    case reports

    static let leastTellingFirst: [Count] = [.new, .missing, .flaky, .reports, .differs, .same, .fixed, .worse]

    /// Without a guest there is nothing to count, and a zero would look like a result.
    func cell(_ answer: SeriesAnswer) -> String {
      let judgement = answer.judgement
      guard judgement.trial?.run != nil else { return "–" }
      let count =
        switch self {
        case .same: judgement.count(of: .same)
        case .fixed: judgement.count(of: .fixed)
        case .differs: judgement.count(of: .differs)
        case .worse: judgement.tests.count(where: \.isWorse)
        case .flaky: judgement.count(of: .flaky)
        case .new: judgement.tests.count { $0.change == .new && !$0.isWorse }
        case .missing: judgement.count(of: .missing)
        case .reports: judgement.newReports
        }
      return "\(count)"
    }
  }
}

extension Verdict {
  /// `★ fixes`
  var marked: String { "\(shape) \(rawValue)" }
}
