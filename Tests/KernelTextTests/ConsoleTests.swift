// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Testing

@testable import KernelText

@Suite struct ConsoleTests {
  @Test(arguments: Fixture.all("console"))
  func saysWhatItsHeaderSays(_ fixture: Fixture) {
    let scanner = scan(fixture.body)
    let found = scanner.reports.map { "\($0.kind.rawValue) | \($0.title) | \($0.test ?? "-")" }
    #expect(found == fixture.values("report"))
    let traces = scanner.reports.map { "\($0.trace.count) | \(trimmed($0.trace.last ?? ""))" }
    #expect(traces == fixture.values("trace"))
    #expect(scanner.release == fixture.values("release").first)
    #expect(scanner.firstPanicLine == fixture.values("panic").first)
  }

  @Test(arguments: Fixture.all("console"))
  func isTheSameInPieces(_ fixture: Fixture) {
    let whole = scan(fixture.body)
    for size in [1, 7, 4096] {
      var scanner = ConsoleScanner()
      var rest = fixture.body[...]
      while !rest.isEmpty {
        scanner.read(rest.prefix(size))
        rest = rest.dropFirst(size)
      }
      scanner.finish()
      #expect(scanner.reports == whole.reports, "in pieces of \(size)")
      #expect(scanner.lastLines(5) == whole.lastLines(5))
    }
  }

  /// Cuts each fixture that has one report at many places. Once the headline is there, no cut may lose the report.
  @Test(arguments: Fixture.all("console").filter { $0.values("report").count == 1 })
  func aCutLosesNoReport(_ fixture: Fixture) throws {
    let whole = try #require(scan(fixture.body).reports.first)
    let lines = fixture.body.split(separator: 0x0a, omittingEmptySubsequences: false)
    let headline = try #require(
      lines.firstIndex { line in
        let text = String(decoding: line.filter { $0 != 0x0d && $0 != 0x1b }, as: UTF8.self)
        return whole.trace.contains { text.hasSuffix($0) && (ReportRule.opening($0) != nil || $0.hasPrefix("----")) }
      } ?? lines.indices.first { lines[$0].contains(0x1b) && !scan(joined(lines[...$0])).reports.isEmpty })
    for count in stride(from: headline + 1, to: lines.count, by: 5) {
      let cut = scan(joined(lines[..<count]))
      #expect(cut.reports.count == 1, "after \(count) lines")
      #expect(cut.reports.first?.test == whole.test)
    }
  }

  @Test("a kernel that invents tests and tasks does not fill memory")
  func madeUp() {
    var scanner = ConsoleScanner()
    for number in 0..<12_000 {
      scanner.read("[    1.000000][T\(number)] \(ConsoleScanner.testBegins)t/\(number)\n".utf8)
      scanner.read("[    1.000000][T\(number)] \(String(repeating: "=", count: 40))\n".utf8)
    }
    #expect(scanner.slices.count == 10_000)
    #expect(scanner.speakerCount <= 64)
  }

  @Test func traceHoldsNoTimeStamps() {
    for fixture in Fixture.all("console") {
      for line in scan(fixture.body).reports.flatMap(\.trace) {
        #expect(line.firstMatch(of: /\[ *\d+\.\d{6}\]/) == nil, "\(fixture.name)")
      }
    }
  }

  @Test func titlesHoldNothingThatVaries() {
    for fixture in Fixture.all("console") {
      for report in scan(fixture.body).reports {
        #expect(!report.title.contains("ffff"), "\(report.title)")
        #expect(!report.title.contains("0x"), "\(report.title)")
        #expect(SteadyText.steady(report.title) == report.title)
      }
    }
  }

  @Test func keepsTheFirstOfTheSame() {
    let one = Fixture.named("warn.log", in: "console").body
    let three = scan(one + one + one)
    #expect(three.reports == scan(one).reports)
  }

  @Test func sameTitleInAnotherTestIsAnotherReport() {
    let one = Fixture.named("warn.log", in: "console").body
    let text = String(decoding: one, as: UTF8.self)
    let cut = text.firstRange(of: "test begins: splat/warn")!
    let other = text.replacingCharacters(in: cut, with: "test begins: splat/other")
    let reports = scan(one + Array(other.utf8)).reports
    #expect(reports.map(\.test) == ["splat/warn", "splat/other"])
  }

  @Test func boundsReports() {
    var scanner = ConsoleScanner()
    for number in 0..<(ConsoleScanner.mostReports + 5) {
      scanner.read("BUG: trouble with f\(number)x\nCall Trace:\n g\(number)+0x1/0x2\n\n".utf8)
    }
    scanner.finish()
    #expect(scanner.reports.count == ConsoleScanner.mostReports)
    #expect(scanner.droppedReports == 5)
  }

  @Test func boundsTraces() {
    var text = "BUG: KASAN: slab-use-after-free in f+0x1/0x2\nCall Trace:\n <TASK>\n"
    for _ in 0..<5000 { text += " g+0x1/0x2\n" }
    let report = scan(Array(text.utf8)).reports.first
    #expect(report?.trace.count == OpenReport.mostLines)
    #expect(report?.title == "KASAN: slab-use-after-free in g")
  }

  @Test func boundsLines() {
    let long = [UInt8](repeating: 0x41, count: 100_000)
    let scanner = scan(Array("BUG: ".utf8) + long)
    #expect(scanner.reports.count == 1)
    #expect(scanner.lastLines(1).first?.utf8.count == ConsoleLines.longestLine)
  }

  @Test func keepsTheLastLines() {
    var scanner = ConsoleScanner(keepingLines: 3)
    scanner.read("a\nb\n[    1.000000] c\r\nd\n\ne".utf8)
    #expect(scanner.lastLines(2) == ["[    1.000000] c", "d"])
    scanner.finish()
    #expect(scanner.lastLines(9) == ["[    1.000000] c", "d", "e"])
    #expect(scanner.lastLines(0) == [])
  }

  @Test func panicIsSeenAtOnce() {
    var scanner = ConsoleScanner()
    scanner.read("[    1.000000] Kernel panic - not syncing: Fatal exception\n".utf8)
    #expect(scanner.firstPanicLine == "Kernel panic - not syncing: Fatal exception")
  }

  private func scan(_ bytes: [UInt8]) -> ConsoleScanner {
    var scanner = ConsoleScanner()
    scanner.read(bytes)
    scanner.finish()
    return scanner
  }

  private func joined(_ lines: ArraySlice<ArraySlice<UInt8>>) -> [UInt8] { Array(lines.joined(separator: [0x0a])) }

  private func trimmed(_ text: String) -> String { String(text.drop { $0 == " " }) }
}

extension String {
  fileprivate func replacingCharacters(in range: Range<Index>, with other: String) -> String {
    self[..<range.lowerBound] + other + self[range.upperBound...]
  }
}
