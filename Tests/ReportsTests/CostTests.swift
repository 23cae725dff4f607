// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import Testing

@testable import Reports

@Suite struct CostTests {
  /// Two series of 30 s and 60 s, and a third of 600 s that an earlier run spent.
  let run = record(
    header([series("half"), series("whole"), series("kept")]), base: guest([plain]),
    results: [
      (guest([plain]), StageSeconds([.compile: 20, .tests: 10])), (guest([plain]), StageSeconds([.compile: 60])),
      (guest([plain]), StageSeconds([.compile: 600])),
    ],
    works: ["kept": BuildWork(method: .unchanged, objects: 0, cached: 0)], reusedSeries: ["kept"])

  @Test func oneScaleForAllAndNothingOnItForWhatWasReused() throws {
    let html = try Report(record: run).html()
    let widths = try bars(html).map(\.widths)
    #expect(widths == [[], [33.33, 16.67], [100], []])
    #expect(html.contains("result reused from an earlier run, where it took 10 min 00 s"))
    #expect(html.contains("<div class=\"note\">built then: the base&#39;s image"))
    #expect(html.contains("<span style=\"left: 16.67%\">10 s</span>"))
    #expect(html.contains("<span class=\"last\" style=\"left: 100.00%\">1 min</span>"))
  }

  @Test func everySegmentSaysWhatItIs() throws {
    let html = try Report(record: everyVerdict()).html()
    let shown = try bars(html)
    #expect(shown.flatMap(\.looks).count > 20)
    for bar in shown {
      for (look, hint) in zip(bar.looks, bar.hints) { #expect(hint.hasPrefix("\(look): ")) }
    }
    #expect(Set(shown.flatMap(\.looks)) == Set(CostStep.allCases.map(\.rawValue) + ["report"]))
    for look in Set(shown.flatMap(\.looks)) {
      #expect(html.contains("\n.\(look) { --step: #"), "\(look) has no colour")
      let key = "<span class=\"swatch \(look)\" aria-hidden=\"true\"></span>\(look) "
      #expect(html.contains(key), "\(look) has no key")
    }
  }

  @Test func timesThatCannotBeLeaveNoTrace() throws {
    let report = Report(record: oddTimes())
    let html = try report.html()
    let widths = try bars(html).map(\.widths)
    #expect(widths == [[], [0], [], [100]])
    // Styles contain digits and letters too.
    let body = String(html[try #require(html.firstRange(of: "<body>")).lowerBound...])
    #expect(body.contains(/style="(width|left|--tick): [0-9]+\.[0-9][0-9]%"/))
    #expect(!body.contains(/style="(width|left|--tick): (?![0-9]+\.[0-9][0-9]%")/))
    for text in [body, report.details(), report.terminal(color: false)] {
      #expect(!text.contains(/\b(nan|inf)\b|[0-9]e[+\-]?[0-9]|-[0-9]+(\.[0-9]+)? (s|object)/))
    }
    let json = try #require(try JSONSerialization.jsonObject(with: Data(report.json().utf8)) as? [String: Any])
    #expect(json["reportSeconds"] is NSNull)
    let cells = try #require((json["series"] as? [[String: Any]])?[0]["cells"] as? [[String: Any]])
    let seconds = try #require(cells[0]["seconds"] as? [String: Any])
    #expect(seconds.filter { $0.value is NSNull }.count == 10)
    #expect(seconds["build"] is NSNull)
    #expect(seconds["total"] as? Double == 0)
    let work = try #require(cells[0]["work"] as? [String: Any])
    #expect(work["objects"] as? Int == 0 && work["cached"] as? Int == 0 && work["sharedPatches"] as? Int == 0)
  }

  @Test func aRunWithoutTimesHasNoPicture() throws {
    let report = Report(
      record: record(header([series("a")]), base: nil, results: [(.interrupted, StageSeconds([.apply: .nan]))]))
    #expect(try !report.html().contains("Where the time went"))
    #expect(!report.details().contains("Where the time went"))
  }

  @Test(arguments: [everyVerdict(), hostileRun(), oddTimes()]) func markdownBarsFitAMail(run: RunRecord) throws {
    let markdown = Report(record: run).details()
    let section = try #require(markdown.firstRange(of: "## Where the time went"))
    let open = try #require(markdown[section.upperBound...].firstRange(of: "text\n"))
    let close = try #require(markdown[open.upperBound...].firstRange(of: "\n```"))
    let lines = markdown[open.upperBound..<close.lowerBound].split(separator: "\n")
    #expect(lines.count == run.header.series.count + 3)
    for line in lines { #expect(Columns.width(of: String(line)) <= 78) }
    // The longest bar fills its 40 columns; the others do not exceed it.
    let bars = lines.dropLast(2).map { $0.count { "░█▒▓".contains($0) } }
    #expect(bars.max() == 40)
  }

  @Test func markdownBarsKeepTheirProportions() {
    let markdown = Report(record: run).details()
    #expect(markdown.contains("half   \(bar(("█", 13), ("▓", 7), (" ", 20)))  30 s\n"))
    #expect(markdown.contains("whole  \(bar(("█", 40)))  1 min 00 s\n"))
    #expect(markdown.contains("kept   \(bar((" ", 40)))  reused\n"))
    #expect(markdown.contains("| `kept` (reused) | – | – | 600.00 |"))
    #expect(markdown.contains("| all trials of this run | – | – | 80.00 | – | – | – | – | 10.00 | – | – | – | 90.00 |"))
  }

  private func bar(_ runs: (String, Int)...) -> String {
    runs.map { String(repeating: $0.0, count: $0.1) }.joined()
  }

  @Test func theTerminalTellsWhatTheRunTook() {
    let text = Report(record: run).terminal(color: false)
    #expect(text.contains("\n\nrun: 5 min 00 s; 1 of 3 series reused\n"))
    #expect(text.contains(/kept .* +reused\n/))
    let broken = record(header([series("a")]), base: nil, results: [], interrupted: nil)
    #expect(Report(record: broken).terminal(color: false).contains("\nrun: unknown time; 0 of 1 series reused\n"))
  }

  @Test(arguments: [
    (BuildWork(method: .replay, objects: 1, cached: 0), "replay of kbuild's commands, 1 object, none from ccache"),
    (BuildWork(method: .replay, objects: 0, cached: 0), "replay of kbuild's commands, 0 objects"),
    (
      BuildWork(method: .kbuild, objects: 12, cached: 9, sharedPatches: 1),
      "make of the whole tree, 12 objects, 9 from ccache; first patch shared with other series"
    ),
    (
      BuildWork(method: .replay, objects: 3, cached: 3, sharedPatches: 2),
      "replay of kbuild's commands, 3 objects, 3 from ccache; first 2 patches shared with other series"
    ),
    (BuildWork(method: .unchanged, objects: 0, cached: 0), "the base's image, no compiled file was touched"),
  ])
  func howAnImageWasBuilt(work: BuildWork, expected: String) {
    var trial = Trial(series: "a", cell: cell, seconds: StageSeconds(), work: work, reused: false, result: guest([]))
    #expect(Words.how(trial) == expected)
    #expect(Words.course(trial) == "No step was reached. Built: \(expected).")
    trial.reused = true
    #expect(Words.how(trial) == "built then: \(expected)")
    #expect(Words.course(trial) == "Reused from an earlier run. Built: \(expected).")
  }

  @Test(arguments: [
    (0.001, 0.01), (0.06, 0.01), (0.061, 0.02), (3, 0.5), (59, 10), (61, 20), (360, 60), (1e5, 28800),
  ])
  func atMostSixMarks(longest: Double, expected: Double) {
    var cost = Cost(run, [])
    cost.longest = longest
    #expect(cost.tick == expected)
    #expect(longest / cost.tick <= 6)
  }

  private struct Bar {
    var widths: [Double]
    var looks: [String]
    var hints: [String]
  }

  /// Returns the segments of each bar of a page.
  private func bars(_ html: String) throws -> [Bar] {
    let found = html.matches(of: /<div class="track" aria-hidden="true">(.*)<\/div>/).map { match in
      let segments = match.1.matches(of: /<span class="([a-z]+)" style="width: ([0-9.]+)%" title="([^"]*)">/)
      return Bar(
        widths: segments.compactMap { Double($0.2) }, looks: segments.map { String($0.1) },
        hints: segments.map { String($0.3) })
    }
    try #require(!found.isEmpty)
    return found
  }
}
