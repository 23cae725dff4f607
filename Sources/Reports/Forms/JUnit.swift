// SPDX-License-Identifier: Apache-2.0

internal import BenchModel
internal import Foundation
internal import Verdicts

/// JUnit XML, of which there is no one schema: what GitLab, Jenkins and GitHub's actions have in common.
///
/// There is one suite for each series in each cell, and one for each cell's base. The first testcase of a series is its
/// verdict, so that a series without one never reads as passed.
struct JUnit {
  let text: String

  /// - Parameter most: the most bytes.
  init(_ runs: ToldRuns, most: Int = most) {
    var suites = runs.records.map(JUnitSuite.init(base:)) + runs.entries.map(JUnitSuite.init)
    for name in runs.names { suites += runs.gaps.map { JUnitSuite(name, notRunIn: $0) } }
    if runs.names.isEmpty { suites += runs.gaps.map { JUnitSuite(nil, notRunIn: $0) } }
    var room = Room.all
    var text = Self.text(suites, room)
    while text.utf8.count > most, let less = room.less {
      room = less
      text = Self.text(suites, room)
    }
    self.text = text
  }

  /// The most bytes. GitLab refuses files of more than 30 MB.
  static let most = 25_000_000

  /// How much is told. What would make the file too long is left out, from passed tests to everything but verdicts.
  enum Room: CaseIterable {
    case all, withoutOutput, withoutQuiet, verdicts

    var less: Room? { Self.allCases.drop { $0 != self }.dropFirst().first }
  }

  private static func text(_ suites: [JUnitSuite], _ room: Room) -> String {
    // Each suite is a classname, and GitLab shows only one of two testcases with the same names.
    var names = UniqueNames()
    let suites = suites.map { suite in
      var suite = suite.cut(to: room)
      suite.name = names.take(suite.name)
      return suite
    }
    let cases = suites.flatMap(\.cases)
    let head = XML.open("testsuites", [("name", "patchbench")] + JUnitSuite.counts(cases))
    return ([XML.head, "\(head)>"] + suites.flatMap(\.lines) + ["</testsuites>", ""]).joined(separator: "\n")
  }
}

/// One series in one cell.
struct JUnitSuite {
  var name: String
  var started: Date?
  var seconds: Double?
  var properties: [(name: String, value: String)] = []
  var cases: [JUnitCase]
  /// What was left out because the file would be too long, in words.
  var remark: String?

  init(_ entry: ToldRuns.Entry) {
    let trial = entry.judgement.trial
    name = "\(entry.cell): \(entry.judgement.series.name)"
    started = entry.record.started
    seconds = Cost.known(trial?.seconds.known.total)
    properties = Self.properties(entry.record) + [("verdict", entry.judgement.verdict.rawValue)]
    cases = JUnitCases(entry).all
  }

  /// The base of a cell: whether series can be compared with it, and whether the run was finished.
  init(base record: RunRecord) {
    name = "\(record.header.cell.name): the base"
    started = record.started
    seconds = Cost.known(record.base?.seconds.known.total)
    properties = Self.properties(record)
    let flaw = record.flawWords.map { JUnitCase.Outcome.error("base", $0, []) }
    cases = [JUnitCase(answer: "base", flaw ?? .passed, output: [MachinePaths.shortened(Words.base(record.base))])]
    if record.interrupted {
      cases.append(JUnitCase(answer: "run", .error("stopped", "the run was stopped before it finished", [])))
    }
  }

  /// - Parameter series: `nil` if it is not known which series there would have been.
  init(_ series: String?, notRunIn gap: CellGap) {
    name = "\(gap.name): \(series ?? "the base")"
    let outcome = JUnitCase.Outcome.error("not-run", "not run: \(gap.reasonWords)", [])
    cases = [JUnitCase(answer: series == nil ? "base" : "verdict", outcome)]
  }

  private static func properties(_ record: RunRecord) -> [(name: String, value: String)] {
    let header = record.header
    return [
      ("kernel", header.cell.kernel), ("profile", header.cell.profile), ("architecture", header.cell.architecture),
      ("source", header.source), ("toolchain", header.toolchain), ("accelerator", header.accelerator.rawValue),
      ("patchbench", header.patchbench),
    ]
  }

  func cut(to room: JUnit.Room) -> JUnitSuite {
    var copy = self
    switch room {
    case .all: return self
    case .withoutOutput: break
    case .withoutQuiet: copy.cases = cases.filter { $0.isAnswer || !$0.isQuiet }
    case .verdicts: copy.cases = cases.filter(\.isAnswer)
    }
    for index in copy.cases.indices { copy.cases[index].leaveOutText() }
    let left = cases.count - copy.cases.count
    let what = left == 0 ? "" : "\(Words.counted(left, "testcase")) and "
    copy.remark = "the file would be too long: \(what)all output is left out"
    return copy
  }

  static func counts(_ cases: [JUnitCase]) -> [XML.Attribute] {
    [
      ("tests", "\(cases.count)"), ("failures", "\(cases.count { $0.element == "failure" })"),
      ("errors", "\(cases.count { $0.element == "error" })"),
      ("skipped", "\(cases.count { $0.element == "skipped" })"),
    ]
  }

  var lines: [String] {
    let times: [XML.Attribute] = [("time", JUnitCase.time(seconds)), ("timestamp", started?.formatted(.iso8601))]
    let attributes: [XML.Attribute] = [("name", name)] + Self.counts(cases) + times
    var names = UniqueNames()
    let told = cases.flatMap { $0.lines(in: name, as: names.take($0.name)) }
    let list = properties.map { "      " + XML.element("property", [("name", $0.name), ("value", $0.value)]) }
    let end = remark.map { ["    " + XML.element("system-out", [], text: [$0])] } ?? []
    return ["  \(XML.open("testsuite", attributes))>"]
      + (list.isEmpty ? [] : ["    <properties>"] + list + ["    </properties>"]) + told + end + ["  </testsuite>"]
  }
}

/// Makes names different, as they look once they are printed.
struct UniqueNames {
  private var seen: Set<String> = []

  mutating func take(_ name: String) -> String {
    let name = Markdown.cut(name, to: 300)
    var candidate = name
    var number = 2
    while !seen.insert(candidate).inserted {
      candidate = "\(name) (\(number))"
      number += 1
    }
    return candidate
  }
}
