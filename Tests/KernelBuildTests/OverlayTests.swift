// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage
import TestSupport
import Testing
import Toolbox

@testable import KernelBuild

@Suite struct OverlayTests {
  /// A directory name that mount(8) and overlayfs would split if it were not escaped.
  static let names = ["plain", "with space", "a,b:c", "it's"]

  @Test(arguments: names) func changesStayInTheUpperDirectory(_ name: String) async throws {
    let scratch = try Scratch()
    try scratch.write("\(name)/kept", "lower")
    try scratch.write("\(name)/changed", "lower")
    let lower = scratch.path.appending(name)
    let method = try await SeriesTree.method(scratch: scratch.path.appending("probe"), cage: nil)
    try #require(method != .copy, "these tests need overlayfs, as root or in a user namespace")
    let overlay = Overlay(lowers: [lower], scratch: scratch.path.appending("s \(name)"), asUser: method == .userOverlay)
    try overlay.makeDirectories()
    let tool = Tool("sh", ["-c", "pwd; echo upper > changed; rm kept; cat changed"])
    let result = try await overlay.wrap(tool).run()
    #expect(result.output == "\(lower)\nupper\n", "\(result.errors)")
    #expect(try String(contentsOfFile: lower.appending("changed").string, encoding: .utf8) == "lower")
    #expect(FileManager.default.fileExists(atPath: lower.appending("kept").string))
    #expect(try String(contentsOfFile: overlay.upper.appending("changed").string, encoding: .utf8) == "upper\n")
    // The next tool in the same tree sees what the last one did; the mount itself is gone.
    #expect(try await overlay.wrap(Tool("cat", ["changed"])).output() == "upper\n")
    #expect(try !String(contentsOfFile: "/proc/self/mounts", encoding: .utf8).contains("patchbench \(lower)"))
  }

  @Test func aTreeOnATreeShowsTheLatestOfEach() async throws {
    let scratch = try Scratch()
    for file in ["kept", "changed", "removed"] { try scratch.write("lower/\(file)", "lower") }
    let lower = scratch.path.appending("lower")
    let method = try await SeriesTree.method(scratch: scratch.path.appending("probe"), cage: nil)
    let below = Overlay(lowers: [lower], scratch: scratch.path.appending("below"), asUser: method == .userOverlay)
    try below.makeDirectories()
    _ = try await below.wrap(Tool("sh", ["-c", "echo below > changed; echo below > new; rm removed"])).output()
    let above = Overlay(
      lowers: [below.upper, lower], scratch: scratch.path.appending("above"), asUser: method == .userOverlay)
    try above.makeDirectories()
    #expect(
      try await above.wrap(Tool("sh", ["-c", "pwd; ls; cat kept changed"])).output()
        == "\(lower)\nchanged\nkept\nnew\nlowerbelow\n")
    _ = try await above.wrap(Tool("sh", ["-c", "echo above > new"])).output()
    #expect(try await below.wrap(Tool("cat", ["new"])).output() == "below\n")
  }

  @Test func wordsReachTheToolUnchanged() async throws {
    let scratch = try Scratch()
    let lower = scratch.path.appending("lower")
    try FileManager.default.createDirectory(atPath: lower.string, withIntermediateDirectories: true)
    let method = try await SeriesTree.method(scratch: scratch.path.appending("probe"), cage: nil)
    let overlay = Overlay(lowers: [lower], scratch: scratch.path.appending("s"), asUser: method == .userOverlay)
    try overlay.makeDirectories()
    let words = ["$(touch owned)", "`id`", "; exit 1", "a b", "", "'\"\\"]
    let output = try await overlay.wrap(Tool("printf", ["[%s]"] + words)).output()
    #expect(output == words.map { "[\($0)]" }.joined())
  }
}

@Suite struct CacheTests {
  @Test func scratchIsRemovedHoweverItsUseEnds() async throws {
    struct Oops: Error {}
    let scratch = try Scratch()
    let cache = try Cache(scratch.path)
    let seen = try await cache.withScratch { path in
      try Data("x".utf8).write(to: URL(filePath: path.appending("file").string))
      return path
    }
    #expect(!FileManager.default.fileExists(atPath: seen.string))
    await #expect(throws: Oops.self) { try await cache.withScratch { _ in throw Oops() } }
    #expect(try FileManager.default.contentsOfDirectory(atPath: cache.root.appending("work").string).isEmpty)
  }

  @Test func aSweepTakesWhatWasLeftAndNothingThatIsInUse() async throws {
    let scratch = try Scratch()
    let cache = try Cache(scratch.path)
    try scratch.write("work/1-dead/overlay-upper/file", "x")
    try scratch.write("work/1-dead.lock", "")
    try await cache.withScratch { live in
      await cache.sweep()
      #expect(FileManager.default.fileExists(atPath: live.string))
      #expect(!FileManager.default.fileExists(atPath: scratch.path.pushing("work/1-dead").string))
    }
  }

  @Test(arguments: [
    (["PATCHBENCH_CACHE": "/c", "HOME": "/h"], "/c"), (["XDG_CACHE_HOME": "/x", "HOME": "/h"], "/x/patchbench"),
    (["XDG_CACHE_HOME": "relative", "HOME": "/h"], "/h/.cache/patchbench"), (["HOME": "/h"], "/h/.cache/patchbench"),
  ])
  func itsPlaceFollowsTheEnvironment(_ row: (environment: [String: String], path: String)) {
    #expect(Cache.standardRoot(environment: row.environment).string == row.path)
  }
}
