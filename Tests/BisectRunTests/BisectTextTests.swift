// SPDX-License-Identifier: Apache-2.0

import SystemPackage
import TestSupport
import Testing

@testable import BisectRun

@Suite struct BisectTextTests {
  private static func commit(_ digit: Character, _ subject: String, parents: Int = 1) -> BisectCommit {
    BisectCommit(
      name: String(repeating: digit, count: 40), subject: subject, author: "A <a@example.org>", date: "2026-11-23",
      parents: Array(repeating: String(repeating: "0", count: 40), count: parents))
  }

  private static let range = BisectRange(
    repository: "/src/linux", good: BisectRange.Revision(name: "v1", commit: commit("a", "one")),
    bad: BisectRange.Revision(name: "v2", commit: commit("f", "two")), commits: 3, expected: 2, parted: [])
  private static let test = Symptom(
    kind: .test, name: "forward/x/vm-file", words: "ok on good, not-ok here", test: "forward/x/vm-file", alike: 2)
  private static let report = Symptom(kind: .report, name: "WARNING in y", words: "a kernel report", test: nil)

  private static func step(
    _ number: Int, _ commit: BisectCommit, _ answer: BisectStep.Answer, _ reason: String, _ found: [Symptom] = []
  ) -> BisectStep {
    BisectStep(
      number: number, kind: number == 1 ? .whole : .search, commit: commit, answer: answer, reason: reason,
      found: found, seconds: 61, directory: "steps/\(number)")
  }

  private static var bisection: Bisection {
    var bisection = Bisection(range)
    bisection.sought = Bisection.Sought(symptoms: [test, report], tests: [test.name], isConfirmed: true)
    let culprit = commit("c", "dma-buf: Break\u{1b}[31m it", parents: 2)
    bisection.steps = [
      step(1, range.bad.commit, .bad, "\(test.text) (and 1 more)", [test, report]),
      step(2, commit("b", "b"), .skip, "does not build: a.c:3: no"), step(3, culprit, .bad, test.text, [test]),
    ]
    bisection.outcome = BisectOutcome(kind: .firstBad, commits: [culprit], words: "cccc is the first bad commit.")
    return bisection
  }

  @Test func theResultSaysWhichCommitAndWhy() {
    #expect(
      BisectText.result(Self.bisection, width: 90) == """
        cccc is the first bad commit.
          dma-buf: Break␛[31m it
          A <a@example.org>, 2026-11-23, a merge of 2 histories

        worse there than at v1 (aaaaaaaaaaaa):
          forward/x/vm-file: ok on good, not-ok here (2 more fail alike)

        worse at the bad revision only, so a later commit brings it; `--good cccccccccccc` searches for that:
          WARNING in y: a kernel report

        STEP  COMMIT        ANSWER          TIME  WHY
           1  ffffffffffff  bad       1 min 01 s  forward/x/vm-file: ok on…ail alike) (and 1 more)
           2  bbbbbbbbbbbb  skip      1 min 01 s  does not build: a.c:3: no
           3  cccccccccccc  bad       1 min 01 s  forward/x/vm-file: ok on…ere (2 more fail alike)

        """)
  }

  @Test func whatIsSoughtIsTold() {
    #expect(
      BisectText.sought(Self.bisection.sought!) == """
        from here on, each commit runs 1 test, and looks for:
          forward/x/vm-file: ok on good, not-ok here (2 more fail alike)
          WARNING in y: a kernel report
        """)
  }

  @Test func suspectsAreListed() {
    var bisection = Self.bisection
    bisection.outcome = BisectOutcome(
      kind: .suspects, commits: [Self.commit("b", "b"), Self.commit("c", "c")], words: "One of 2.")
    let text = BisectText.result(bisection)
    #expect(
      text.hasPrefix(
        """
        One of 2.
          bbbbbbbbbbbb b (A <a@example.org>, 2026-11-23)
          cccccccccccc c (A <a@example.org>, 2026-11-23)

        worse at v2 (ffffffffffff) than at v1 (aaaaaaaaaaaa):
        """))
  }

  @Test func theDocumentIsReadBack() throws {
    let scratch = try Scratch()
    #expect(!Bisection.isThere(scratch.path))
    try Self.bisection.write(in: scratch.path)
    #expect(Bisection(in: scratch.path) == Self.bisection)
    try scratch.write("bisect.json", "{\"format\": 99}")
    #expect(Bisection.isThere(scratch.path))
    #expect(Bisection(in: scratch.path) == nil)
  }
}
