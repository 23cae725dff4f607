// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import SystemPackage
import TestSupport
import Testing
import Toolbox

@testable import SeriesIntake

@Suite struct TrailerTests {
  private func read(_ text: String) async throws -> PatchSeries {
    let scratch = try Scratch()
    let file = try scratch.write("t.mbox", text)
    let limits = ToolLimits(time: .seconds(60), memory: 1 << 30, processes: 100, disk: 1 << 30)
    let source = try #require(try SeriesForms.find([file.string]).first)
    return try await source.read(into: scratch.path.appending("out"), cage: Cage.find(limits)).series
  }

  private func words(_ patch: Patch) -> [String] {
    (patch.trailers ?? []).map { "\($0.key): \($0.value)\($0.isFromReply ? " (reply)" : "")" }
  }

  /// A patch whose message ends with these trailers.
  private func body(_ trailers: [String], path: String) -> String {
    let whole = mail("[PATCH] x", path: path)
    let patch = whole[whole.range(of: "\n---\n")!.upperBound...]
    return "Why.\n\n\(trailers.joined(separator: "\n"))\n---\n\(patch)"
  }

  @Test func aPatchHasItsOwnTrailers() async throws {
    let own = [
      "Fixes: 0123456789ab (\"a: b\")", "reported-by: R <r@example.org>", "Cc: stable@vger.kernel.org # 6.1",
      "Cc: S <s@example.org>", "Closes: https://example.org/1", "Link: https://example.org/a b",
      "signed-off-by: A U Thor <author@example.org>", "Signed-off-by: A U Thor <author@example.org>",
    ]
    let series = try await read(archived("[PATCH] one", id: "1", text: body(own, path: "a.c")))
    #expect(
      words(series.patches[0]) == [
        "Fixes: 0123456789ab (\"a: b\")", "Cc: stable@vger.kernel.org # 6.1", "Closes: https://example.org/1",
        "Link: https://example.org/a b", "Signed-off-by: A U Thor <author@example.org>",
      ])
  }

  /// A trailer for the cover letter is for all patches. One from another address than its mail is not believed.
  @Test func repliesGiveTrailers() async throws {
    let own = ["Signed-off-by: A U Thor <author@example.org>"]
    func reply(_ name: String, to parent: String, _ text: String) -> String {
      archived("Re: [PATCH 1/2] first", id: name, answers: parent, text: "> Why.\n\n\(text)\n")
        .replacing("From: A U Thor <author@example.org>", with: "From: \(name) <\(name)@example.org>")
    }
    let series = try await read(
      archived("[PATCH 0/2] both", id: "c", text: "What it is for.\n")
        + archived("[PATCH 1/2] first", id: "1", answers: "c", text: body(own, path: "1.c"))
        + archived("[PATCH 2/2] second", id: "2", answers: "c", text: body(own, path: "2.c"))
        + reply("Ada", to: "1", "Reviewed-by: Ada <Ada@example.org>")
        + reply("Bob", to: "c", "Tested-by: Bob <Bob@example.org>")
        + reply("Eve", to: "2", "Acked-by: Other <other@example.org>"))
    let signed = "Signed-off-by: A U Thor <author@example.org>"
    let tested = "Tested-by: Bob <Bob@example.org> (reply)"
    #expect(Set(words(series.patches[0])) == [signed, "Reviewed-by: Ada <Ada@example.org> (reply)", tested])
    #expect(Set(words(series.patches[1])) == [signed, tested])
  }

  @Test func signersAreNamed() async throws {
    let signed = archived("[PATCH] one", id: "1").replacing(
      "Subject:",
      with: """
        DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=k; b=abc
        X-Developer-Signature: v=1; a=ed25519-sha256; t=1; h=from:subject;
         b=abc
        X-Developer-Key: i=author@example.org; a=ed25519; pk=abc
        Subject:
        """)
    #expect(try await read(signed).origin?.signatures == ["DKIM/example.org", "ed25519/author@example.org"])
    #expect(try await read(archived("[PATCH] one", id: "1")).origin?.signatures == nil)
  }
}
