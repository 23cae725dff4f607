// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import GuestProtocol
import Testing

@testable import Reports

/// Code quality and annotations: what can be tied to a line.
@Suite struct LineFormTests {
  private struct Issue: Decodable {
    var description: String
    var checkName: String
    var fingerprint: String
    var severity: String
    var location: Location

    struct Location: Decodable {
      var path: String
      var lines: Lines
    }

    struct Lines: Decodable, Hashable {
      var begin: Int
      var end: Int
    }
  }

  private func issues(_ run: RunRecord) throws -> [Issue] {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let text = try CodeQualityReporter().text(of: Report(record: run), on: .file)
    return try decoder.decode([Issue].self, from: Data(text.utf8))
  }

  private let file = "drivers/gpu/drm/virtio/virtgpu_drv.c"

  @Test func eachKindHasItsLine() throws {
    let found = try issues(formRun()).map { issue in
      "\(issue.severity) \(issue.checkName) \(issue.location.path):\(issue.location.lines.begin)"
    }
    #expect(
      found == [
        "blocker patchbench:does-not-apply \(file):13", "blocker patchbench:does-not-build \(file):12",
        "critical patchbench:kernel-report \(file):40", "major patchbench:new-warning \(file):40",
        "minor patchbench:sparse \(file):41", "minor patchbench:line-not-run mm/util.c:324",
        "minor patchbench:line-not-run mm/util.c:325", "info patchbench:line-not-seen mm/util.c:326",
        "info patchbench:line-not-seen mm/util.c:327", "info patchbench:line-not-seen mm/util.c:330",
      ])
  }

  @Test func linesWithTheSameFateAreOneFinding() throws {
    var run = formRun()
    let lines = (1...9).map { number in
      ChangedLine(
        file: "a.c", number: number, text: "f(\(number));",
        place: number == 3 ? .noCode : number == 7 ? .sameCode : .watched(LineWatch(ran: [LineWatch.Sight(probe: 9)])))
    }
    run.trials["untested"]?.change?.lines?.lines = lines
    let found = try issues(run).filter { $0.location.path == "a.c" }
    #expect(found.map(\.location.lines) == [Issue.Lines(begin: 1, end: 6), Issue.Lines(begin: 8, end: 9)])
    // Whoever accepts a line does not want to hear of it.
    run.header.accepted = [AcceptedLines(lines: NamePattern("a.c:*"), reason: "cold")]
    #expect(try issues(run).allSatisfy { $0.location.path != "a.c" })
  }

  @Test func fingerprintsSurviveMovedLinesAndRenamedSeries() throws {
    let before = try issues(formRun())
    #expect(Set(before.map(\.fingerprint)).count == before.count)
    var run = formRun()
    for index in run.trials["untested"]!.change!.lines!.lines.indices {
      run.trials["untested"]?.change?.lines?.lines[index].number += 7
    }
    run.trials["swap"]?.warnings?[0].line = 99
    for index in run.header.series.indices {
      let old = run.header.series[index].name
      run.header.series[index].name += "-v2"
      run.trials["\(old)-v2"] = run.trials.removeValue(forKey: old)
    }
    #expect(try issues(run).map(\.fingerprint) == before.map(\.fingerprint))
    #expect(try issues(run).map(\.location.lines) != before.map(\.location.lines))
  }

  @Test(arguments: ["/etc/passwd", "a/../../b.c", ""])
  func noPathLeadsOutOfTheTree(path: String) throws {
    var run = formRun()
    run.trials["swap"]?.warnings = [Diagnostic(file: path, line: 1, message: "x")]
    #expect(try issues(run).allSatisfy { $0.checkName != "patchbench:new-warning" })
  }

  @Test func severalCellsAreOneFinding() throws {
    let found = LineFindings.all(ToldRuns(formMatrix()))
    let stale = found.filter { $0.kind == .doesNotApply }
    #expect(stale.map(\.cells) == [["linux-6.12/kasan", "linux-6.1/kasan"]])
    #expect(
      stale.first?.sentence(isInSeveral: true).hasPrefix("stale on linux-6.12/kasan and linux-6.1/kasan: ") == true)
    // The cell that is only built leaves nothing open that did not run in another one.
    #expect(!found.contains { $0.series == "share" })
  }

  @Test(arguments: [
    ("100%", "100%25"), ("a\nb", "a␊b"), ("a\r\n::error::b", "a␍␊::error::b"), ("%0A::error::", "%250A::error::"),
    ("%\u{301}", "%25<U+0301>"),
  ])
  func messagesAreEscaped(text: String, expected: String) { #expect(GitHubAnnotations.message(text) == expected) }

  @Test(arguments: [("a,line=9", "a%2Cline=9"), ("a::b", "a%3A%3Ab"), ("a\u{2028}b", "a<U+2028>b")])
  func propertiesAreEscaped(text: String, expected: String) { #expect(GitHubAnnotations.property(text) == expected) }

  @Test func eachAnnotationIsOneCommand() throws {
    for matrix in [Matrix([("a", Report(record: formRun()))]), formMatrix(), hostileForms()] {
      let text = GitHubReporter().text(of: matrix, on: .file)
      let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
      #expect(lines.count == LineFindings.all(ToldRuns(matrix)).count && !lines.isEmpty)
      let levels = lines.map { line in
        line.wholeMatch(of: /::(error|warning|notice) file=[^:,]+,line=\d+,endLine=\d+,title=patchbench%3A [a-z ]+::.+/)
          .map { String($0.output.1) } ?? "none"
      }
      let order = ["error", "warning", "notice"]
      let ranks = levels.compactMap { order.firstIndex(of: $0) }
      #expect(ranks.count == levels.count && ranks == ranks.sorted())
      #expect(text.unicodeScalars.allSatisfy { $0 == "\n" || $0.value >= 0x20 && $0.value != 0x202e })
    }
  }

  @Test func nothingToSayIsAnEmptyForm() throws {
    let run = record(header([series("a")]), base: guest([plain]), results: [(guest([plain]), allSeconds)])
    #expect(GitHubReporter().text(of: Report(record: run), on: .file) == "")
    #expect(try issues(run).isEmpty)
  }
}
