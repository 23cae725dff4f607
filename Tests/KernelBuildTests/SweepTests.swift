import Foundation
import KernelBuild
import SystemPackage
import TestSupport
import Testing
import Toolbox

@Suite struct SweepTests {
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
