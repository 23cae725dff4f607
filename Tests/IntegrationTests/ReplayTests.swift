// SPDX-License-Identifier: Apache-2.0

import Bench
import BenchModel
import Foundation
import SeriesIntake
import SystemPackage
import TestSupport
import Testing
import Toolbox

@testable import KernelBuild

extension BenchSerial {
  /// A series that is built by replaying recorded commands must give the same image as a kbuild run.
  @Suite(.serialized) struct Replay {
    /// Objects in an archive, objects in a linker library, an assembler source, a header that several sources include,
    /// and a header that some include by way of `..`.
    static let files = [
      ["drivers/dma-buf/dma-buf.c"], ["mm/util.c", "drivers/gpu/drm/drm_prime.c", "lib/string_helpers.c"],
      ["lib/rbtree.c"], ["arch/x86/lib/memcpy_64.S"], ["include/linux/dma-buf.h"],
      ["mm/slab.h"],
    ]

    @Test(arguments: files) func theImageIsKbuildsByteForByte(_ paths: [String]) async throws {
      let bench = try Workbench()
      let base = try await bench.base()
      // A declaration changes no code. It only makes several objects compile.
      let changesCode = paths.contains { !$0.hasSuffix(".h") }
      try await compare(bench, paths, Workbench.change(paths, in: base.tree), changesCode: changesCode)
    }

    /// The image is linked in parallel to the search for its exports. Here the exports change, so that link was too
    /// early.
    @Test func soItIsWhereTheExportsAreOthers() async throws {
      let bench = try Workbench()
      let path = "drivers/dma-buf/dma-buf.c"
      let tree = try await bench.base().tree
      let more = ["int patchbench_new(void);", "int patchbench_new(void) { return 7; }"]
      let added = try Workbench.adding(more + ["EXPORT_SYMBOL_GPL(patchbench_new);"], to: path, in: tree)
      try await compare(bench, [path], added, changesCode: true)

      let text = try String(contentsOfFile: tree.pushing(FilePath(path)).string, encoding: .utf8)
      let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
      let number = try #require(lines.firstIndex { $0.hasPrefix("EXPORT_SYMBOL_NS_GPL(dma_buf_mmap,") })
      let removed = """
        diff --git a/\(path) b/\(path)
        --- a/\(path)
        +++ b/\(path)
        @@ -\(number),3 +\(number),2 @@
         \(lines[number - 1])
        -\(lines[number])
         \(lines[number + 1])

        """
      try await compare(bench, [path], removed, changesCode: true)
    }

    private func compare(_ bench: Workbench, _ paths: [String], _ change: String, changesCode: Bool) async throws {
      let base = try await bench.base()
      let diff = try bench.scratch.write("1.diff", change)
      let series = PatchSeries(
        name: "s", patches: [Patch(subject: "s", author: "a", file: "1.diff", paths: paths)])
      let cage = try await Cage.find(.build(jobs: 2, machine: 8 << 30))
      let method = try await bench.cache.withScratch { try await SeriesTree.method(scratch: $0, cage: cage) }
      let replayed = try await bench.cache.withScratch { scratch in
        let tree = try await SeriesTree.make(base, method: method, cage: cage, scratch: scratch)
        #expect(try await tree.apply(series, diffs: [diff]) == nil)
        let built = try await tree.build(series, jobs: 2, log: bench.scratch.path.appending("r.log")) { _ in }
        #expect(built.failure == nil)
        #expect(built.work.method == .replay)
        #expect(built.work.objects >= paths.count)
        return (image: try await Digest.of(file: built.image), objects: built.work.objects)
      }
      let made = try await bench.cache.withScratch { scratch in
        let tree = try await SeriesTree.make(base, method: method, cage: cage, scratch: scratch)
        #expect(try await tree.apply(series, diffs: [diff]) == nil)
        let built = try await tree.make(series, jobs: 2, log: bench.scratch.path.appending("m.log"))
        #expect(built.failure == nil)
        return (image: try await Digest.of(file: built.image), objects: built.work.objects)
      }
      #expect(replayed.image == made.image)
      // A declaration alone does not change the image, even if an object was forgotten. So compare the objects too.
      #expect(replayed.objects == made.objects)
      #expect((replayed.image != (try await Digest.of(file: base.image))) == changesCode)
    }

    @Test func whatIsNotBuiltIsTheBasesImage() async throws {
      let bench = try Workbench()
      let base = try await bench.base()
      #expect(
        try base.reach(of: ["Documentation/driver-api/dma-buf.rst", "drivers/net/ethernet/intel/e1000e/netdev.c"])
          == .nothing)
      // A generator also includes the most widely used header.
      guard case .tree(_, let objects) = try base.reach(of: ["include/linux/mm.h"]) else {
        Issue.record("mm.h is read by asm-offsets.s")
        return
      }
      #expect(objects > 300)
    }
  }
}
