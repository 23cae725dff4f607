// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import FoundationXML
import GuestProtocol
import Testing
import Verdicts

@testable import Reports

@Suite struct JUnitTests {
  private struct Element: Hashable {
    var name: String
    var attributes: [String: String]
    var parent: Int?
  }

  /// Reads XML with Foundation's parser, which is libxml2.
  private final class Reader: NSObject, XMLParserDelegate {
    var elements: [Element] = []
    private var open: [Int] = []

    static func read(_ text: String) throws -> [Element] {
      let reader = Reader()
      let parser = XMLParser(data: Data(text.utf8))
      parser.delegate = reader
      try #require(parser.parse(), "\(parser.parserError.map { "\($0)" } ?? "") in line \(parser.lineNumber)")
      return reader.elements
    }

    func parser(
      _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
      attributes: [String: String]
    ) {
      elements.append(Element(name: name, attributes: attributes, parent: open.last))
      open.append(elements.count - 1)
    }

    func parser(_ parser: XMLParser, didEndElement: String, namespaceURI: String?, qualifiedName: String?) {
      open.removeLast()
    }
  }

  /// The testcases of one suite: by name, what is in them.
  private func outcomes(_ elements: [Element], _ suite: String) -> [String: String] {
    var found: [String: String] = [:]
    for (index, element) in elements.enumerated() where element.name == "testcase" {
      guard element.attributes["classname"] == suite else { continue }
      let inside = elements.filter { $0.parent == index }.map(\.name)
      found[element.attributes["name"] ?? ""] = inside.first { $0 != "system-out" } ?? "passed"
    }
    return found
  }

  private func suite(_ series: String) -> String { "linux-6.12/kasan: \(series)" }

  @Test func onlyCleanAndFixesPass() throws {
    let report = Report(record: everyVerdict())
    let elements = try Reader.read(JUnit(ToldRuns(report)).text)
    for judgement in report.judgements {
      let expected =
        switch judgement.verdict {
        case .clean, .fixes: "passed"
        case .regresses, .doesNotApply, .doesNotBuild, .doesNotBoot: "failure"
        case .inconclusive: "error"
        }
      #expect(outcomes(elements, suite(judgement.series.name))["verdict"] == expected)
    }
    #expect(outcomes(elements, suite("the base")) == ["base": "passed"])
  }

  @Test func aTestIsAFailureOnlyIfItIsWorse() throws {
    let elements = try Reader.read(JUnit(ToldRuns(Report(record: everyVerdict()))).text)
    #expect(
      outcomes(elements, suite("swap")) == [
        "verdict": "failure", plain.name: "failure", unbind: "skipped", skipped.name: "skipped",
        "kernel report: KASAN: slab-use-after-free Read in dma_buf_mmap": "failure",
        "kernel report: WARNING in vgem_fault": "skipped",
      ])
    #expect(outcomes(elements, suite("share"))[unbind] == "passed")
    #expect(outcomes(elements, suite("leave"))[unbind] == "skipped")
  }

  @Test func nothingIsHeldAgainstASeriesThatCannotBeJudged() throws {
    let bad = TestResult(name: plain.name, status: .notOk, checks: [Check(name: "mmap", passed: false)])
    let run = record(
      header([series("a")]), base: guest([plain, skipped]),
      results: [(guest([bad, lost], ending: .machineDied("signal 9")), allSeconds)])
    let report = Report(record: run)
    #expect(report.judgements[0].verdict == .inconclusive)
    let found = outcomes(try Reader.read(JUnit(ToldRuns(report)).text), suite("a"))
    #expect(found == ["verdict": "error", plain.name: "error", skipped.name: "skipped"])
  }

  @Test func aBaseThatFailedAndAStoppedRunAreErrors() throws {
    let run = record(
      header([]), base: guest([plain], ending: .stoppedEarly), results: [], interrupted: true)
    let elements = try Reader.read(JUnit(ToldRuns(Report(record: run))).text)
    #expect(outcomes(elements, suite("the base")) == ["base": "error", "run": "error"])
  }

  @Test func eachCellIsASuiteAndOneThatWasNotRunIsAnError() throws {
    let elements = try Reader.read(JUnit(ToldRuns(formMatrix())).text)
    #expect(outcomes(elements, "linux-7.3/kasan: share") == ["verdict": "error"])
    #expect(outcomes(elements, "linux-6.1/kasan: untested")["verdict"] == "passed")
    #expect(outcomes(elements, "linux-6.12/kasan: untested")["verdict"] == "error")
    // All of its code ran in another cell of the kernel.
    #expect(outcomes(elements, "linux-6.12/nommu: share")["verdict"] == "skipped")
    #expect(outcomes(elements, "linux-6.12/nommu: untested")["verdict"] == "error")
  }

  @Test("the counts are right, and no two testcases have equal names", arguments: [0, 1, 2])
  func countsAndNames(which: Int) throws {
    let matrix = [Matrix([("a", Report(record: formRun()))]), formMatrix(), hostileForms()][which]
    let elements = try Reader.read(JUnit(ToldRuns(matrix)).text)
    let cases = elements.filter { $0.name == "testcase" }
    #expect(cases.count > 5)
    let names = cases.map { [$0.attributes["classname"], $0.attributes["name"]] }
    #expect(Set(names).count == names.count)
    for (key, name) in [("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")] {
      let count = elements.count { $0.name == name }
      #expect(elements[0].attributes[key] == "\(count)")
      let sums = elements.filter { $0.name == "testsuite" }.compactMap { $0.attributes[key].flatMap { Int($0) } }
      #expect(sums.reduce(0, +) == count)
    }
  }

  @Test(arguments: [
    ("no kernel tree at /home/ada/linux", "no kernel tree at …/linux"),
    ("/a/b: gone (see “/c/d/e.log”)", "…/b: gone (see “…/e.log”)"), ("/dev/kvm is gone", "/dev/kvm is gone"),
    ("1/2 of a/b/c", "1/2 of a/b/c"), ("/ and /x", "/ and /x"),
  ])
  func theMachinesPathsAreShortened(text: String, expected: String) {
    #expect(MachinePaths.shortened(text) == expected)
  }

  @Test("what the harness says names no path of its machine", arguments: formReporters.indices)
  func faultsHaveNoPaths(index: Int) throws {
    var run = everyVerdict()
    let fault = HarnessFault(stage: .build, message: "/home/ada/x: no space left", advice: "see /home/ada/y/z")
    run.trials["fault"]?.result = .fault(fault)
    let gap = CellGap(kernel: "linux-7.3", profile: "kasan", reason: "no kernel tree at /home/ada/linux")
    let reporter = formReporters[index].reporter
    let text = try reporter.text(of: Report(record: run), on: .file)
    let several = try reporter.text(of: Matrix([("a", Report(record: run))], gaps: [gap]), on: .file)
    run.base?.result = .fault(fault)
    let broken = try reporter.text(of: Report(record: run), on: .file)
    for form in [text, several, broken] { #expect(!form.contains("/home")) }
  }

  @Test func namesThatLookAlikeStayApart() {
    var names = UniqueNames()
    #expect(["a", "a", "a (2)", "b\n", "b␊"].map { names.take($0) } == ["a", "a (2)", "a (2) (2)", "b␊", "b␊ (2)"])
  }

  @Test(arguments: [
    ("a<b & \"c\">", "a&lt;b &amp; &quot;c&quot;&gt;"), ("]]>", "]]&gt;"), ("\u{0}\u{b}\u{1b}", "␀␋␛"),
    ("\u{fffe}\u{ffff}", "<U+FFFE><U+FFFF>"), ("<\u{301}", "&lt;<U+0301>"), ("x\r\ny", "x␍␊y"),
  ])
  func xmlIsEscaped(text: String, expected: String) {
    let expected = expected.replacing("<U", with: "&lt;U").replacing(/([0-9A-F]{4})>/) { "\($0.output.1)&gt;" }
    #expect(XML.escape(text) == expected)
  }

  @Test("a file that would be too long loses what matters least", arguments: [2_000_000, 300_000, 30_000])
  func fits(most: Int) throws {
    let run = brokenRun(series: 5, tests: 100) { "name \($0)" }
    let runs = ToldRuns(Report(record: run))
    let text = JUnit(runs, most: most).text
    #expect(text.utf8.count <= most)
    let elements = try Reader.read(text)
    #expect(elements.count { $0.attributes["name"] == "verdict" && $0.name == "testcase" } == 5)
    #expect(text.contains("the file would be too long") == (most < 2_000_000))
  }
}
