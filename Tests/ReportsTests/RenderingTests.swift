// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Testing

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
    for match in html.matches(of: /<(\/?)([a-z][a-z0-9]*)[^>]*>/) where match.2 != "meta" {
      count += 1
      if match.1.isEmpty { open.append(String(match.2)) } else { #expect(open.popLast() == String(match.2)) }
    }
    #expect(open.isEmpty)
    #expect(count > 100)
  }

  @Test func htmlMarksChangesInWords() throws {
    let html = try report.html()
    #expect(html.contains("<td class=\"ok\">ok<span class=\"mark fixed\">fixed</span></td>"))
    #expect(html.contains("<td class=\"crash\">crash<span class=\"mark regressed\">regressed</span></td>"))
    #expect(html.contains("<span class=\"tag inconclusive\">inconclusive</span>"))
  }

  @Test func htmlOfARunWithoutTestsHasNoMatrix() throws {
    let run = record(header([series("a")]), base: nil, results: [], interrupted: nil)
    let html = try Report(record: run).html()
    #expect(!html.contains("Tests side by side"))
    #expect(html.contains("The run was stopped before it finished."))
  }

  @Test func markdownLetsNothingIn() {
    let markdown = attack.markdown()
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
    let lines = attack.markdown().split(separator: "\n", omittingEmptySubsequences: false)
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
    let markdown = report.markdown()
    #expect(
      markdown.contains("| dma-buf: faults after unbind | **not ok**: 0, expected 1 | ok: 1 |"))
    #expect(
      markdown.contains("| dma-buf: faults after unbind | **not ok**: 0, expected 1 | **not ok**: 0, expected 1 |"))
  }

  @Test func markdownShowsTheNewReportFirstAndWithItsTrace() throws {
    let markdown = report.markdown()
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
      #expect(Columns.width(of: String(line)) <= max(width, 90))
    }
  }

  @Test func colourAddsNothingButColour() {
    let coloured = report.terminal(color: true).replacing(/\u{1b}\[[0-9;]*m/, with: "")
    #expect(coloured == report.terminal(color: false))
  }
}
