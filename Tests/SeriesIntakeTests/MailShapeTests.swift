// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import SystemPackage
import TestSupport
import Testing
import Toolbox

@testable import SeriesIntake

/// A mail in one of the shapes in which patches arrive.
struct MailShape: Sendable, CustomTestStringConvertible {
  var testDescription: String
  var headers: [String] = []
  var body: String
  /// What the whole mail goes through on its way.
  var damage: @Sendable (String) -> String = { $0 }

  private static let diff = """
    diff --git a/a.c b/a.c
    index 0ab9a1e..b1e6722 100644
    --- a/a.c
    +++ b/a.c
    @@ -1,2 +1,2 @@
     int a;
    -int b;
    +int b; /* ä=\u{20} */

    """
  private static let patch =
    "Why.\n\nSigned-off-by: A U Thor <author@example.org>\n---\n a.c | 2 +-\n\n\(diff)-- \n2.39.5\n"

  private static func quotedPrintable(_ text: String, _ encoding: String.Encoding = .utf8) -> String {
    let data = text.data(using: encoding)!
    return data.map { byte in
      byte == 0x3d || byte >= 0x80 ? String(format: "=%02X", byte) : String(UnicodeScalar(byte))
    }.joined().replacing(" \n", with: "=20\n")
  }

  private static func base64(_ text: String) -> String {
    Data(text.utf8).base64EncodedString(options: [.lineLength76Characters, .endLineWithLineFeed]) + "\n"
  }

  private static let plain = ["MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8"]

  private static func parts(_ kind: String, _ parts: [(headers: String, body: String)]) -> MailShape {
    MailShape(
      testDescription: kind, headers: ["MIME-Version: 1.0", "Content-Type: \(kind); boundary=\"=_x\""],
      body: parts.map { "--=_x\n\($0.headers)\n\n\($0.body)\n" }.joined() + "--=_x--\n")
  }

  static let all = [
    MailShape(testDescription: "plain", body: patch),
    MailShape(testDescription: "CRLF", body: patch, damage: { $0.replacing("\n", with: "\r\n") }),
    MailShape(testDescription: "base64", headers: plain + ["Content-Transfer-Encoding: base64"], body: base64(patch)),
    MailShape(
      testDescription: "base64 with CRLF inside", headers: plain + ["Content-Transfer-Encoding: base64"],
      body: base64(patch.replacing("\n", with: "\r\n"))),
    MailShape(
      testDescription: "quoted-printable", headers: plain + ["Content-Transfer-Encoding: quoted-printable"],
      body: quotedPrintable(patch)),
    MailShape(
      testDescription: "ISO-8859-1",
      headers: [
        "MIME-Version: 1.0", "Content-Type: text/plain; charset=iso-8859-1",
        "Content-Transfer-Encoding: quoted-printable",
      ],
      body: quotedPrintable(patch, .isoLatin1)),
    MailShape(
      testDescription: "in-body From and Subject",
      body: "From: Other <other@example.org>\nSubject: another title\n\n\(patch)"),
    MailShape(testDescription: "scissors", body: "Hello,\n\n-- >8 --\nSubject: below\n\n\(patch)"),
    MailShape(
      testDescription: "a list's footer",
      body: patch + "_______________________________________________\nlist mailing list\nlist@example.org\n"),
    MailShape(testDescription: "mboxrd", body: ">From here on.\n>>From there.\n\n\(patch)"),
    parts("multipart/mixed", [("Content-Type: text/plain", "See below.\n"), ("Content-Type: text/x-patch", patch)]),
    parts(
      "multipart/mixed; x=attachment",
      [
        ("Content-Type: text/plain", "Why.\n"),
        ("Content-Type: text/x-diff; name=a.diff\nContent-Transfer-Encoding: base64", base64(diff)),
      ]),
    parts(
      "multipart/signed",
      [
        (
          "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable", quotedPrintable(patch)
        ),
        (
          "Content-Type: application/pgp-signature", "-----BEGIN PGP SIGNATURE-----\nabc\n-----END PGP SIGNATURE-----\n"
        ),
      ]),
    MailShape(
      testDescription: "rename, mode, copy and a binary file",
      body: """
        Why.
        ---
        diff --git a/a.c b/moved to.c
        old mode 100644
        new mode 100755
        similarity index 100%
        rename from a.c
        rename to moved to.c
        diff --git a/c.c b/d.c
        similarity index 100%
        copy from c.c
        copy to d.c
        diff --git a/x.bin b/x.bin
        new file mode 100644
        index 0000000000000000000000000000000000000000..aed9ad0c3ea0dbfb4d6dc5eb5b0c6b6c5f3a5d54
        GIT binary patch
        literal 3
        Kcmb=JW@G>W0096701f~E

        literal 0
        HcmV?d00001

        -- \n2.39.5

        """),
    MailShape(testDescription: "a diff alone", headers: ["X-None: 1"], body: diff),
  ]

  /// The spaces at the ends of its lines are lost.
  static let flowed = MailShape(
    testDescription: "format=flowed", headers: ["MIME-Version: 1.0", "Content-Type: text/plain; format=flowed"],
    body: patch)

  var mail: String {
    damage(
      (["From mboxrd@z Thu Jan  1 00:00:00 1970", "From: =?utf-8?q?A_=C3=9C_Thor?= <author@example.org>"]
        + ["Date: Mon, 2 Nov 2026 10:00:00 +0000", "Subject: [list] [PATCH v2 1/1] =?utf-8?b?w6R0eg==?= a: b"] + headers)
        .joined(separator: "\n") + "\n\n" + body + "\n")
  }
}

/// Whatever git am makes of a mail, patchbench must make of it, too.
@Suite struct MailShapeTests {
  private let scratch = try! Scratch()

  private func git(_ arguments: [String], in tree: FilePath) async throws -> ToolResult {
    try await Git.tool(["-c", "user.name=x", "-c", "user.email=x@example.org"] + arguments, in: tree).run()
  }

  /// Returns a work tree with two files.
  private func tree(_ name: String) async throws -> FilePath {
    try scratch.write("\(name)/a.c", "int a;\nint b;\n")
    try scratch.write("\(name)/c.c", "int c;\n")
    let tree = scratch.path.appending(name)
    for arguments in [["init", "-q"], ["add", "."], ["commit", "-q", "-m", "base"]] {
      #expect(try await git(arguments, in: tree).status.isSuccess)
    }
    return tree
  }

  @Test(arguments: MailShape.all) func aMailIsReadAsByGitAm(_ shape: MailShape) async throws {
    let file = try scratch.write("in/t.mbox", shape.mail)
    let (mine, other) = (try await tree("mine"), try await tree("other"))
    let am = try await git(
      ["am", "-q", "--quoted-cr=strip", "--patch-format=mboxrd", file.string], in: other)
    let source = try #require(try SeriesForms.find([file.string]).first)
    #expect(am.status.isSuccess, "\(am.errors)")
    let series = try await source.read(into: scratch.path.appending("out"), cage: nil)
    #expect(try await git(["apply", "--index"] + series.diffs.map(\.string), in: mine).status.isSuccess)
    let trees = try await [git(["write-tree"], in: mine), git(["rev-parse", "HEAD^{tree}"], in: other)]
    #expect(trees[0].output == trees[1].output)
    let log = try await git(["log", "-1", "--format=%s%n%an <%ae>"], in: other).output
    let patch = series.series.patches[0]
    #expect("\(patch.subject)\n\(patch.author)\n" == log)
  }

  @Test func theCauseOfADamagedDiffIsNamed() async throws {
    let file = try scratch.write("in/t.mbox", MailShape.flowed.mail)
    let source = try #require(try SeriesForms.find([file.string]).first)
    let error = await #expect(throws: IntakeError.self) {
      _ = try await source.read(into: scratch.path.appending("out"), cage: nil)
    }
    #expect(error?.description.contains("format=flowed") == true)
  }
}
