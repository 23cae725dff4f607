// SPDX-License-Identifier: Apache-2.0

import BenchModel
import GuestProtocol
import Testing
import Verdicts

@testable import Reports

/// `report.md`, the comment on a merge request.
@Suite struct BriefTests {
  /// The lines of tables, each table with as many columns in every row as in its first.
  private func checkTables(_ markdown: String) -> Int {
    var (columns, rows, before) = (0, 0, Substring(""))
    for line in markdown.split(separator: "\n", omittingEmptySubsequences: false) {
      defer { before = line }
      guard line.hasPrefix("|") else {
        columns = 0
        continue
      }
      #expect(line.hasPrefix("| ") && line.hasSuffix(" |"))
      let pipes = line.replacing("\\\\", with: "").replacing("\\|", with: "").count { $0 == "|" }
      if columns == 0 {
        columns = pipes
        // A table that follows a paragraph at once is not one everywhere.
        #expect(before.isEmpty)
      }
      #expect(pipes == columns, "\(line)")
      rows += 1
    }
    return rows
  }

  @Test func twentySeriesThatBreakEverythingFit() {
    let run = brokenRun(series: 20, tests: 462) { "plain-name-of-a-test-\($0)" }
    let text = Report(record: run).markdown()
    #expect(text.utf8.count <= BriefMarkdown.most)
    // Each series has its row and its section; each has its causes, and its command.
    #expect(checkTables(text) >= 22)
    for number in 1...20 { #expect(text.contains("\n## \(number). plain-name-of-a-test-")) }
    #expect(
      text.matches(of: /\n- \*\*stale data\*\*: plain-name-of-a-test-0 is stale: [0-9]+ tests; for example `family/)
        .count
        == 20)
    #expect(text.matches(of: #/\n- Again: `patchbench run /#).count == 20)
    #expect(text.contains("All 20 series (plain-name-of-a-test-"))
    #expect(text.contains("`report-details.md` has every test"))
    // The details are not cut.
    let one = Report(record: run).only([run.header.series[0].name])
    #expect(one.details().utf8.count > BriefMarkdown.most)
  }

  @Test(arguments: forged + [hostile, String(repeating: "|`", count: 300), String(repeating: "漢`", count: 300)])
  func whateverTheNames(name: String) {
    for (series, tests) in [(1, 150), (24, 4), (60, 2)] {
      let text = Report(record: brokenRun(series: series, tests: tests) { $0 % 3 == 0 ? name : "\(name)\($0)" })
        .markdown()
      #expect(text.utf8.count <= BriefMarkdown.most)
      #expect(checkTables(text) >= 3)
      #expect(!text.unicodeScalars.contains { ($0.value < 0x20 && $0 != "\n") || $0.value == 0x202e })
    }
  }

  @Test func whatDoesNotFitIsNamed() {
    let text = Report(record: brokenRun(series: 700, tests: 2) { "s\($0)" }).markdown()
    #expect(text.utf8.count <= BriefMarkdown.most)
    #expect(text.contains(/[0-9]+ more series did not fit; `report-details\.md` has them\./))
    #expect(text.contains(/[0-9]+ more series are told of in `report-details\.md`\./))
    #expect(text.contains("The columns of 676 more series are left out."))
    // What is there is whole.
    _ = checkTables(text)
    #expect(text.hasSuffix("and where the time went.\n"))
  }

  @Test func theAnswerIsFirstAndTheBestIsOnTop() throws {
    let text = Report(record: everyVerdict()).markdown()
    let lines = text.split(separator: "\n")
    #expect(lines[1].hasPrefix("Of 11 series, share fixes what fails on the base; "))
    let verdicts = lines.filter { $0.hasPrefix("| ") }.compactMap {
      $0.firstMatch(of: /(\S) \*\*([a-z-]+)\*\* \|/)?.output
    }
    .map { "\($0.1) \($0.2)" }
    #expect(verdicts.prefix(3) == ["★ fixes", "✓ clean", "✓ clean"])
    #expect(verdicts.last == "⊘ does-not-apply")
    #expect(verdicts.count == 11)
    // The unbind test fails on the base; share fixes it.
    let question = try #require(lines.first { $0.hasPrefix("| `invalidate/*/unbind`: ") })
    #expect(question.contains("| 1 of 1 | ★ fixed 1 of 1 | fails 1 of 1 | – |"))
    #expect(text.contains("- Fixes invalidate/\\*/unbind (1 test)"))
  }

  @Test func whatDiffersByDesignIsTold() {
    func result(_ passed: Bool) -> TestResult {
      TestResult(
        name: "a/b/c", status: passed ? .ok : .notOk,
        checks: [Check(name: "vm_file", passed: passed, detail: "x", design: .file), Check(name: "m", passed: true)])
    }
    let run = record(
      header([series("s")]), base: guest([result(true)]), results: [(guest([result(false)]), allSeconds)])
    let report = Report(record: run)
    #expect(
      report.markdown().contains(
        "- By design: Which file is a mapping linked to? Another answer than on the base in 1 test, for example `a/b/c`"
      ))
    let mail = MailReporter().text(of: report, on: .file)
    #expect(
      mail.contains("Different by design, which is not held against it\n  - Which file is a mapping linked to? 1 test"))
  }

  @Test func aMatrixFitsAsWell() {
    let run = brokenRun(series: 300, tests: 1) { forged[0] + "\($0)" }
    let matrix = Matrix([("a", Report(record: run)), ("b", Report(record: run))])
    let text = MarkdownReporter().text(of: matrix, on: .file)
    #expect(text.utf8.count <= BriefMarkdown.most)
    #expect(text.contains(/[0-9]+ more series are told of in `report-details\.md`/))
    #expect(checkTables(text) > 100)
    let details = MarkdownDetailsReporter().text(of: matrix, on: .file)
    #expect(details.utf8.count > BriefMarkdown.most)
    #expect(details.matches(of: #/\n## /#).count == 300)
    // A matrix that fits is not cut.
    let small = Matrix([("a", Report(record: everyVerdict()))])
    #expect(!MarkdownReporter().text(of: small, on: .file).contains("report-details.md"))
  }

  @Test func onlySomeSeriesAreTold() {
    let report = Report(record: everyVerdict()).only(["share", "swap"])
    #expect(report.judgements.map(\.series.name) == ["share", "swap"])
    #expect(report.markdown().contains("Of 2 series"))
    #expect(!report.terminal(color: false).contains("typo"))
  }

  @Test func everyFileHasANameOfItsOwn() {
    let files = Reporters.files.compactMap(\.file)
    #expect(Set(files) == ["report.html", "report.md", "report-details.md", "report.json"])
    #expect(files.count == 4)
    #expect(Set(Reporters.all.map(\.name)).count == Reporters.all.count)
  }
}
