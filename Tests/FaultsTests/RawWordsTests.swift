// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

@testable import Faults

/// The check for unescaped text in reports must itself be able to find it.
@Suite struct RawWordsTests {
  private let markup = ["<script>", "=HYPERLINK("]

  private func found(
    html: String = "<p>", markdown: String = "words", details: String = "words"
  ) throws -> String? {
    let scratch = try Scratch()
    try scratch.write("report.html", html)
    try scratch.write("report.md", markdown)
    try scratch.write("report-details.md", details)
    return try RawWords.found(in: scratch.path, markup: markup)
  }

  @Test func wordsThatStandAsTheyCameAreFound() throws {
    #expect(try found() == nil)
    #expect(try found(html: "<p>&lt;script&gt;") == nil)
    #expect(try found(html: "<p><script>") == "report.html has <script> unescaped")
    #expect(try found(html: "<pre>\u{1b}[2J</pre>") == "report.html has an escape code")
    #expect(try found(markdown: "a <script> b") == "report.md has <script> unescaped")
    #expect(try found(details: "a <script> b") == "report-details.md has <script> unescaped")
    #expect(try found(markdown: "```\n\u{1b}c\n```") == "report.md has an escape code")
    #expect(throws: (any Error).self) {
      try RawWords.found(in: Scratch().path, markup: markup)
    }
  }

  @Test(
    "code shows its content literally, and nothing else does",
    arguments: [
      ("a `<script>` b", nil), ("``a ` <script>``", nil), ("```\n<script>\n```", nil),
      ("````\n```\n<script>\n````", nil),
      // Spans and blocks that do not end, or have ended.
      ("a `<script> b", "<script>"), ("`` <script> `", "<script>"), ("`a` <script> `b`", "<script>"),
      ("```\na\n```\n<script>", "<script>"), ("```a`\n<script>", "<script>"),
    ] as [(String, String?)])
  func code(_ markdown: String, _ raw: String?) throws {
    #expect(try found(markdown: markdown) == raw.map { "report.md has \($0) unescaped" })
  }
}
