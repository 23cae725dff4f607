// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import Reports

/// Compares renderings of one run with every verdict against files that a person has read.
///
/// `RECORD_SNAPSHOTS=1 swift test` rewrites them and fails, so that no one commits an unread baseline.
@Suite struct SnapshotTests {
  @Test func markdown() throws { try expect(Report(record: everyVerdict()).markdown(), equals: "report.md") }

  @Test func details() throws { try expect(Report(record: everyVerdict()).details(), equals: "report-details.md") }

  @Test func mail() throws {
    try expect(MailReporter().text(of: Report(record: inThread()).only(["swap"]), on: .file), equals: "mail.txt")
  }

  @Test func terminal() throws {
    try expect(Report(record: everyVerdict()).terminal(color: false, width: 110), equals: "terminal.txt")
  }

  @Test func html() throws { try expect(Report(record: everyVerdict()).html(), equals: "report.html") }

  @Test func json() throws { try expect(Report(record: everyVerdict()).json(isIndented: true), equals: "report.json") }

  /// Those that `./test.sh forms` shows to programs that others wrote.
  @Test(arguments: formReporters.indices) func forms(index: Int) throws {
    let (reporter, file) = formReporters[index]
    try expect(reporter.text(of: Report(record: formRun()), on: .file), equals: "forms/\(file)")
    try expect(reporter.text(of: formMatrix(), on: .file), equals: "forms-matrix/\(file)")
    try expect(reporter.text(of: hostileForms(), on: .file), equals: "forms-hostile/\(file)")
  }

  private func expect(_ text: String, equals name: String) throws {
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Snapshots/\(name)")
    if ProcessInfo.processInfo.environment["RECORD_SNAPSHOTS"] != nil {
      try Data(text.utf8).write(to: file)
      Issue.record("recorded \(name); read it, then run again without RECORD_SNAPSHOTS")
      return
    }
    let expected = try String(contentsOf: file, encoding: .utf8)
    if text == expected { return }
    let lines = (
      text.split(separator: "\n", omittingEmptySubsequences: false),
      expected.split(separator: "\n", omittingEmptySubsequences: false)
    )
    let first = zip(lines.0, lines.1).enumerated().first { $0.element.0 != $0.element.1 }
    Issue.record(
      """
      \(name) differs at line \((first?.offset ?? min(lines.0.count, lines.1.count)) + 1)
      now: \(first.map { String($0.element.0) } ?? "(the end)")
      was: \(first.map { String($0.element.1) } ?? "(the end)")
      """)
  }
}
