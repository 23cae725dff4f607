// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Testing

@testable import Verdicts

@Suite struct ApplyWordsTests {
  @Test func aRevertIsNotCalledContained() {
    var patch = Patch(subject: "Revert \"x: y\"", author: "", file: "1.patch", paths: ["x.c"])
    let diagnosis = Self.diagnosis { $0.isContained = true }
    func words() -> String? {
      ApplyFailure(patch: patch, file: nil, hunk: nil, message: "m", diagnosis: diagnosis).words.first?.description
    }
    #expect(words()?.contains("does not have what this patch reverts (it applies in reverse)") == true)
    patch.subject = "Reverting is odd"
    #expect(words()?.contains("already contains this patch") == true)
  }

  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var diagnosis: ApplyDiagnosis?
    var words: [String]
  }

  private static func diagnosis(_ change: (inout ApplyDiagnosis) -> Void) -> ApplyDiagnosis {
    var made = ApplyDiagnosis()
    change(&made)
    return made
  }

  static let cases: [Case] = [
    Case(
      testDescription: "not examined", diagnosis: nil,
      words: ["0001-x.patch: does not apply: x.c, hunk 1: patch failed: x.c:147"]),
    Case(
      testDescription: "already applied", diagnosis: diagnosis { $0.isContained = true },
      words: [
        "0001-x.patch: does not apply: the kernel already contains this patch (it applies in reverse)",
        "git: x.c, hunk 1: patch failed: x.c:147",
      ]),
    Case(
      testDescription: "no prefix", diagnosis: diagnosis { $0.strip = 0 },
      words: [
        "0001-x.patch: does not apply: its paths have no a/ and b/ (diff.noprefix); `git apply -p0` takes it; recreate "
          + "it with `git -c diff.noprefix=false format-patch`", "git: x.c, hunk 1: patch failed: x.c:147",
      ]),
    Case(
      testDescription: "made above the tree", diagnosis: diagnosis { $0.strip = 2 },
      words: [
        "0001-x.patch: does not apply: its paths have a directory too many; `git apply -p2` takes it; recreate it at "
          + "the root of the kernel's tree", "git: x.c, hunk 1: patch failed: x.c:147",
      ]),
    Case(
      testDescription: "the context drifted",
      diagnosis: diagnosis {
        $0.mismatch = HunkMismatch(
          file: "x.c", line: 147, expected: ["{", "\t/* does it? */"], found: ["{", "\t/* is it? */"])
        $0.takers = ["git apply -C2", "patch with fuzz 2"]
        $0.baseCommit = "401ae991118"
        $0.triedKernels = ["linux-6.12", "linux-6.1"]
        $0.kernels = ["linux-6.1"]
        $0.warnings = ["x.c has type 100755, expected 100644"]
      },
      words: [
        "0001-x.patch: does not apply: x.c, hunk 1: patch failed: x.c:147",
        "x.c:148: the patch expects `/* does it? */`, the kernel has `/* is it? */`",
        "`git apply -C2` and `patch with fuzz 2` would take it, but may put it in the wrong place: rebase the series "
          + "and look at this hunk", "the series names its base: base-commit 401ae991118",
        "the series applies to linux-6.1", "git warns: x.c has type 100755, expected 100644",
      ]),
    Case(
      testDescription: "it fits nowhere, and the file ends there",
      diagnosis: diagnosis {
        $0.mismatch = HunkMismatch(file: "x.c", line: 1, expected: ["", "a"], found: [""])
        $0.triedKernels = ["linux-6.1"]
      },
      words: [
        "0001-x.patch: does not apply: x.c, hunk 1: patch failed: x.c:147",
        "x.c:2: the patch expects `a`, the kernel has the end of the file",
        "the series does not apply to linux-6.1 either",
      ]),
    Case(
      testDescription: "the lines are gone, and the kernel that it was made for is here",
      diagnosis: diagnosis {
        $0.mismatch = HunkMismatch(file: "x.c", line: 147, expected: ["", "\ta"], found: [])
        $0.madeFrom = "linux-6.1"
      },
      words: [
        "0001-x.patch: does not apply: x.c, hunk 1: patch failed: x.c:147",
        "x.c:147: the kernel has nothing like the lines that the patch expects, from `a` on",
        "it was made from the files of linux-6.1",
      ]),
    Case(
      testDescription: "only blanks differ",
      diagnosis: diagnosis { $0.mismatch = HunkMismatch(file: "x.c", line: 1, expected: ["\ta"], found: ["  a"]) },
      words: [
        "0001-x.patch: does not apply: x.c, hunk 1: patch failed: x.c:147",
        "x.c:1: the patch expects `a`, the kernel has `a` (they differ in white space only)",
      ]),
  ]

  @Test(arguments: cases) func theMostUsefulIsSaidFirst(_ one: Case) {
    let patch = Patch(subject: "x", author: "a", file: "0001-x.patch", paths: ["x.c"])
    let failure = ApplyFailure(
      patch: patch, file: "x.c", hunk: 1, message: "patch failed: x.c:147", diagnosis: one.diagnosis)
    let trial = Trial(
      series: "s", cell: here, seconds: StageSeconds(), reused: false,
      result: .doesNotApply(failure))
    let judgement = judge(PatchSeries(name: "s", patches: [patch]), trial: trial, base: nil)
    #expect(judgement.verdict == .doesNotApply)
    #expect(judgement.reasons.map(\.description) == one.words)
  }
}
