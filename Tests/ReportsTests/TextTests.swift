// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Testing

@testable import Reports

@Suite struct TextTests {
  @Test(arguments: [
    ("plain – ünïcode ✓ 漢字", "plain – ünïcode ✓ 漢字"),
    ("\u{1b}[31mred", "␛[31mred"),
    ("a\r\nb\u{0}c\u{7f}", "a␍␊b␀c␡"),
    ("a\tb", "a    b"),
    ("\u{9b}31m", "<U+009B>31m"),
    ("abc\u{202e}cba", "abc<U+202E>cba"),
    ("a\u{200b}b\u{feff}", "a<U+200B>b<U+FEFF>"),
    ("a\u{2028}b\u{e0041}", "a<U+2028>b<U+E0041>"),
    ("e\u{301}", "e\u{301}"),
    ("\"\u{301}<\u{338}", "\"<U+0301><<U+0338>"),
  ])
  func nothingActs(text: String, expected: String) {
    #expect(Array(visible(text).unicodeScalars) == Array(expected.unicodeScalars))
  }

  @Test(arguments: [
    ("virtio_gpu stays", "virtio_gpu stays"),
    ("_emphasis_", "\\_emphasis\\_"),
    ("*b* [x](y) <i>", "\\*b\\* \\[x\\](y) \\<i\\>"),
    ("a | b `c`", "a \\| b \\`c\\`"),
    ("&lt; #1 ~~x~~ ![i] \\n", "\\&lt; \\#1 \\~\\~x\\~\\~ \\!\\[i\\] \\\\n"),
    ("one\n# two", "one␊\\# two"),
  ])
  func markdownText(text: String, expected: String) { #expect(Markdown.escape(text) == expected) }

  @Test(arguments: [
    ("a", "`a`"), ("a`b", "``a`b``"), ("`a`", "`` `a` ``"), ("a``b`c", "```a``b`c```"), (" a ", "`  a  `"), ("", ""),
    ("<b>*x*", "`<b>*x*`"),
  ])
  func markdownCode(text: String, expected: String) { #expect(Markdown.code(text) == expected) }

  @Test func aPipeDoesNotEndACell() {
    #expect(Markdown.cell("a|b") == "`a\\|b`")
    #expect(Markdown.cell("a\\|b") == "a\\\\\\|b")
  }

  @Test func aFenceIsLongerThanWhatItHolds() {
    #expect(Markdown.block(["a", "````", "b"]) == "`````text\na\n````\nb\n`````")
    #expect(Markdown.block(["a\nb"]) == "```text\na␊b\n```")
  }

  @Test(
    arguments: [
      (nil, "–"), (0, "0.00 s"), (0.04, "0.04 s"), (0.097, "0.1 s"), (0.25, "0.3 s"), (9.96, "10 s"), (41.4, "41 s"),
      (59.6, "1 min 00 s"), (185, "3 min 05 s"), (.nan, "–"), (-1, "–"), (.infinity, "–"), (1e300, "–"),
    ] as [(Double?, String)])
  func durations(seconds: Double?, expected: String) { #expect(Words.duration(seconds) == expected) }

  @Test(arguments: [("abc", 3, "abc"), ("abcd", 3, "ab…"), ("漢字漢字", 5, "漢字…"), ("abc", 0, "")])
  func cutting(text: String, limit: Int, expected: String) { #expect(Columns.cut(text, to: limit) == expected) }

  @Test func padding() {
    #expect(Columns.pad("漢", to: 4) == "漢  ")
    #expect(Columns.pad("7", to: 3, right: true) == "  7")
    #expect(Columns.pad("long", to: 2) == "long")
  }

  static let claims: [([Trailer]?, String?)] = [
    (nil, nil), ([], nil),
    (
      [
        Trailer(key: "Fixes", value: "0123456789ab (\"a: b\")"), Trailer(key: "Reviewed-by", value: "A <a@x>"),
        Trailer(key: "Reviewed-by", value: "\"B, C\" <b@x> # maybe"), Trailer(key: "Reviewed-by", value: "<c@x>"),
      ], "Reviewed-by: A, B, C, <c@x>; Fixes: 0123456789ab (“a: b”)"
    ),
    (
      [
        Trailer(key: "Acked-by", value: "A <a@x>"), Trailer(key: "Acked-by", value: "B <b@x>", isFromReply: true),
        Trailer(key: "Cc", value: "stable@vger.kernel.org # 6.1"), Trailer(key: "Fixes", value: "odd"),
      ], "Acked-by: A; Acked-by: B (in a reply); Fixes: odd; Cc: stable@vger.kernel.org # 6.1"
    ),
    (
      (1...7).map { Trailer(key: "Tested-by", value: "T\($0) <t@x>", isFromReply: true) },
      "Tested-by: T1, T2, T3, T4, T5 and 2 more (in replies)"
    ),
  ]

  @Test(arguments: claims) func trailersInShort(_ trailers: [Trailer]?, _ words: String?) {
    #expect(Claims.words(trailers) == words)
  }

  /// One version of a thread, from `--versions all`.
  @Test func aCommandNamesTheVersionAgain() {
    var one = series("t-v1")
    one.path = "d/t.mbox#v1"
    let known = header([one])
    #expect(
      RerunCommand.command("a/b", of: one, known)
        == "patchbench run 'd/t.mbox#v1' --kernel linux-6.12 --profile kasan --tests a/b --fresh")
    #expect(RerunCommand.shell(one, known)?.hasPrefix("patchbench shell 'd/t.mbox#v1' ") == true)
  }
}
