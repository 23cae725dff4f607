// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import SystemPackage
import TestSupport
import Testing
import Toolbox

@testable import KernelBuild

@Suite struct SweepTests {
  @Test func whatABuildHasClosedIsOpened() throws {
    let scratch = try Scratch()
    let kept = try scratch.write("kept/file", "")
    try scratch.write("closed/inner/deep/file", "")
    let inner = scratch.path.pushing("closed/inner")
    try FileManager.default.createSymbolicLink(
      atPath: inner.appending("link").string, withDestinationPath: kept.removingLastComponent().string)
    func mode(_ path: FilePath) throws -> Int? {
      try FileManager.default.attributesOfItem(atPath: path.string)[.posixPermissions] as? Int
    }
    for path in [kept.removingLastComponent(), inner.appending("deep"), inner] { chmod(path.string, 0) }
    Cache.open(scratch.path.appending("closed"))
    #expect(try mode(inner) == 0o700 && mode(inner.appending("deep")) == 0o700)
    #expect(try mode(kept.removingLastComponent()) == 0, "a symlink was followed")
    chmod(kept.removingLastComponent().string, 0o700)
  }

  @Test func whatKilledRunsLeftGoesAndWhatALiveRunHoldsStays() async throws {
    let scratch = try Scratch()
    let cache = try Cache(scratch.path)
    let manager = FileManager.default
    try await cache.withScratch { live in
      // With its lock, as a killed run leaves it; without its directory; without its lock.
      try scratch.write("work/1-a/tree/file", "x")
      try scratch.write("work/1-a.lock", "")
      try scratch.write("work/1-b.lock", "")
      try scratch.write("work/1-c/file", "x")
      #expect(cache.abandoned() == ["1-a", "1-b", "1-c"])
      #expect(await cache.sweep() == ["1-a", "1-b", "1-c"])
      let name = live.lastComponent!.string
      #expect(
        try manager.contentsOfDirectory(atPath: scratch.path.appending("work").string).sorted()
          == [name, "\(name).lock"])
      #expect(await cache.sweep() == [])
    }
    #expect(try manager.contentsOfDirectory(atPath: scratch.path.appending("work").string) == [])
  }
}
