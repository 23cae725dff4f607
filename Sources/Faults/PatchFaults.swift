// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage
import Toolbox

/// Files that are not patches, and patches that attack the tool that applies them.
extension Fault {
  static let patchFaults: [Fault] = [
    refused("patch/parent-directory", "a diff for ../outside", says: "outside the kernel's tree") { _ in
      newFile("../outside", "x")
    },
    refused("patch/absolute-path", "a diff for an absolute path", says: "outside the kernel's tree") {
      newFile($0.bait.directory.appending("written").string, "x")
    },
    refused("patch/git-directory", "a diff for .git/hooks/pre-commit", says: "outside the kernel's tree") { _ in
      newFile(".git/hooks/pre-commit", "#!/bin/sh", mode: "100755")
    },
    refused("patch/escape-codes", "a diff for ../ and an escape code", says: "outside the kernel's tree") { _ in
      newFile("../\u{1b}[2J", "x").replacing("b/../\u{1b}[2J", with: "\"b/../\\033[2J\"").replacing(
        "a/../\u{1b}[2J", with: "\"a/../\\033[2J\"")
    },
    building("patch/long-subject", "a subject of 20 MB", "a verdict, and a record that is not as large") { _ in
      [
        "From: a@example.org\nSubject: [PATCH] " + String(repeating: "long ", count: 4_000_000) + "\n\n---\n"
          + newFile("Documentation/strange.txt", "x")
      ]
    } check: { outcome, _ in
      let run = outcome.evidence.removingLastComponent().removingLastComponent()
      let attributes = try FileManager.default.attributesOfItem(atPath: run.appending("events.jsonl").string)
      let size = attributes[.size] as? Int ?? .max
      return Seen(outcome.verdict == "clean" && size < 20_000_000, "\(outcome.words); \(size >> 10) KiB recorded")
    },
    building(
      "patch/through-a-link", "a link out of the tree, and a second patch that writes through it", "does not apply"
    ) { maker in
      [
        newFile("strange", maker.bait.directory.string, mode: "120000", newline: false),
        newFile("strange/written", "x"),
      ]
    } check: { outcome, _ in
      Seen(outcome.verdict == "does-not-apply", outcome.words)
    },
    building("patch/link", "a link to a private file, as a source", "a verdict, and the file is not read") { maker in
      [newFile("drivers/dma-buf/strange.c", maker.bait.file.string, mode: "120000", newline: false)]
    } check: { outcome, _ in
      Seen(isVerdict(outcome), outcome.words)
    },
    building("patch/submodule", "a submodule, as git writes one", "a verdict") { _ in
      [newFile("strange", "Subproject commit 6ddb1d0dc2ac0ddd0b2ee4ea3c3f5f0c7e7e1b3a", mode: "160000")]
    } check: { outcome, _ in
      Seen(isVerdict(outcome), outcome.words)
    },
    building("patch/attributes", "a .gitattributes with a filter, and a .gitconfig", "a verdict") { maker in
      [
        newFile(".gitconfig", "[filter \"x\"]\n\tsmudge = touch \(maker.bait.directory)/written"),
        try await maker.adding("\n* filter=x\n", to: ".gitattributes"),
        try await maker.adding("\nA line.\n", to: "Documentation/index.rst"),
      ]
    } check: { outcome, _ in
      Seen(isVerdict(outcome), outcome.words)
    },
    building("patch/binary", "a binary file, as git diffs it", "a verdict") {
      [try await $0.diff("Documentation/strange.bin") { _ in "a\0b" }]
    } check: { outcome, _ in
      Seen(outcome.verdict == "clean", outcome.words)
    },
    building("patch/hunks", "a patch of 100,000 hunks", "does not apply: git is ended after two minutes; or clean") {
      _ in
      let path = "Documentation/strange.txt"
      let count = 100_000
      let lines = (0..<8 * count).map { "line \($0)" }
      var hunks = "diff --git a/\(path) b/\(path)\n--- a/\(path)\n+++ b/\(path)\n"
      for hunk in 0..<count {
        let first = 8 * hunk
        let context = { (index: Int) in " \(lines[index])\n" }
        hunks += "@@ -\(first + 1),7 +\(first + 1),7 @@\n" + context(first) + context(first + 1) + context(first + 2)
        hunks +=
          "-\(lines[first + 3])\n+other \(first)\n" + context(first + 4) + context(first + 5) + context(first + 6)
      }
      return [newFile(path, lines.joined(separator: "\n")), hunks]
    } check: { outcome, _ in
      Seen(outcome.verdict == "clean" || outcome.words.contains("git was ended"), outcome.words)
    },
    Fault(
      name: "patch/among-others", what: "a diff for ../outside, in one of two series",
      expected: "it does not apply, and the other series is tried",
      trial: .own { bench in
        let series = [
          try bench.maker.write("among-others", [newFile("../outside", "x")]),
          try await bench.harmless("among-others-harmless"),
        ]
        let run = try await bench.run(series)
        let outcomes = run.series.map(\.words)
        let isSaid = run.series.contains { one in
          one.verdict == "does-not-apply" && one.reasons.contains { $0.contains("outside the kernel's tree") }
        }
        return try await Seen(
          isSaid && run.series.contains { $0.verdict == "clean" }, outcomes.joined(separator: "; ")
        ).and(bench.damage(run))
      }),
    refused("patch/mailbox", "a mailbox of 10,000 messages", says: "which is too much for a series") { _ in
      let mail =
        "From 0123456789abcdef0123456789abcdef01234567 Mon Sep 17 00:00:00 2001\nFrom: a@example.org\nSubject: x\n\n"
      return String(repeating: mail + newFile("a", "x") + "\n", count: 10_000)
    },
    refused("patch/long-line", "a message with one line of 70 MB", says: "which is too much for a series") { _ in
      "From: a@example.org\nSubject: x\n\n" + String(repeating: "x", count: 70_000_000) + "\n"
    },
    building(
      "patch/words", "a subject, an author and a file name of HTML, escape codes and formulas",
      "a verdict, and nothing unescaped in a report"
    ) { _ in
      [
        "From: \(Self.act) <a@example.org>\nSubject: [PATCH] \(Self.act)\n\n---\n"
          + newFile("Documentation/a|b<img src=x onerror=y>.txt", "x")
      ]
    } check: { outcome, bench in
      let run = outcome.evidence.removingLastComponent().removingLastComponent()
      if let raw = try RawWords.found(in: run, markup: ["<script>alert", "<img src=x"]) { return Seen(false, raw) }
      return Seen(isVerdict(outcome), outcome.words)
    },
  ]

  /// Text that has an effect if it is not escaped.
  static let act = "<script>alert(1)</script>\u{1b}[2J'\"`|x|`"

  /// A file that the command must refuse at once, with a reason.
  private static func refused(
    _ name: String, _ what: String, says words: String, _ patch: @escaping @Sendable (SeriesMaker) -> String
  ) -> Fault {
    Fault(
      name: name, what: what, expected: "refused, with exit status 2: \(words)",
      trial: .own { bench in
        let label = name.split(separator: "/").last.map(String.init) ?? name
        let run = try await bench.run([try bench.maker.write(label, [patch(bench.maker)])])
        return try await Seen(run.status == .exited(2) && run.errors.contains(words), run.lastWords).and(
          bench.damage(run))
      })
  }

  /// Returns a diff that adds a file.
  /// - Parameter newline: whether the content ends with a newline.
  static func newFile(_ path: String, _ content: String, mode: String = "100644", newline: Bool = true) -> String {
    let lines = content.split(separator: "\n", omittingEmptySubsequences: false)
    return
      "diff --git a/\(path) b/\(path)\nnew file mode \(mode)\n--- /dev/null\n+++ b/\(path)\n@@ -0,0 +1,\(lines.count) @@\n"
      + lines.map { "+\($0)\n" }.joined() + (newline ? "" : "\\ No newline at end of file\n")
  }
}
