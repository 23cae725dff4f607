// SPDX-License-Identifier: Apache-2.0

import BenchModel
import GuestProtocol
import Testing
import Verdicts

@testable import Reports

@Suite struct RenderingTests {
  let report = Report(record: everyVerdict())
  let attack = Report(record: hostileRun())

  @Test func htmlLetsNothingIn() throws {
    let html = try attack.html()
    #expect(!html.contains("<script"))
    #expect(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;"))
    #expect(!html.unicodeScalars.contains { $0.value == 0x1b || $0.value == 0x202e || $0.value == 0x0d })
    // Escaping works by characters: a quote with an accent on it must not slip through as another character.
    #expect(html.contains("&quot;&lt;U+0301&gt;"))
  }

  @Test func htmlIsSelfContained() throws {
    let html = try report.html()
    #expect(html.contains("default-src 'none'"))
    for banned in ["http:", "https:", "<link", "<img", "src=\"", "@import", "url("] {
      #expect(!html.contains(banned), "\(banned)")
    }
  }

  @Test(arguments: [everyVerdict(), hostileRun()]) func htmlTagsCloseInTheirOrder(run: RunRecord) throws {
    let html = try Report(record: run).html()
    var open: [String] = []
    var count = 0
    for match in html.matches(of: /<(\/?)([a-z][a-z0-9]*)[^>]*>/)
    where !["meta", "input"].contains(match.2) && !match.0.hasSuffix("/>") {
      count += 1
      if match.1.isEmpty { open.append(String(match.2)) } else { #expect(open.popLast() == String(match.2)) }
    }
    #expect(open.isEmpty)
    #expect(count > 100)
  }

  @Test func htmlSaysEachVerdictInAWordAndAShape() throws {
    let html = try report.html()
    for verdict in Set(report.judgements.map(\.verdict)) {
      #expect(
        html.contains(
          "<span class=\"tag \(verdict.rawValue)\"><span aria-hidden=\"true\">\(verdict.shape)</span> \(verdict.rawValue)</span>"
        ))
    }
    #expect(Set(Verdict.allCases.map(\.shape)).count == 5)
    #expect(Set(Verdict.bestFirst) == Set(Verdict.allCases))
  }

  @Test(arguments: [everyVerdict(), hostileRun(), forwardedElsewhere()])
  func everyLinkOfTheHTMLLeadsSomewhere(run: RunRecord) throws {
    let html = try Report(record: run).html()
    let places = html.matches(of: /\sid="([^"]*)"/).map { String($0.1) }
    #expect(Set(places).count == places.count, "two places have one name")
    let links = html.matches(of: /href="#([^"]*)"/).map { String($0.1) }
    #expect(links.count > 3)
    #expect(links.filter { !places.contains($0) } == [])
  }

  @Test func htmlNarrowsDownWithoutScript() throws {
    let html = try report.html()
    let style = try #require(html.firstMatch(of: /<style>([\s\S]*?)<\/style>/)).1
    let verdicts = Set(report.judgements.map(\.verdict))
    for verdict in verdicts {
      let button = try #require(
        html.firstMatch(
          of: try Regex("id=\"(only-verdict-[0-9]+)\"> \(verdict.rawValue)</label>", as: (Substring, Substring).self)))
      let rule = try #require(
        style.split(separator: "\n").first {
          $0.hasPrefix("main:has(#\(button.1):checked) .judged:not(.\(verdict.rawValue))")
        })
      #expect(rule.hasSuffix(" { display: none; }"))
      let number = report.judgements.filter { $0.verdict == verdict }.count
      #expect(html.ranges(of: "<tr class=\"judged \(verdict.rawValue)\">").count == number)
      #expect(html.ranges(of: "<details class=\"series judged \(verdict.rawValue)\"").count == number)
    }
    // What no rule of the style is about would be a button without effect.
    let buttons = html.matches(of: /<input type="radio"[^>]* id="([^"]*)"/).map { String($0.1) }
    #expect(buttons.count > verdicts.count)
    #expect(buttons.filter { !$0.hasSuffix("-0") && !style.contains("#\($0):checked") } == [])
    let checked = html.matches(of: /<input type="radio"[^>]* id="([^"]*)" checked>/).map { String($0.1) }
    #expect(checked == ["only-verdict-0", "only-question-0", "only-pair-0"])
  }

  @Test func classesNameTheQuestionsAndPairsOfTests() {
    let classes = HTMLClasses(["forward/a-to-b/vm-file", "forward/a-to-c/vm-file", "once", "vma/a-to-b/advice"])
    #expect(classes.questions == ["forward/*/vm-file", "once", "vma/*/advice"])
    #expect(classes.subjects == ["a-to-b", "a-to-c"])
    #expect(classes.text(["vma/a-to-b/advice", "forward/a-to-c/vm-file"]) == "asked q1 q3 p1 p2")
    #expect(classes.text(["once"]) == "asked q2")
    #expect(classes.text(["forward/other/vm-file"]) == "asked")
  }

  @Test func oneSeriesIsNotNarrowedDownByItsVerdict() throws {
    let run = record(header([series("alone")]), base: guest([plain]), results: [(guest([plain]), allSeconds)])
    #expect(try !Report(record: run).html().contains("<fieldset>"))
  }

  @Test func filesOfEvidenceAreLinkedWhateverTheirSeriesIsCalled() throws {
    let name = "a b\"><script>%2f#?:x"
    let run = record(header([series(name)]), base: guest([plain]), results: [(guest([plain]), allSeconds)])
    let files = EvidenceFiles(base: ["base/console.log"], series: [name: ["series/\(name)/0001.diff"]])
    let html = try Report(record: run, evidence: files).html()
    #expect(html.contains("<a href=\"./base/console.log\">console.log</a>"))
    #expect(
      html.contains(
        "<a href=\"./series/a%20b%22%3E%3Cscript%3E%252f%23%3F%3Ax/0001.diff\">0001.diff</a>"))
    #expect(!html.contains("<script"))
    #expect(try !Report(record: run).html().contains("Evidence:"))
  }

  @Test func htmlBeginsWithTheAnswerAndTheBestSeries() throws {
    let html = try report.html()
    let lead = try #require(html.firstRange(of: "<p class=\"lead\">"))
    let table = try #require(html.firstRange(of: "<table class=\"verdicts\">"))
    #expect(lead.lowerBound < table.lowerBound)
    let shown = html[table.upperBound...].matches(of: /<span class="tag ([a-z-]+)"><span aria-hidden/).prefix(
      report.judgements.count
    ).compactMap { Verdict(rawValue: String($0.1)) }
    #expect(shown.count == report.judgements.count)
    #expect(shown == shown.sorted { Verdict.bestFirst.firstIndex(of: $0)! < Verdict.bestFirst.firstIndex(of: $1)! })
  }

  @Test func htmlDrawsWhereTheAliasesAreLinked() throws {
    let html = try Report(record: forwardedElsewhere()).html()
    #expect(html.contains("<svg viewBox=\"0 0 750 158\""))
    #expect(html.contains("/dmabuf: at 0x100000000"))
    #expect(html.contains("/dev/dri/card1 at 0x1000"))
    #expect(html.contains("✗ still mapped after the unbind"))
    #expect(
      html.contains(
        "importer&#39;s chardev (forwarded): on the base: /dmabuf: at 0x100000000, unmapped by the unbind; with the series: /dev/dri/card1 at 0x1000, still mapped after the unbind"
      ))
    // A file that differs is different by design; what the unbind missed is worse.
    #expect(html.contains("Which file is a mapping linked to? In 1 test another answer than on the base"))
    #expect(html.contains("<span class=\"tag\">invalidation</span> when a device is unplugged, an alias stays mapped"))
  }

  @Test func twentySeriesThatBreakHalfOfEverythingAreASmallReport() throws {
    func tests(_ isBroken: Bool) -> [TestResult] {
      (0..<500).map { number in
        let isWorse = isBroken && number % 2 == 0
        return TestResult(
          name: "group\(number % 50 % 9)/virtio_gpu-to-driver\(number / 50)/question-\(number % 50)",
          status: isWorse ? .notOk : .ok,
          checks: (0..<12).map { check in
            Check(
              name: "forwarded: page \(check) written through one alias, read through another",
              passed: !(isWorse && check % 4 == 0), detail: "seen \(number), expected \(check)")
          })
      }
    }
    let run = record(
      header((1...20).map { series("candidate-with-a-long-name-\($0)") }), base: guest(tests(false)),
      results: (1...20).map { _ in (guest(tests(true)), allSeconds) })
    let html = try Report(record: run).html()
    #expect(html.utf8.count < 3_000_000, "\(html.utf8.count) bytes")
  }

  @Test func testsThatFailAlikeAreToldOnce() throws {
    let html = try Report(record: forwardedElsewhere()).html()
    #expect(html.contains("<p class=\"soft\">Alike: <code id=\"s1-invalidate/vgem-to-vkms/unbind\">"))
    #expect(html.matches(of: /<div class="test asked[^"]*" id=/).count == 2)
  }

  @Test func htmlOfARunWithoutTestsHasNoMatrix() throws {
    let run = record(header([series("a")]), base: nil, results: [], interrupted: nil)
    let html = try Report(record: run).html()
    #expect(!html.contains("Questions and series"))
    #expect(html.contains("The run was stopped before it finished."))
  }

  @Test func markdownLetsNothingIn() {
    let markdown = attack.details()
    #expect(!markdown.unicodeScalars.contains { $0.value == 0x1b || $0.value == 0x202e || $0.value == 0x0d })
    // Outside code, markup is escaped; a console's fence does not end ours.
    #expect(markdown.contains("1. \\<script\\>alert(1)\\</script\\> \\`a\\`\\`b\\` \\| \\*b\\* \\[x\\](y)"))
    #expect(markdown.contains("````text\n```\n"))
    #expect(markdown.contains("`````text\n````\n"))
    let prose = outsideOfFences(markdown)
    #expect(!prose.contains { $0.hasPrefix("<") || $0.hasPrefix("# \"") })
    // Text that is neither escaped nor in a code span would be markup. The text's own backticks make every span three
    // wide.
    // A command is one span, whose fence is wider than the backticks in it.
    let commands = prose.filter { $0.hasPrefix("Again: ") || $0.hasPrefix("A shell in a guest") }
    #expect(!commands.isEmpty)
    #expect(commands.allSatisfy { $0.contains(/: ```patchbench (run|shell) '<script/) && $0.hasSuffix("```") })
    let openings = prose.filter { !commands.contains($0) }.flatMap { $0.matches(of: /(.{0,3})<script/).map(\.1) }
    #expect(openings.allSatisfy { $0.hasSuffix("\\") || $0 == "```" })
    #expect(openings.count > 20)
  }

  /// Returns the lines that a renderer treats as Markdown.
  private func outsideOfFences(_ markdown: String) -> [Substring] {
    var fence: Substring?
    return markdown.split(separator: "\n", omittingEmptySubsequences: false).filter { line in
      let ticks = line.prefix { $0 == "`" }
      if let open = fence {
        if line == open { fence = nil }
        return false
      }
      if ticks.count >= 3, line.hasSuffix("text") { fence = ticks }
      return fence == nil
    }
  }

  @Test func markdownTablesKeepTheirColumns() {
    let lines = attack.details().split(separator: "\n", omittingEmptySubsequences: false)
    var columns = 0
    var rows = 0
    for line in lines {
      guard line.hasPrefix("| ") else {
        columns = 0
        continue
      }
      let pipes = line.replacing("\\|", with: "").count { $0 == "|" }
      if columns == 0 { columns = pipes }
      #expect(pipes == columns)
      rows += 1
    }
    #expect(rows > 5)
  }

  @Test func markdownTellsWhichAliasStayedMapped() {
    let markdown = report.details()
    #expect(
      markdown.contains("| dma-buf: faults after unbind | **not ok**: 0, expected 1 | ok: 1 |"))
    #expect(
      markdown.contains("| dma-buf: faults after unbind | **not ok**: 0, expected 1 | **not ok**: 0, expected 1 |"))
  }

  @Test func markdownShowsTheNewReportFirstAndWithItsTrace() throws {
    let markdown = report.details()
    let new = try #require(markdown.firstRange(of: "**Only with this series:** `KASAN"))
    let section = markdown[new.lowerBound...]
    let known = try #require(section.firstRange(of: "Also on base, or known:\n\n- `WARNING in vgem_fault`"))
    #expect(section[..<known.lowerBound].contains("Read of size 8 at addr ffff888"))
  }

  @Test func theTerminalLetsNothingIn() {
    for text in [attack.terminal(color: false), attack.terminal(color: false, width: 20)] {
      #expect(!text.unicodeScalars.contains { ($0.value < 0x20 && $0 != "\n") || $0.value == 0x202e })
    }
    let own = attack.terminal(color: true).matches(of: /\u{1b}\[([0-9;]*)m/).count
    #expect(own == attack.terminal(color: true).count { $0 == "\u{1b}" })
    #expect(own > 0)
  }

  @Test(arguments: [72, 80, 100, 140]) func theTerminalKeepsItsWidth(width: Int) {
    for line in attack.terminal(color: false, width: width).split(separator: "\n") {
      #expect(Columns.width(of: String(line)) <= width)
    }
  }

  @Test func colourAddsNothingButColour() {
    let coloured = report.terminal(color: true).replacing(/\u{1b}\[[0-9;]*m/, with: "")
    #expect(coloured == report.terminal(color: false))
  }
}
