// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import GuestProtocol
import Testing
import Verdicts

@testable import Reports

@Suite struct MailTests {
  private func mails(_ run: RunRecord) -> [String] {
    MailReporter().text(of: Report(record: run), on: .file).components(separatedBy: Mail.separator)
  }

  private func split(_ mail: String) throws -> (head: [String], body: [String]) {
    let lines = mail.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    #expect(lines.last == "")
    let end = try #require(lines.firstIndex(of: ""))
    return (Array(lines[..<end]), Array(lines[(end + 1)...].dropLast()))
  }

  /// A line that b4 would take for a trailer: a word with a colon, and somebody's address.
  private func isTrailer(_ line: String) -> Bool { line.contains(/^\s*\w\S+:\s+.*\S+@\S+\.\S+/) }

  private func checkShape(_ mail: String) throws {
    let (head, body) = try split(mail)
    #expect(head.count + 1 + body.count <= 40)
    for line in head + body where !line.hasPrefix(" <") {
      #expect(Columns.width(of: line) <= 72, "\(line)")
      #expect(line.utf8.count < 998)
    }
    // Nothing but what belongs there, and each continued line is one.
    let fields = head.filter { !$0.hasPrefix(" ") }.map { $0.prefix { $0 != ":" } }
    let mime: [Substring] = ["MIME-Version", "Content-Type", "Content-Transfer-Encoding"]
    let ids: [Substring] = ["In-Reply-To", "References"]
    #expect([["Subject"], ["Subject"] + ids, ["Subject"] + mime, ["Subject"] + ids + mime].contains(fields))
    #expect(head.joined().unicodeScalars.allSatisfy { (0x20...0x7e).contains($0.value) })
    #expect(body.joined().unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x202e })
    #expect(!body.contains(where: isTrailer))
    #expect(!body.contains { $0.hasPrefix("From ") || $0 == "-- " })
    if !fields.contains("Content-Type") { #expect(body.joined().unicodeScalars.allSatisfy { $0.isASCII }) }
  }

  @Test func thereIsAMailForEveryVerdict() throws {
    let run = inThread()
    let mails = mails(run)
    let judgements = Report(record: run).judgements
    #expect(mails.count == judgements.count)
    #expect(Set(judgements.map(\.verdict)) == Set(Verdict.allCases))
    for (mail, judgement) in zip(mails, judgements) {
      try checkShape(mail)
      let (head, body) = try split(mail)
      #expect(head[0] == "Subject: Re: One mapping, three files")
      let id = "<20260301-\(judgement.series.name)-v4-0-1a2b@example.org>"
      #expect(head.contains("In-Reply-To: \(id)") && head.contains("References: \(id)"))
      #expect(body[0].hasPrefix("patchbench says \(judgement.verdict.rawValue): "))
      #expect(body.contains { $0.contains("linux-6.12 (6.12.117), profile kasan") })
      #expect(mail.contains("--profile kasan"))
      let rests = mail.contains("A Tested-by would rest on ")
      #expect(rests == (judgement.verdict == .clean || judgement.verdict == .fixes))
      #expect(!mail.contains("Tested-by:"))
    }
  }

  @Test func itShowsTheCauseTheCheckAndThePlace() throws {
    let mail = MailReporter().text(of: Report(record: inThread()).only(["swap"]), on: .file)
    #expect(mail.contains("  - the kernel uses memory that was freed: KASAN: slab-use-after-free"))
    #expect(mail.contains("drivers/dma-buf/dma-buf.c:166"))
    #expect(mail.contains("--tests access/vgem/no-handle"))
    let fixed = MailReporter().text(of: Report(record: inThread()).only(["share"]), on: .file)
    #expect(fixed.contains("invalidate/*/unbind (1 test)"))
    #expect(fixed.contains("on the base, its check \"dma-buf: faults after unbind\": 0, expected 1"))
  }

  @Test(arguments: [1, 3, 200]) func hostileTextIsOnlyTextAndFits(tests: Int) throws {
    for offset in forged.indices {
      let run = brokenRun(series: 2, tests: tests) { forged[($0 + offset) % forged.count] }
      let mails = mails(run)
      #expect(mails.count == 2)
      for mail in mails { try checkShape(mail) }
    }
    for mail in mails(hostileRun()) { try checkShape(mail) }
  }

  @Test func theCheckOfShapeSeesATrailer() {
    #expect(isTrailer("    Tested-by: Eve <eve@example.org>"))
    #expect(!isTrailer("  | Tested-by: Eve <eve@example.org>"))
  }

  @Test(arguments: [
    ("dma-buf: forward it", ["Subject: Re: dma-buf: forward it"]),
    ("Re: re: dma-buf:\n forward\tit", ["Subject: Re: =?UTF-8?q?dma-buf:=E2=90=8A_forward_it?="]),
    (
      "one two three four five six seven eight nine ten eleven twelve thirteen fourteen",
      ["Subject: Re: one two three four five six seven eight nine ten eleven", " twelve thirteen fourteen"]
    ), ("König", ["Subject: Re: =?UTF-8?q?K=C3=B6nig?="]),
    ("=?UTF-8?q?a?=", ["Subject: Re: =?UTF-8?q?=3D=3FUTF-8=3Fq=3Fa=3F=3D?="]),
  ])
  func subjects(text: String, lines: [String]) { #expect(MailHead.subject(text) == lines) }

  @Test func aLongSubjectIsCut() throws {
    for text in [
      String(repeating: "word ", count: 200), String(repeating: "wörd ", count: 200),
      String(repeating: "漢", count: 900),
      String(repeating: "x", count: 900),
    ] {
      let lines = MailHead.subject(text)
      #expect(lines.count == 3)
      #expect(lines.allSatisfy { $0.count <= 72 })
      let seen = decoded(lines)
      #expect(seen.hasSuffix("..."))
      #expect("Re: \(text)".hasPrefix(seen.dropLast(3).trimmingCharacters(in: .whitespaces)))
    }
  }

  /// Reads a subject as a mail program does.
  private func decoded(_ lines: [String]) -> String {
    let line = lines.joined().replacing("?= =?", with: "?==?").dropFirst("Subject: ".count)
    return String(line).replacing(/=\?UTF-8\?q\?(.*?)\?=/) { match in
      var bytes: [UInt8] = []
      var rest = Substring(match.output.1)
      while let first = rest.first {
        if first == "=", let byte = UInt8(rest.dropFirst().prefix(2), radix: 16) {
          bytes.append(byte)
          rest = rest.dropFirst(3)
        } else {
          bytes += Array((first == "_" ? " " : String(first)).utf8)
          rest = rest.dropFirst()
        }
      }
      return String(decoding: bytes, as: UTF8.self)
    }
  }

  @Test(
    arguments: [
      ("a@b", "<a@b>"), ("<a@b>", "<a@b>"), ("a", nil), ("a@b\r\nBcc: c@d", nil), ("a @b", nil), ("a@b> <c@d", nil),
      ("ä@b", nil), (String(repeating: "a", count: 300) + "@b", nil), (nil, nil),
    ] as [(String?, String?)])
  func messageIDs(text: String?, id: String?) { #expect(MailHead.messageID(text) == id) }

  @Test func aLongMessageIDIsFolded() {
    var one = series("x")
    one.origin = SeriesOrigin()
    one.origin?.messageID = String(repeating: "a", count: 90) + "@example.org"
    let head = MailHead(one, isASCII: true).lines
    #expect(head[1] == "In-Reply-To:" && head[2].hasPrefix(" <aaa") && head[3] == "References:")
  }

  @Test func aCommandIsWholeOrNotThere() throws {
    var run = inThread()
    for (path, isThere) in [("a b/c", true), ("x\ny", false), (String(repeating: "p/", count: 60), false)] {
      for index in run.header.series.indices { run.header.series[index].path = path }
      let mail = MailReporter().text(of: Report(record: run).only(["swap"]), on: .file)
      try checkShape(mail)
      #expect(mail.contains("the command is too long") == !isThere)
      if isThere {
        #expect(mail.contains("  patchbench run 'a b/c' --kernel linux-6.12 --profile kasan \\\n    --tests "))
      }
    }
  }

  @Test func aMatrixHasOneMailForEachSeries() throws {
    var other = inThread()
    other.header.cell.kernel = "linux-6.1"
    other.trials["swap"]?.result = .sameCode
    other.trials["swap"]?.change = CodeChange()
    let matrix = Matrix(
      [("a", Report(record: other)), ("b", Report(record: inThread()))],
      gaps: [CellGap(kernel: "linux-7.3", profile: "kasan", reason: forged[0])])
    let mail = MailReporter().text(of: matrix.only(["swap"]), on: .file)
    try checkShape(mail)
    #expect(mail.contains("patchbench says regresses"))
    #expect(mail.contains("  - linux-6.1/kasan clean\n  - linux-7.3/kasan not run\n"))
    #expect(mail.contains("linux-6.12 (6.12.117), profile kasan"))
  }

  @Test func aRunWithoutSeriesHasNoMail() {
    let run = record(header([]), base: guest([plain]), results: [])
    #expect(mails(run) == ["There is no series to write of.\n"])
  }
}
