// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import Testing
import Verdicts

@testable import History
@testable import Nights

/// A trial as the history tells it.
func told(
  _ name: String, _ verdict: Verdict, kernel: String = "linux-6.12", version: Int = 1, reason: String = "because",
  night: Int = 1, lineage: String? = nil, messageID: String? = nil, hasEvidence: Bool = true,
  isPart: Bool = false, extent: Cell.Extent = .boot
) -> ToldTrial {
  ToldTrial(
    lineage: lineage ?? name, name: name, version: version,
    cell: Cell(
      kernel: kernel, profile: "kasan", architecture: "x86_64", toolchain: "gcc", extent: extent, guest: "q35"),
    verdict: verdict, reason: reason, started: date(night), directory: "/state/nights/\(night)/\(kernel)",
    command: "/state/nights/\(night)", seconds: 40, isReused: false, isPart: isPart, messageID: messageID,
    hasEvidence: hasEvidence)
}

func date(_ night: Int) -> Date { Date(timeIntervalSince1970: 1_700_000_000 + Double(night) * 86_400) }

private let hostile = "<b>\u{1b}[31m\r\nBcc: x@y\u{202e}&\"'"

@Suite struct ChangesTextTests {
  @Test func eachKindHasAHeadingAndNothingElseIsSaid() {
    var changes = Changes(since: date(1))
    #expect(ChangesText.text(changes) == "Nothing changed since 2023-11-15 22:13:20 UTC.\n")
    changes.broken = [
      SeriesChange(
        then: told("fix-v3", .clean), now: told("fix-v4", .regresses), tests: ["a/1", "a/2", "a/3", "a/4", "a/5"],
        reports: ["WARNING in f"]),
      SeriesChange(then: told("s", .regresses), now: told("s", .regresses), tests: ["a/1"], reports: []),
    ]
    changes.gone = [told("old", .clean)]
    changes.flaky = [FlakyTest(test: "a/1", trial: told("s", .clean), before: 2, of: 40)]
    changes.slower = [SlowerTrial(trial: told("s", .clean), usual: 20)]
    #expect(
      ChangesText.text(changes) == """
        Since 2023-11-15 22:13:20 UTC:

        Worse than before (2)
          fix-v4 on linux-6.12 kasan (before: fix-v3): clean → regresses (because);
            a/1, a/2, a/3 and 2 more tests; WARNING in f
          s on linux-6.12 kasan: still regresses; a/1

        Gone (1)
          old on linux-6.12 kasan: was clean on 2023-11-15 22:13:20 UTC

        Newly flaky (1)
          a/1 with s on linux-6.12 kasan: before in 2 of 40 trials

        Slower (1)
          s on linux-6.12 kasan: 40 s, usually 20 s

        """)
  }

  @Test func whatStrangersWroteDoesNotReachTheTerminal() {
    var changes = Changes(since: date(1))
    changes.new = [told(hostile, .regresses, reason: hostile)]
    let text = ChangesText.text(changes)
    #expect(text.unicodeScalars.allSatisfy { $0 == "\n" || $0.value >= 0x20 && $0.value != 0x202e })
    #expect(HistoryText.trials([told(hostile, .clean)]).unicodeScalars.allSatisfy { $0 == "\n" || $0.value >= 0x20 })
  }

  @Test func aTableFitsItsWidth() {
    let text = HistoryText.latest([told(String(repeating: "long-name-", count: 20), .doesNotApply)], width: 80)
    #expect(text.split(separator: "\n").allSatisfy { $0.count <= 80 })
    #expect(text.contains("does-not-apply"))
  }
}

@Suite struct OwnerMailTests {
  private func mails(_ changes: Changes, always: Bool = false) -> [OwnerMail] {
    OwnerMail.all(
      changes, owners: ["fix-v4": "B <b@example.org>"], owner: "A <a@example.org>", night: date(2),
      report: "/state/nights/2/report.html", always: always)
  }

  private var changes: Changes {
    var changes = Changes(since: date(1))
    changes.broken = [
      SeriesChange(
        then: told("fix-v3", .clean, lineage: "fix"),
        now: told("fix-v4", .regresses, lineage: "fix", messageID: "20261102.1@example.org"), tests: ["a/1"],
        reports: [])
    ]
    return changes
  }

  @Test("a series' owner gets a reply to its cover letter")
  func threaded() {
    let all = mails(changes)
    #expect(all.map(\.owner) == ["B <b@example.org>"])
    #expect(
      all[0].text == """
        From: B <b@example.org>
        To: B <b@example.org>
        Date: Thu, 16 Nov 2023 22:13:20 +0000
        Message-ID: <patchbench.1700172800.1@patchbench.invalid>
        Subject: patchbench: fix-v4 got worse: regresses
        In-Reply-To: <20261102.1@example.org>
        References: <20261102.1@example.org>
        Auto-Submitted: auto-generated
        MIME-Version: 1.0
        Content-Type: text/plain; charset=UTF-8
        Content-Transfer-Encoding: 8bit

        Since 2023-11-15 22:13:20 UTC:

        Worse than before (1)
          fix-v4 on linux-6.12 kasan (before: fix-v3): clean → regresses
            (because); a/1

        The night's report:
          /state/nights/2/report.html

        """)
  }

  @Test("what is nobody's series goes to the matrix's owner, and nobody is told nothing")
  func rest() {
    var changes = Changes(since: date(1))
    #expect(mails(changes).isEmpty)
    #expect(mails(changes, always: true).map(\.owner) == ["A <a@example.org>", "B <b@example.org>"])
    changes.gone = [told("old", .clean)]
    let all = mails(changes)
    #expect(all.map(\.owner) == ["A <a@example.org>"])
    #expect(all[0].text.contains("Subject: patchbench: 1 series gone\n"))
    #expect(!all[0].text.contains("In-Reply-To"))
    #expect(
      OwnerMail.all(changes, owners: [:], owner: nil, night: date(2), report: "r", always: true).isEmpty)
  }

  @Test("a series cannot write fields or lines of its own")
  func hostileNames() {
    var changes = changes
    changes.broken[0].now.name = hostile
    changes.broken[0].now.messageID = "a@b>\r\nBcc: x@y"
    changes.broken[0].now.reason = hostile
    let text = mails(changes)[0].text
    let head = text.prefix(upTo: text.firstRange(of: "\n\n")!.lowerBound)
    #expect(!head.contains("In-Reply-To"))
    #expect(!head.split(separator: "\n").contains { $0.hasPrefix("Bcc") || $0.hasPrefix(" Bcc") })
    #expect(!text.contains("\r") && !text.contains("\u{1b}"))
  }
}

@Suite struct SiteTests {
  @Test func aPathIsRelativeAndEscaped() {
    #expect(
      Site.path(from: "/a/site/series", to: "/a/nights/1 <x>/report.html") == "../../nights/1%20%3Cx%3E/report.html")
    #expect(Site.path(from: "/a", to: "/b/c") == "../b/c")
  }

  @Test func twoTextsNeverShareAFileAndNoneLeavesTheSite() {
    let names = ["a/b", "a-b", "../../etc/passwd", hostile, "", ".", String(repeating: "x", count: 5000)]
    let slugs = names.map { Site.slug($0) }
    #expect(Set(slugs).count == names.count)
    #expect(
      slugs.allSatisfy {
        $0.count < 90 && $0.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_".contains($0)) }
      })
    // Links of yesterday still lead there.
    #expect(Site.slug("fix") == "fix-3cs30a8zs5whk")
  }
}

@Suite struct CheckTests {
  private func statuses(_ trials: ToldTrial...) -> [Check.Status] { Check.all(trials).map(\.status) }

  @Test("nothing passes that was not tested whole")
  func evidence() {
    #expect(statuses() == [.warn])
    #expect(statuses(told("s", .clean)) == [.pass])
    #expect(statuses(told("s", .fixes)) == [.pass])
    #expect(statuses(told("s", .inconclusive)) == [.warn])
    #expect(statuses(told("s", .clean, isPart: true)) == [.warn])
    #expect(statuses(told("s", .regresses, isPart: true)) == [.fail])
    #expect(statuses(told("s", .clean, extent: .build)) == [.pass, .warn])
    #expect(statuses(told("s", .clean, extent: .build), told("s", .clean)) == [.pass, .pass])
    for verdict in [Verdict.doesNotApply, .doesNotBuild, .doesNotBoot] {
      #expect(statuses(told("s", verdict)) == [.fail])
    }
  }

  @Test("the last trial of each cell counts, and b4 gets a line for each that does not pass")
  func lines() {
    let checks = Check.all([
      told("s-v2", .regresses, night: 2), told("s-v2", .clean), told("s-v2", .clean, kernel: "linux-6.1"),
    ])
    #expect(checks.map(\.status) == [.fail, .pass])
    #expect(Check.lines(checks) == ["ERROR: regresses on linux-6.12 kasan: s-v2, 2023-11-16 22:13 UTC: because"])
  }
}
