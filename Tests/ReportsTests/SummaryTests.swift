// SPDX-License-Identifier: Apache-2.0

import BenchModel
import GuestProtocol
import Testing

@testable import Reports
@testable import Verdicts

@Suite struct SummaryTests {
  private func judgement(_ name: String, _ verdict: Verdict) -> Judgement {
    Judgement(
      series: PatchSeries(name: name, patches: []), verdict: verdict, reasons: [Reason("because")], stage: .done,
      trial: nil, tests: [], reports: [])
  }

  @Test(
    arguments: [
      ([], "There is no series."),
      ([("a", .fixes)], "a fixes what fails on the base."),
      ([("my-fix", .clean)], "my-fix makes nothing worse and fixes nothing."),
      (
        [("a", .regresses), ("b", .clean), ("c", .regresses)],
        "Of 3 series, b makes nothing worse and fixes nothing; and 2 (a and c) make something worse."
      ),
      (
        [("a", .doesNotApply), ("b", .inconclusive), ("c", .fixes), ("d", .doesNotBoot), ("e", .doesNotBuild)],
        "Of 5 series, c fixes what fails on the base; b cannot be judged; d does not boot; e does not build; and a does not apply."
      ),
      ([("a", .clean), ("b", .clean)], "Both series (a and b) make nothing worse and fix nothing."),
      (
        (1...6).map { ("s\($0)", .regresses) },
        "All 6 series (s1, s2, s3 and 3 more) make something worse."
      ),
    ] as [([(String, Verdict)], String)])
  func theAnswerIsOneSentence(series: [(String, Verdict)], expected: String) {
    #expect(Summary.sentence(series.map { judgement($0.0, $0.1) }) == expected)
  }

  @Test func everySeriesIsRankedOnceTheBestVerdictFirst() {
    let record = everyVerdict()
    let judgements = judge(record)
    let ranked = SeriesAnswer.ranked(judgements, record.header)
    #expect(Set(ranked.map(\.number)) == Set(1...judgements.count))
    for answer in ranked { #expect(answer.judgement.series.name == judgements[answer.number - 1].series.name) }
    let ranks = ranked.map { Verdict.bestFirst.firstIndex(of: $0.judgement.verdict)! }
    #expect(ranks == ranks.sorted())
  }

  @Test func namesThatBecomeEqualKeepAnchorsOfTheirOwn() {
    let names = [
      "a b", "a_b", "a<b", "a\u{301}b", "a/b", String(repeating: "x", count: 200), String(repeating: "x", count: 201),
    ]
    #expect(Set(names.map { Anchor.test($0, series: 1) }).count == names.count)
    #expect(Anchor.test("forward/virtio_gpu-to-vgem/vm-file", series: 2) == "s2-forward/virtio_gpu-to-vgem/vm-file")
  }
}
