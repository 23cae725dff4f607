// SPDX-License-Identifier: Apache-2.0

import Foundation
import SeriesIntake
import SystemPackage
import TestSupport
import Testing

/// Returns a patch in the format of `git format-patch`.
func mail(_ subject: String, path: String = "a.c", author: String = "A U Thor <author@example.org>") -> String {
  """
  From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001
  From: \(author)
  Date: Mon, 2 Nov 2026 10:00:00 +0000
  Subject: \(subject)

  Why.
  ---
   \(path) | 1 +
   1 file changed, 1 insertion(+)

  diff --git a/\(path) b/\(path)
  new file mode 100644
  index 0000000..ce01362
  --- /dev/null
  +++ b/\(path)
  @@ -0,0 +1 @@
  +hello
  -- 
  2.39.5


  """
}

let coverLetter = """
  From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001
  From: A U Thor <author@example.org>
  Date: Mon, 2 Nov 2026 10:00:00 +0000
  Subject: [PATCH 0/2] one answer

  What it answers.

  A U Thor (2):
    first
    second

   a.c | 1 +
   2 files changed, 2 insertions(+)

  -- 
  2.39.5


  """

@Suite struct SeriesDirectoryTests {
  @Test func aPathIsOneSeriesOrADirectoryOfSeveral() throws {
    let scratch = try Scratch()
    try scratch.write("all/one/0001-a.patch", mail("[PATCH] a"))
    try scratch.write("all/two/0001-b.patch", mail("[PATCH] b"))
    try scratch.write("all/README.md", "notes")
    #expect(try SeriesDirectory.find([scratch.path.appending("all").string]).map(\.name) == ["one", "two"])
    #expect(try SeriesDirectory.find([scratch.path.pushing("all/one").string]).map(\.name) == ["one"])
    #expect(try SeriesDirectory.find([scratch.path.pushing("all/one/.").string]).map(\.name) == ["one"])
  }

  @Test func patchesApplyInTheOrderOfTheirNames() throws {
    let scratch = try Scratch()
    for name in ["0010-j.patch", "0002-b.patch", "0001-a.patch"] { try scratch.write("s/\(name)", mail("[PATCH] x")) }
    let files = try SeriesDirectory.find([scratch.path.appending("s").string])[0].files
    #expect(files == ["0001-a.patch", "0002-b.patch", "0010-j.patch"])
  }

  @Test func whatCannotBeASeriesIsRefusedWithItsReason() throws {
    let scratch = try Scratch()
    try FileManager.default.createDirectory(
      atPath: scratch.path.pushing("hollow/inner").string, withIntermediateDirectories: true)
    try scratch.write("mixed/0001.patch", mail("[PATCH] a"))
    try scratch.write("mixed/inner/0001.patch", mail("[PATCH] a"))
    try scratch.write("x/same/0001.patch", mail("[PATCH] a"))
    try scratch.write("y/same/0001.patch", mail("[PATCH] a"))
    try scratch.write("base/0001.patch", mail("[PATCH] a"))
    try scratch.write("a\nb/0001.patch", mail("[PATCH] a"))
    func refusal(_ names: String...) -> IntakeError? {
      #expect(throws: IntakeError.self) {
        try SeriesDirectory.find(names.map { scratch.path.pushing(FilePath($0)).string })
      }
    }
    func path(_ name: String) -> String { scratch.path.pushing(FilePath(name)).string }
    #expect(refusal("absent") == .noSuchDirectory(path("absent")))
    #expect(refusal("hollow") == .empty(path("hollow/inner")))
    #expect(refusal("hollow/inner") == .empty(path("hollow/inner")))
    #expect(refusal("mixed") == .mixed(path("mixed")))
    #expect(refusal("x/same", "y/same") == .twice("same", path("x/same"), path("y/same")))
    #expect(refusal("base") == .badName(path("base")))
    #expect(refusal("a\nb") == .badName(path("a\nb")))
  }
}
