// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import SystemPackage
import TestSupport
import Testing
import Toolbox

@testable import KernelBuild

extension BenchSerial {
  /// What checks say of a series, on a real kernel. Those that are not installed are left out.
  @Suite(.serialized) struct Checks {
    static let installed = SourceCheck.all.filter { Tool.path(of: $0.program) != nil }

    /// By check: what it says of ``bad``. It is the last of what is said of that file, whose base is not clean.
    static let expected = [
      "W=1": [
        "variable 'unused' set but not used [-Wunused-but-set-variable]",
        "Function parameter or struct member 'third' not described in 'dma_buf_checks'",
      ],
      "sparse": [
        "cast removes address space '__user' of expression",
        "symbol 'dma_buf_checks' was not declared. Should it be static?",
      ],
      "coccinelle": ["NULL check before some freeing functions is not needed."],
      "checkpatch": ["trailing whitespace [TRAILING_WHITESPACE]"],
    ]

    static let bad = [
      "/**", " * dma_buf_checks - does nothing", " * @first: is there", " * @second: is there", " */",
      "int dma_buf_checks(int first, unsigned int second, void __user *third)", "{", "\tint unused; ",
      "\tchar *name = (char *)third;", "", "\tunused = first;", "\tif (name)", "\t\tkfree(name);", "\treturn 0;", "}",
    ]

    @Test(arguments: installed) func whatACheckSays(_ check: SourceCheck) async throws {
      let path = "drivers/dma-buf/dma-buf.c"
      let tree = try await Workbench().base().tree
      let found = try await run(check, Workbench.adding(Self.bad, to: path, in: tree), path)
      let expected = try #require(Self.expected[check.name])
      #expect(found.map(\.message).filter(expected.contains) == expected, "\(found)")
      #expect(found.allSatisfy { $0.tool == check.name && $0.file == path && $0.patch == "1.diff" })
    }

    /// What is said of the base as well stays untold, wherever it has moved.
    @Test(arguments: installed) func nothingOfTheBase(_ check: SourceCheck) async throws {
      let path = "drivers/gpu/drm/drm_prime.c"
      let tree = try await Workbench().base().tree
      let lines = ["/* Nothing. */", "static inline int drm_prime_nothing(void)", "{", "\treturn 0;", "}"]
      #expect(try await run(check, Workbench.adding(lines, to: path, in: tree), path) == [])
    }

    private func run(_ check: SourceCheck, _ change: String, _ path: String) async throws -> [Diagnostic] {
      let bench = try Workbench()
      var base = try await bench.base()
      base.profile.checks = [check]
      let diff = try bench.scratch.write("1.diff", change)
      let series = PatchSeries(
        name: "s", patches: [Patch(subject: "s", author: "a", file: "1.diff", paths: [path])])
      let cage = try await Cage.find(.build(jobs: 2, machine: 8 << 30))
      let method = try await bench.cache.withScratch { try await SeriesTree.method(scratch: $0, cage: cage) }
      let fixed = base
      return try await bench.cache.withScratch { scratch in
        let tree = try await SeriesTree.make(fixed, method: method, cage: cage, scratch: scratch)
        #expect(try await tree.apply(series, diffs: [diff]) == nil)
        let built = try await tree.build(series, jobs: 2, log: bench.scratch.path.appending("b.log")) { _ in }
        #expect(built.failure == nil)
        return try await tree.checkWarnings(of: series, diffs: [diff], besides: [], jobs: 2, scratch: scratch) {
          bench.scratch.path.appending("check-\($0).log")
        }
      }
    }
  }
}
