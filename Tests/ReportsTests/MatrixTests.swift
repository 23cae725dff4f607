// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Testing
import Verdicts

@testable import Reports

@Suite struct MatrixTests {
  @Test func configurationsStandSideBySide() {
    var other = header([series("b"), series("late")])
    other.cell.kernel = "linux-6.1"
    let reports = [
      Report(
        record: record(
          header([series("a"), series("b")]), base: guest([plain]), results: [(guest([plain]), allSeconds)])),
      Report(record: record(other, base: guest([plain]), results: [(guest([plain]), allSeconds)])),
    ]
    let gap = CellGap(kernel: "linux-6.12", profile: "nommu", reason: "riscv64-linux-gnu-gcc is not installed")
    let matrix = Matrix(reports.map { ("run", $0) }, gaps: [gap])
    let text = MatrixTable(matrix, on: ReportCanvas(color: false, width: 140)).text
    let lines = text.split(separator: "\n").map { line in
      line.split(separator: " ").prefix(3).joined(separator: " ")
    }
    #expect(
      lines == [
        "✓ a: clean", "linux-6.12/kasan ✓ clean", "linux-6.12/nommu – not", "? b: inconclusive",
        "linux-6.12/kasan ? inconclusive", "linux-6.1/kasan ✓ clean", "linux-6.12/nommu – not", "? late: inconclusive",
        "linux-6.1/kasan ? inconclusive", "linux-6.12/nommu – not", "Of 3 series,",
      ])
    #expect(
      text.hasSuffix(
        "\n\nOf 3 series, a makes nothing worse and fixes nothing; and 2 (b and late) cannot be judged.\n"))
    #expect(text.contains("  – not run  "))
    #expect(matrix.exitStatus == 3)
  }

  @Test("the best verdict comes first, and no line is wider than the terminal", arguments: [72, 80, 140])
  func widths(width: Int) {
    let matrix = Matrix([("a", Report(record: everyVerdict())), ("b", Report(record: hostileRun()))])
    let lines = MatrixTable(matrix, on: ReportCanvas(color: false, width: width)).text.split(separator: "\n")
    for line in lines { #expect(Columns.width(of: String(line)) <= width) }
    let heads = lines.filter { $0.first.map { "★✓?✗⊘".contains($0) } == true }.map { $0.prefix(1) }
    #expect(heads.count == matrix.rows.count)
    let order = "★✓?✗⊘".map { String($0) }
    let ranks = heads.compactMap { order.firstIndex(of: String($0)) }
    #expect(ranks == ranks.sorted() && Set(ranks).count >= 3)
  }

  private func hostileMatrix() -> Matrix {
    Matrix(
      [("linux-6.12-kasan", Report(record: hostileRun()))],
      gaps: [CellGap(kernel: "linux-6.12", profile: hostile, reason: hostile)])
  }

  @Test func eachCellLeadsToItsOwnReport() throws {
    let page = try HTMLReport(hostileMatrix()).text()
    #expect(page.contains(#"<a href="linux-6.12-kasan/report.html">linux-6.12/kasan</a>"#))
    #expect(page.contains("not run"))
    // The same style as in a run's own report.
    #expect(page.contains(".tag.inconclusive"))
  }

  @Test func hostileTextIsOnlyText() throws {
    let matrix = hostileMatrix()
    #expect(!matrix.rows.isEmpty)
    let page = try HTMLReport(matrix).text()
    #expect(!page.contains("<script"))
    #expect(!page.contains("<img"))
    #expect(!MatrixMarkdown(matrix).text.contains("<img"))
    for text in [page, MatrixMarkdown(matrix).text, MatrixTable(matrix, on: .file).text] {
      #expect(!text.unicodeScalars.contains { ($0.value < 0x20 && $0 != "\n") || $0.value == 0x202e })
    }
  }

  @Test func theJSONIsAsItsSchemaSays() async throws {
    for matrix in [hostileMatrix(), Matrix([]), Matrix([("a", Report(record: everyVerdict()))])] {
      let text = try MatrixDocument(matrix).encoded()
      #expect(try await Validator.complaints(about: text, by: Validator.schema("matrix")) == "")
    }
    let wrong = try MatrixDocument(Matrix([])).encoded().replacing("matrix", with: "run")
    #expect(try await Validator.complaints(about: wrong, by: Validator.schema("matrix")) != "")
  }
}
