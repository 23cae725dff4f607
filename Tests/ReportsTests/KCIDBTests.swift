// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import GuestProtocol
import Testing

@testable import Reports

@Suite struct KCIDBTests {
  private func document(_ run: RunRecord) -> KCIDBDocument { KCIDB(ToldRuns(Report(record: run))).document }

  @Test(
    arguments: [
      ("leave", .pass, .pass), ("share", .pass, .pass), ("swap", .pass, .fail), ("typo", .fail, nil),
      ("dead", .pass, .fail), ("lost", .pass, .miss), ("fault", .miss, nil), ("never", .miss, nil),
      ("comment", .pass, .pass), ("untested", .pass, .miss),
    ] as [(String, KCIDBDocument.Status, KCIDBDocument.Status?)])
  func verdicts(series: String, status: KCIDBDocument.Status, verdict: KCIDBDocument.Status?) throws {
    let document = document(everyVerdict())
    let checkout = try #require(document.checkouts.first { $0.misc.series == series })
    let build = try #require(document.builds.first { $0.checkoutId == checkout.id })
    #expect(build.status == status)
    let tests = document.tests.filter { $0.buildId == build.id }
    #expect(tests.first { $0.path == "patchbench.verdict" }?.status == verdict)
    if verdict == nil { #expect(tests.isEmpty) }
  }

  @Test func whatDoesNotApplyIsNoValidCheckout() throws {
    let document = document(everyVerdict())
    let stale = try #require(document.checkouts.first { $0.misc.series == "stale" })
    #expect(stale.valid == false && stale.logExcerpt?.hasPrefix("does not apply: ") == true)
    #expect(!document.builds.contains { $0.checkoutId == stale.id })
    #expect(stale.messageId == nil)
    let sent = self.document(inThread()).checkouts.first { $0.misc.series == "stale" }
    #expect(sent?.messageId == "20260301-stale-v4-0-1a2b@example.org")
    #expect(document.checkouts.first { $0.misc.series == "never" }?.valid == nil)
    #expect(document.builds.first { $0.id.hasSuffix("typo:kasan") }?.status == .fail)
  }

  @Test func theBaseIsThereWithItsFailures() throws {
    let document = document(everyVerdict())
    #expect(document.checkouts[0].patchsetHash == "" && document.checkouts[0].valid == true)
    let base = document.tests.filter { $0.buildId == document.builds[0].id }
    #expect(
      base.map(\.path) == [
        "boot", "patchbench.access.vgem.no-handle", "patchbench.invalidate.virtio_gpu-to-vgem.unbind",
        "patchbench.forward.udmabuf.pgoff",
      ])
    #expect(base.map(\.status) == [.pass, .pass, .fail, .skip])
  }

  @Test func aPatchsetHasTheDigestOfItsPatches() {
    let digest = String(repeating: "a", count: 64)
    let report = Report(record: everyVerdict(), evidence: EvidenceFiles(patchsets: ["share": digest]))
    let checkouts = KCIDB(ToldRuns(report)).document.checkouts
    #expect(checkouts.compactMap(\.patchsetHash) == ["", digest])
  }

  @Test func oneIssueForEachTitle() {
    let document = document(everyVerdict())
    let subjects = document.issues.map(\.reportSubject)
    #expect(subjects == ["WARNING in vgem_fault", "KASAN: slab-use-after-free Read in dma_buf_mmap"])
    let ids = Set(document.issues.map(\.id))
    #expect(document.incidents.count > 3 && document.incidents.allSatisfy { ids.contains($0.issueId) })
  }

  @Test func profilesShareTheirCheckout() {
    let document = KCIDB(ToldRuns(formMatrix())).document
    let share = document.checkouts.filter { $0.misc.series == "share" }
    #expect(share.map(\.misc.kernel) == ["linux-6.12", "linux-6.1", "linux-7.3"])
    #expect(document.builds.filter { $0.checkoutId == share[0].id }.map(\.configName) == ["kasan", "nommu"])
    #expect(document.builds.filter { $0.checkoutId == share[2].id }.map(\.status) == [.miss])
  }

  @Test("no id is twice, nothing is null, and texts are as the schema has them", arguments: [0, 1, 2])
  func shape(which: Int) throws {
    let matrix = [Matrix([("a", Report(record: formRun()))]), formMatrix(), hostileForms()][which]
    let document = KCIDB(ToldRuns(matrix)).document
    for ids in [
      document.checkouts.map(\.id), document.builds.map(\.id), document.tests.map(\.id), document.incidents.map(\.id),
    ] {
      #expect(Set(ids).count == ids.count && !ids.isEmpty)
      #expect(ids.allSatisfy { $0.hasPrefix("patchbench:") && $0.unicodeScalars.allSatisfy(\.isASCII) })
    }
    #expect(document.tests.allSatisfy { $0.path.wholeMatch(of: /[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*/) != nil })
    let text = try document.encoded()
    #expect(!text.contains(": null"))
    #expect(!text.contains("\\u0000") && !text.unicodeScalars.contains("\u{202e}"))
  }

  @Test func excerptsAreCut() {
    let text = KCIDBText.excerpt(Array(repeating: String(repeating: "漢", count: 3000), count: 30))
    #expect(text?.hasSuffix("\n...\n") == true && (text ?? "").unicodeScalars.count <= 16_384)
    #expect(KCIDBText.excerpt([]) == nil)
  }

  @Test(arguments: [
    ("forward/x-to-y/vm-file", "patchbench.forward.x-to-y.vm-file"), ("a b//c.d/é", "patchbench.a_b.c_d._"),
  ])
  func paths(test: String, path: String) { #expect(KCIDBText.path(test) == path) }
}
