// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import GuestProtocol
import Testing

@testable import Verdicts

private func candidate(_ kernel: String, _ fits: (applies: Bool, exact: Int)...) -> BaseCandidate {
  BaseCandidate(kernel: kernel, fits: fits.map { BaseFit(applies: $0.applies, exact: $0.exact, told: 3) })
}

@Suite("Which base is taken") struct BaseChoiceTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var candidates: [BaseCandidate]
    var kernel: String
    var reason: BaseChoice.Reason
    var words: String
  }

  static let cases: [Case] = [
    Case(
      testDescription: "nothing else fits better",
      candidates: [candidate("k-7", (true, 0)), candidate("k-6", (true, 0)), candidate("k-5", (false, 0))],
      kernel: "k-6", reason: .standard, words: "k-6, the default; k-7, k-5 would fit no better"),
    Case(
      testDescription: "more series apply to another, though fewer files are exact",
      candidates: [candidate("k-6", (true, 3), (false, 0)), candidate("k-5", (true, 0), (true, 0))],
      kernel: "k-5", reason: .applies, words: "k-5, to which 2 series apply, and 1 to k-6"),
    Case(
      testDescription: "as many apply, and more files are exact",
      candidates: [candidate("k-7", (true, 1), (true, 2)), candidate("k-6", (true, 1), (true, 1))],
      kernel: "k-7", reason: .madeFrom,
      words: "k-7, which has 3 of the files that the series were made from, and k-6 has 2"),
    Case(
      testDescription: "of two that are better alike, the newest",
      candidates: [candidate("k-8", (true, 0)), candidate("k-7", (true, 0)), candidate("k-6", (false, 3))],
      kernel: "k-8", reason: .applies, words: "k-8, to which 1 series applies, and 1 to k-7, and 0 to k-6"),
    Case(
      testDescription: "nothing applies anywhere",
      candidates: [candidate("k-7", (false, 0)), candidate("k-6", (false, 0))],
      kernel: "k-6", reason: .standard, words: "k-6, the default; k-7 would fit no better"),
    Case(
      testDescription: "the default is not built", candidates: [candidate("k-7", (true, 3))], kernel: "k-6",
      reason: .notBuilt, words: "k-6, the default, which was not built yet, so it was not compared with other kernels"),
    Case(
      testDescription: "only the default", candidates: [candidate("k-6", (false, 0))], kernel: "k-6",
      reason: .standard, words: "k-6, the default"),
  ]

  @Test(arguments: cases) func theBestIsTaken(_ row: Case) {
    let (kernel, choice) = chooseBase(row.candidates, standard: "k-6")
    #expect(kernel == row.kernel)
    #expect(choice.reason == row.reason)
    #expect(choice.words(kernel) == row.words)
  }

  @Test(arguments: [
    (BaseChoice(reason: .named), "k"), (BaseChoice(reason: .named, revision: "v6.12-rc3"), "k at v6.12-rc3"),
  ]) func aRevisionIsTold(_ choice: BaseChoice, _ words: String) {
    #expect(choice.words("k", applied: []) == "\(words), as named")
    #expect(choice.words("k", applied: [true, false]) == "\(words), as named; 1 of 2 series apply")
    #expect(choice.words("k", applied: [true]) == "\(words), as named; 1 of 1 series applies")
  }

  @Test func aCommitThatWasNotTakenIsOffered() {
    var choice = BaseChoice(reason: .standard)
    choice.untaken = BaseChoice.Untaken(kernel: "mine", commit: "401ae99111859c05a0e06eb8ddc2e4667ac71c7e")
    #expect(choice.words("k", applied: []).contains("`--kernel mine --base 401ae99111859c05a0e06eb8ddc2e4667ac71c7e`"))
  }

  @Test(
    arguments: [
      (BaseFit(exact: 3, told: 3), "made from these very files"), (BaseFit(exact: 0, told: 0), nil),
      (BaseFit(exact: 2, told: 5), "made from 2 of these files, and from other versions of 3"),
      (BaseFit(exact: 0, told: 1), "made from another version of its file"),
      (BaseFit(exact: 0, told: 3), "made from other versions of its files"),
    ] as [(BaseFit, String?)]) func theFitIsTold(_ fit: BaseFit, _ words: String?)
  {
    #expect(fit.words == words)
  }

  /// Whether a series applies is git's answer in its trial, not that of a check beforehand.
  @Test func theTrialsSayWhatApplies() throws {
    let names = ["a", "b", "c", "d"]
    var header = RunHeader(
      cell: here, versions: RunHeader.Versions(source: "", toolchain: "", emulator: "", patchbench: ""),
      accelerator: .kvm, reason: "", processors: 1, series: names.map { PatchSeries(name: $0, patches: [patch]) })
    header.choice = BaseChoice(reason: .standard)
    let failure = ApplyFailure(patch: patch, file: "x.c", hunk: 1, message: "no")
    let results: [TrialResult] = [
      .sameCode, .doesNotApply(failure), .fault(HarnessFault(stage: .build, message: "x")), .built,
    ]
    let events = zip(names, results).map { name, result in
      var trial = trial(result)
      trial.series = name
      return BenchEvent(at: .now, kind: .trialFinished(trial))
    }
    let record = try #require(RunRecord([BenchEvent(at: .now, kind: .runStarted(header))] + events))
    #expect(record.baseWords == "linux-6.12, the default; 2 of 3 series apply")
    var old = record
    old.header.choice = nil
    #expect(old.baseWords == nil)
  }
}

@Suite("Prerequisites in words") struct PrerequisiteWordsTests {
  private func series(_ from: String?...) -> PatchSeries {
    PatchSeries(
      name: "s",
      patches: from.enumerated().map { index, from in
        var patch = Patch(subject: "p\(index + 1)", author: "a", file: "\(index + 1).patch", paths: ["x.c"])
        patch.from = from
        return patch
      })
  }

  @Test func theyAreCountedBySource() {
    #expect(
      series("one", "one", "“two”", nil).prerequisiteWords
        == "stands on 2 patches of one, 1 patch of “two”; what they change counts as its own")
    #expect(series(nil, nil).prerequisiteWords == nil)
  }

  @Test func aPatchHasItsPlaceAmongItsLike() {
    let series = series("one", "one", nil, nil, nil)
    let places = (2...5).map { number in
      let place = series.place(of: number)
      return "\(place.number) of \(place.count)\(place.from.map { ", \($0)" } ?? "")"
    }
    #expect(places == ["2 of 2, one", "1 of 3", "2 of 3", "3 of 3"])
  }

  @Test func theOneToBlameIsNamedAsWhatItIs() {
    func reason(_ number: Int, lastGood: Int? = nil) -> String? {
      var trial = trial(.ran(guest([test("a", .crash)])))
      trial.culprits = [Culprit(number: number, lastGood: lastGood ?? number - 1, test: "a", alike: 0)]
      return judge(series("one", nil), trial: trial, base: Trial.base).reasons.first?.description
    }
    #expect(
      reason(2, lastGood: 0)
        == "patch 1 of 1: “p2” brings it: a; or one of the patches from prerequisite 1 on, which give no result by "
        + "themselves")
    #expect(reason(1) == "prerequisite 1 of 1: “p1”, from one, brings it: a")
    #expect(reason(2) == "patch 1 of 1: “p2” brings it: a")
  }

  @Test func theOneThatDoesNotApplyIsNamedAsWhatItIs() {
    let failure = ApplyFailure(patch: series("one").patches[0], file: "x.c", hunk: 1, message: "no")
    #expect(failure.words[0].text == "this prerequisite, from one, does not apply: x.c, hunk 1: no")
  }

  @Test func theOneThatDoesNotBuildIsNamedAsWhatItIs() {
    var place = BuildFailure.Place(number: 1, count: 2, subject: "s", patch: "p")
    place.from = "one"
    #expect(place.words == "prerequisite 1 of 2, “s”, from one")
  }
}

extension Trial {
  fileprivate static var base: Trial { trial(.ran(guest([test("a", .ok)])), change: nil) }
}
