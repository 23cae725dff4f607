// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Mutation

@Suite struct ScoreTests {
  private func judged(_ fate: MutantFate, _ number: Int, equivalent: String? = nil) -> JudgedMutant {
    let mutant = Mutant(
      id: "\(fate.rawValue)-\(number)", operator: .relational, in: "a.c",
      function: number % 2 == 0 ? "even" : "odd", at: (number, 1), bytes: 0..<1, replacement: "x",
      lines: ("a < b", "a <= b"))
    return JudgedMutant(mutant: mutant, fate: fate, reason: "because", equivalent: equivalent)
  }

  /// The published values of Wilson's interval without correction (Newcombe 1998, table I: 81/263, 15/148, 0/20, 1/29).
  @Test(arguments: [
    (81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611), (1, 29, 0.0061, 0.1718),
  ]) func intervalIsWilsons(_ count: Int, _ total: Int, _ low: Double, _ high: Double) throws {
    let share = try #require(Share(count, of: total))
    #expect(abs(share.low - low) < 0.0001)
    #expect(abs(share.high - high) < 0.0001)
  }

  @Test func ofNothingThereIsNoShare() {
    #expect(Share(0, of: 0) == nil)
    #expect(Share(2, of: 1) == nil)
    #expect(Share(5, of: 5)?.high == 1)
  }

  @Test func whatCannotBeKilledIsNotCounted() {
    let fates: [JudgedMutant] =
      (0..<6).map { judged(.killed, $0) } + (0..<2).map { judged(.alive, $0) } + [
        judged(.alive, 9, equivalent: "a page is a page"), judged(.sameCode, 0), judged(.notBuilt, 0),
        judged(.notRun, 0),
        judged(.unreached, 0), judged(.undecided, 0),
      ]
    let score = MutantScore(fates)
    #expect(score.all == 14)
    #expect(score.equivalent == 1)
    // All except same code, argued, not built and not run; undecided mutants count as missed.
    #expect(score.ofValid?.count == 6)
    #expect(score.ofValid?.of == 10)
    #expect(score.ofReached?.of == 9)
  }

  /// A test that detects the mutant refutes the argument.
  @Test func aKilledMutantIsNotEquivalent() {
    let score = MutantScore([judged(.killed, 1, equivalent: "so it was said")])
    #expect(score.killed == 1)
    #expect(score.equivalent == 0)
  }

  /// A mutant argued to be equivalent is not tried, and that is not a gap in the evidence.
  @Test func whatIsArguedNeedNotBeTried() {
    let report = MutantReport(
      of: ("linux-6.12", "kasan", "Debian"), drawn: MutantReport.Draw(seed: 7, candidates: 99),
      mutants: [judged(.killed, 1), judged(.notRun, 2, equivalent: "one page"), judged(.notRun, 3)],
      interrupted: false)
    #expect(report.score.equivalent == 1)
    #expect(report.score.notRun == 1)
    #expect(MutantTable.text(report).contains("    one page (not tried)"))
  }

  @Test func theTableNamesEveryGap() {
    let report = MutantReport(
      of: ("linux-6.12", "kasan", "Debian"),
      drawn: MutantReport.Draw(seed: 7, candidates: 99, series: "v4", tests: 5),
      mutants: [
        judged(.killed, 1), judged(.alive, 2), judged(.unreached, 3), judged(.alive, 4, equivalent: "one page"),
      ],
      interrupted: false)
    let text = MutantTable.text(report)
    #expect(text.contains("a part of the suite: 5 tests"))
    #expect(text.contains("of those that ran:    1 of 2 killed, 50 %"))
    #expect(text.contains("the suite would notice 1 of 3 slips in this change; not these 2:"))
    #expect(text.contains("alive:\n  a.c:2 even() relational\n    - a < b\n    + a <= b\n    gap\n"))
    #expect(text.contains("unreached:\n  a.c:3 odd()"))
    #expect(
      text.contains("argued to be equivalent:\n  a.c:4 even() relational\n    - a < b\n    + a <= b\n    one page"))
    #expect(report.byFunction["a.c:even"]?.alive == 1)
    #expect(report.byOperator["relational"]?.killed == 1)
  }
}

@Suite struct SampleTests {
  /// The first numbers of the reference implementation for the seed 1234567 (Vigna, splitmix64.c).
  @Test func numbersAreSplitMix64s() {
    var sample = SeededSample(seed: 1_234_567)
    #expect(
      (0..<5).map { _ in sample.next() } == [
        6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423, 4_593_380_528_125_082_431,
        16_408_922_859_458_223_821,
      ])
  }

  /// The order in which the mutants were found does not matter.
  @Test func theSameSeedDrawsTheSame() {
    let names = (0..<500).map { "mutant-\($0)" }
    let drawn = SeededSample.draw(40, of: names, seed: 20_261_128)
    #expect(SeededSample.draw(40, of: names.shuffled(), seed: 20_261_128) == drawn)
    #expect(SeededSample.draw(12, of: names, seed: 20_261_128) == Array(drawn.prefix(12)))
    #expect(SeededSample.draw(40, of: names, seed: 20_261_129) != drawn)
    #expect(Set(drawn).count == 40)
    // Recorded here, so that other machines and later versions must match it.
    #expect(
      SeededSample.draw(3, of: ["a", "b", "c", "d", "e"], seed: 1)
        == SeededSample.draw(5, of: ["e", "d", "c", "b", "a"], seed: 1).prefix(3).map(\.self))
  }

  @Test func ofFewAllAreDrawn() {
    #expect(Set(SeededSample.draw(9, of: ["a", "b"], seed: 3)) == ["a", "b"])
    #expect(SeededSample.draw(1, of: [], seed: 3) == [])
  }

  @Test func eachIsDrawnAboutAsOften() {
    var counts: [String: Int] = [:]
    for seed in 0..<2000 {
      counts[SeededSample.draw(1, of: ["a", "b", "c", "d"], seed: UInt64(seed))[0], default: 0] += 1
    }
    // 500 of 2000 draws each; 90 off is more than four standard deviations.
    #expect(counts.values.allSatisfy { abs($0 - 500) < 90 }, "\(counts)")
  }

  @Test func oneOfEachGroup() {
    let groups = ["a.c:1": ["x", "y"], "a.c:2": ["z"], "a.c:3": []]
    let drawn = SeededSample.drawOne(ofEach: groups, seed: 5)
    #expect(drawn.count == 2)
    #expect(drawn.last == "z")
    #expect(drawn == SeededSample.drawOne(ofEach: groups.mapValues { $0.reversed() }, seed: 5))
  }
}
