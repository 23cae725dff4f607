// SPDX-License-Identifier: Apache-2.0

import SystemPackage
import TestSupport
import Testing

@testable import SeriesIntake

@Suite struct LoneMailTests {
  private func read(_ text: String) async throws -> LoneMail? {
    let scratch = try Scratch()
    let file = try scratch.write("mail", text)
    return try await LoneMail(file, in: scratch.path.appending("read"), cage: nil)
  }

  private let diff = """
    diff --git a/a.c b/a.c
    --- a/a.c
    +++ b/a.c
    @@ -1,3 +1,3 @@
     one
    -two
    +three
     four

    """

  @Test("one patch of several is known by its Message-ID and by its diff, however it is mailed")
  func patch() async throws {
    let mail = "From: A <a@b>\nSubject: [PATCH 2/3] x\nMessage-Id: <1@example.org>\n\nbody\n---\n\n\(diff)-- \n2.39\n"
    let one = try #require(try await read(mail))
    #expect(one.messageID == "1@example.org")
    let other = try #require(try await read("From: C <c@d>\nSubject: y\n\nother words\n---\n\n\(diff)"))
    #expect(other.messageID == nil)
    #expect(one.patchID != nil && one.patchID == other.patchID)
    let changed = try #require(try await read(mail.replacing("+three", with: "+five")))
    #expect(changed.patchID != one.patchID)
  }

  @Test("a cover letter has no diff")
  func cover() async throws {
    let cover = try #require(
      try await read("From: A <a@b>\nSubject: [PATCH 0/3] x\nMessage-ID: <0@example.org>\n\nwords\n"))
    #expect(cover == LoneMail(messageID: "0@example.org", patchID: nil))
  }
}
