// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import SeriesIntake

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

@Suite struct SeriesFormTests {
  @Test func aPathIsOneSeriesOrADirectoryOfSeveral() throws {
    let scratch = try Scratch()
    try scratch.write("all/one/0001-a.patch", mail("[PATCH] a"))
    try scratch.write("all/two/0001-b.patch", mail("[PATCH] b"))
    try scratch.write("all/README.md", "notes")
    #expect(try SeriesForms.find([scratch.path.appending("all").string]).map(\.name) == ["one", "two"])
    #expect(try SeriesForms.find([scratch.path.pushing("all/one").string]).map(\.name) == ["one"])
    #expect(try SeriesForms.find([scratch.path.pushing("all/one/.").string]).map(\.name) == ["one"])
  }

  @Test func patchesApplyInTheOrderOfTheirNames() throws {
    let scratch = try Scratch()
    for name in ["10-j.patch", "2-b.patch", "001-a.patch"] { try scratch.write("s/\(name)", mail("[PATCH] x")) }
    let found = try SeriesForms.find([scratch.path.appending("s").string])
    let files = try #require(found[0] as? MailSeries).files
    #expect(files.map(\.label) == ["001-a.patch", "2-b.patch", "10-j.patch"])
  }

  @Test func aFileIsASeries() async throws {
    let scratch = try Scratch()
    try scratch.write("in/[PATCH v2] drm: x.eml", mail("[PATCH] a"))
    let path = scratch.path.pushing(FilePath("in/[PATCH v2] drm: x.eml"))
    let found = try SeriesForms.find([path.string])
    #expect(found.map(\.name) == ["PATCH-v2-drm-x"])
    let read = try await found[0].read(into: scratch.path.appending("out"), cage: nil)
    #expect(read.series.path == path.string)
    #expect(read.series.patches.map(\.subject) == ["a"])
  }

  @Test(arguments: [
    ("v4.mbox", "v4"), ("0001-drm-fix.patch", "0001-drm-fix"), ("a.b", "a.b"), ("x.patch.mbox", "x.patch"),
    ("t.mbox.gz", "t"), ("..mbox", "series"), ("-v.diff", "v"), ("Ärger mit dma.txt", "Arger-mit-dma"),
    ("日本.eml", "ri-ben"), ("base.patch", "series-base"), ("my fix", "my-fix"), ("a--b", "a--b"), ("🐧", "series"),
  ]) func aFileGivesItsSeriesAName(_ file: String, _ name: String) {
    #expect(SeriesName.safe(PatchFile.stem(file)) == name)
  }

  @Test func seriesOfOneNameGetDistinctNames() throws {
    let scratch = try Scratch()
    let paths = ["x/same", "y/same", "z/same", "y/x/same", "all/x y"]
    for path in paths { try scratch.write("\(path)/0001.patch", mail("[PATCH] a")) }
    let found = try SeriesForms.find(paths.map { scratch.path.pushing(FilePath($0)).string })
    #expect(found.map(\.name) == ["same", "y-same", "z-same", "x-same", "x-y"])
    #expect(found.last?.path.string.hasSuffix("all/x y") == true)
    let path = scratch.path.pushing("x/same").string
    #expect(throws: IntakeError.twice(path + "/.")) { try SeriesForms.find([path, path + "/."]) }
  }

  @Test func whatIsNeitherFileNorDirectoryHasNoForm() throws {
    let scratch = try Scratch()
    let pipe = scratch.path.appending("pipe")
    #expect(mkfifo(pipe.string, 0o600) == 0)
    let error = #expect(throws: IntakeError.noForm(pipe.string)) { try SeriesForms.find([pipe.string]) }
    #expect(error?.description.contains("an mbox, a patch or a diff") == true)
  }

  @Test func whatCannotBeASeriesIsRefusedWithItsReason() throws {
    let scratch = try Scratch()
    try FileManager.default.createDirectory(
      atPath: scratch.path.pushing("hollow/inner").string, withIntermediateDirectories: true)
    try scratch.write("mixed/0001.patch", mail("[PATCH] a"))
    try scratch.write("mixed/inner/0001.patch", mail("[PATCH] a"))
    func refusal(_ names: String...) -> IntakeError? {
      #expect(throws: IntakeError.self) {
        try SeriesForms.find(names.map { scratch.path.pushing(FilePath($0)).string })
      }
    }
    func path(_ name: String) -> String { scratch.path.pushing(FilePath(name)).string }
    #expect(refusal("absent") == .noSuchPath(path("absent")))
    #expect(refusal("hollow") == .empty(path("hollow/inner")))
    #expect(refusal("hollow/inner") == .empty(path("hollow/inner")))
    #expect(refusal("mixed") == .mixed(path("mixed")))
  }
}
