// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import Testing

@testable import Reports

/// What reports and their commands say of the base.
@Suite struct BaseTests {
  private func header(_ series: [PatchSeries], revision: String? = nil) -> RunHeader {
    var header = ReportsTests.header(series)
    header.choice = BaseChoice(reason: .named, revision: revision)
    return header
  }

  @Test func commandsNameTheRevision() {
    let one = series("one")
    let header = header([one], revision: "v6.12-rc3")
    let base = "--kernel linux-6.12 --base v6.12-rc3 --profile kasan"
    #expect(
      RerunCommand.command("a/b", of: one, header) == "patchbench run series/one \(base) --tests a/b --fresh")
    #expect(RerunCommand.shell(one, header) == "patchbench shell series/one \(base)")
  }

  /// A command that is given one series finds nothing of another.
  @Test func commandsNameThePrerequisites() {
    var two = series("two")
    two.patches.insert(two.patches[0], at: 0)
    two.patches[0].from = "one"
    let header = header([series("one"), two, series("three")])
    #expect(
      RerunCommand.command("a/b", of: two, header)
        == "patchbench run series/two series/one --kernel linux-6.12 --profile kasan --tests a/b --fresh")
    #expect(RerunCommand.shell(two, header) == nil)
    // Its own mailbox has them again.
    two.patches[0].from = "“before”"
    #expect(RerunCommand.shell(two, header) != nil)
  }

  @Test func aRevisionAndAnUntakenCommitAreInEveryForm() throws {
    var header = header([series("one")], revision: "v6.12-rc3")
    header.choice?.untaken = BaseChoice.Untaken(kernel: "mine", commit: "401ae99111859c05a0e06eb8ddc2e4667ac71c7e")
    let report = Report(record: record(header, base: guest([plain]), results: [(guest([plain]), allSeconds)]))
    for text in [
      report.markdown(), report.details(), try report.html(), try report.json(),
      report.terminal(color: false, width: 300),
    ] {
      #expect(text.contains("linux-6.12 at v6.12-rc3"))
      #expect(text.contains("1 of 1 series applies"))
      #expect(text.contains("401ae99111859c05a0e06eb8ddc2e4667ac71c7e"))
    }
  }
}
