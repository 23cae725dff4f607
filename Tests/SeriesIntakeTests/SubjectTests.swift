// SPDX-License-Identifier: Apache-2.0

import SystemPackage
import Testing

@testable import SeriesIntake

@Suite struct SubjectTests {
  struct Row: Sendable, CustomTestStringConvertible {
    var subject: String
    var title: String
    var version = 1
    var number: Int?
    var count: Int?
    var isReply = false

    var testDescription: String { subject }
  }

  private static let rows = [
    Row(subject: "[PATCH] a: b", title: "a: b"),
    Row(subject: "[PATCH v2 3/7] a: b", title: "a: b", version: 2, number: 3, count: 7),
    Row(subject: "[PATCHv3,01/12] a", title: "a", version: 3, number: 1, count: 12),
    Row(subject: "[RFC v4 0/2] [list] a", title: "a", version: 4, number: 0, count: 2),
    Row(subject: "[list] [PATCH net-next 2/2] x: fw: y", title: "x: fw: y", number: 2, count: 2),
    Row(subject: "[PATCH 1/2] fw: a driver", title: "fw: a driver", number: 1, count: 2),
    Row(subject: "Re: [PATCH 1/2] a", title: "a", number: 1, count: 2, isReply: true),
    Row(subject: "[list] AW: Re: [PATCH 1/2] a", title: "a", number: 1, count: 2, isReply: true),
    Row(subject: "[PATCH v2\n 1/2] a", title: "a", version: 2, number: 1, count: 2),
    Row(subject: "a 1/2", title: "a 1/2"),
    Row(subject: "[unclosed a", title: "[unclosed a"),
    Row(subject: "[PATCH 99999/2] a", title: "a"),
    Row(subject: "", title: ""),
  ]

  @Test(arguments: rows) func aSubjectTellsThePlace(_ row: Row) {
    let tag = SubjectTag(row.subject)
    #expect(tag.title == row.title)
    #expect(tag.version == row.version)
    #expect(tag.number == row.number)
    #expect(tag.count == row.count)
    #expect(tag.isReply == row.isReply)
  }

  @Test(arguments: [
    ("=?utf-8?q?[PATCH_1/2]_=C3=A4?=", "[PATCH 1/2] ä"), ("=?UTF-8?B?W1BBVENIXSDDpA==?= x", "[PATCH] ä x"),
    ("=?utf-8?q?[PATCH?= =?utf-8?q?_v2]?= a", "[PATCH v2] a"), ("=?iso-8859-1?q?=E4?=", "ä"),
    ("=?utf-8?q?=zz?=", "=?utf-8?q?=zz?="), ("plain", "plain"),
  ]) func encodedWordsAreDecoded(_ text: String, _ decoded: String) {
    #expect(EncodedWords.decode(text) == decoded)
  }

  @Test func headersAreUnfolded() {
    let headers = MailHeaders(
      "From x Mon\nSubject: [PATCH]\r\n a\r\nMESSAGE-ID: <1@x>\nReferences: <a@x>\n <b@x>\nIn-Reply-To: <b@x>\n\nDate: no\n"
        .utf8)
    #expect(headers.subject == "[PATCH] a")
    #expect(headers.messageID == "1@x")
    #expect(headers.parents == ["b@x", "b@x", "a@x"])
    #expect(headers["date"] == nil)
    #expect(MailHeaders("diff --git a/x b/x\nSubject: no\n".utf8).isEmpty)
  }

  @Test(arguments: [
    (["10-a", "2-b", "1-c"], ["1-c", "2-b", "10-a"]), (["0002", "2", "01"], ["01", "0002", "2"]),
    (["b", "a1", "a"], ["a", "a1", "b"]), (["v2-0010", "v2-0009", "v10-0001"], ["v2-0009", "v2-0010", "v10-0001"]),
  ]) func numbersInNamesAreCompared(_ names: [String], _ sorted: [String]) {
    #expect(names.sorted { $0.precedes($1) } == sorted)
  }
}
