// SPDX-License-Identifier: Apache-2.0

import BenchModel
import KernelBuild
import Testing

@testable import Bench

@Suite("After which patches of a series tests run")
struct PatchPlanTests {
  private func series(_ paths: [String]) -> PatchSeries {
    PatchSeries(
      name: "s",
      patches: paths.enumerated().map { Patch(subject: "\($0)", author: "", file: "\($0).patch", paths: [$1]) })
  }

  /// `known.c` and `other.c` are compiled, `Makefile` is kbuild's, `hot.h` reaches many objects, nothing else is read.
  private func plan(_ paths: [String], isWhole: Bool = false) -> PatchPlan {
    PatchPlan(series(paths), isWhole: isWhole, known: ["known.c"]) { paths in
      if paths.contains("Makefile") { return .tree("a makefile", objects: 0) }
      let objects = paths.filter { $0.hasSuffix(".c") } + (paths.contains("hot.h") ? (0..<99).map { "\($0)" } : [])
      return objects.isEmpty ? .nothing : .objects(objects.sorted(), archives: [])
    }
  }

  @Test("the last patch is the whole, and patches that change nothing compiled are none")
  func all() {
    let plan = plan(["known.c", "doc.rst", "other.c", "hot.h", "cold.h", "known.c", "doc.rst"], isWhole: true)
    #expect(plan.patches == [1, 3, 4, 5, 6])
    #expect(plan.tried == [1, 3, 4, 5])
    #expect(plan.dear.isEmpty && plan.left.isEmpty)
    let steps = plan.steps(of: 7, [1: .ran(tests: 9), 3: .sameCode, 4: .fault("x"), 5: .failed("does not boot")])
    #expect(
      steps.map(\.outcome) == [
        .ran(tests: 9), .unchanged, .sameCode, .fault("x"), .failed("does not boot"), .asWhole,
      ])
    #expect(steps.map(\.number) == Array(1...6))
  }

  @Test("by default, only cheap patches are tried, of which something is known")
  func few() {
    let plan = plan(["known.c", "other.c", "Makefile", "known.c", "known.c"])
    #expect(plan.patches == [1, 2, 3, 4, 5])
    #expect(plan.tried == [1])
    // After the makefile's patch, all others are kbuild's too.
    #expect(plan.dear == [4])
    #expect(plan.left.keys.sorted() == [2, 3, 4])
    #expect(plan.left[2] == PatchPlan.unknown)
    #expect(self.plan(["hot.h", "known.c"]).left == [1: "it takes 99 objects"])
  }

  @Test("a long series is tried at six places")
  func long() {
    let plan = plan(Array(repeating: "known.c", count: 20))
    #expect(plan.tried == [2, 5, 8, 12, 15, 18])
    #expect(plan.tried.count + plan.left.count == 19)
    #expect(plan.dear.isEmpty)
    for count in 2...7 {
      #expect(self.plan(Array(repeating: "known.c", count: count)).tried == Array(1..<count))
    }
  }

  @Test("a series without code has nothing to try")
  func nothing() {
    for isWhole in [false, true] {
      #expect(plan(["doc.rst", "doc.rst"], isWhole: isWhole).patches == [])
      #expect(plan(["doc.rst", "known.c"], isWhole: isWhole).tried == [])
    }
  }
}
