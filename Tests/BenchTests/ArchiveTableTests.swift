// SPDX-License-Identifier: Apache-2.0

import BenchModel
import SeriesIntake
import Testing

@testable import Bench

@Suite("The table of an archive") struct ArchiveTableTests {
  @Test("series are counted by reason") func table() {
    let entries = [
      ArchiveSurvey.Entry(messageID: "1", subject: "a", patches: 1, b4: .same),
      ArchiveSurvey.Entry(messageID: "2", subject: "b", patches: 2, b4: .other, refusals: ["linux-6.12": .context]),
      ArchiveSurvey.Entry(
        messageID: "3", subject: "c", patches: 2, b4: .nothing,
        refusals: ["linux-6.12": .contained, "linux-6.1": .context]),
      ArchiveSurvey.Entry(messageID: "4", subject: "d", kind: "patches are missing", refusal: "x", b4: .incomplete),
    ]
    let table = ArchiveTable(entries, kernels: ["linux-6.12", "linux-6.1"])
    #expect(
      table.text == """
        series                              4   100.0 %
        b4 reads                            2    50.0 %
          of these, read alike              1    50.0 %
        read                                3    75.0 %
          b4 finds only a part              0     0.0 %
          b4 finds nothing                  1    33.3 %
        refused                             1    25.0 %
          patches are missing               1   100.0 %
        applies to a kernel here            2    66.6 %
        applies to linux-6.12               1    33.3 %
        does not apply to linux-6.12        2    66.6 %
          already in it                     1    50.0 %
          the context differs               1    50.0 %
        applies to linux-6.1                2    66.6 %
        does not apply to linux-6.1         1    33.3 %
          the context differs               1   100.0 %
        """)
    #expect(table.unlikeB4.map(\.messageID) == ["2"])
  }

  @Test("an archive without series has no shares") func empty() {
    #expect(ArchiveTable([], kernels: []).text.split(separator: "\n").allSatisfy { $0.hasSuffix(" 0") })
  }
}
