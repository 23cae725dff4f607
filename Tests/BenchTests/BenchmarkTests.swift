// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage
import TestSupport
import Testing
import Toolbox

@testable import Benchmarks

@Suite struct BenchmarkTests {
  @Test func theMiddleIsTheMedian() {
    #expect(Spread([]) == nil)
    #expect(Spread([3, 1, 2])?.median == 2)
    #expect(Spread([4, 1, 2, 3])?.median == 2.5)
    #expect(Spread([4, 1, 2, 3])?.minimum == 1)
    #expect(Spread([4, 1, 2, 3])?.maximum == 4)
  }

  @Test func theTableNamesWhatWasNotMeasured() {
    var measured = Comparison(name: "a", ours: "o", theirs: "t", target: 0.8)
    measured.pairs = [Comparison.Pair(ours: 1, theirs: 2), Comparison.Pair(ours: 3, theirs: 4)]
    measured.figures = [Comparison.Figure("f", unit: "s", target: 1.5, [1.234, 12.34, 123.4])]
    var broken = Comparison(name: "b", ours: "o", theirs: "t", target: 0.2)
    broken.failure = "no vng in PATH"
    var slow = Comparison(name: "c", ours: "o", theirs: "t", target: 0.2)
    slow.pairs = [Comparison.Pair(ours: 1, theirs: 4)]
    let machine = BenchmarkReport.Machine(
      processors: 2, model: "m", memory: 1, system: "s", accelerator: "a", emulator: "e", toolchain: "t", source: "k",
      patchbench: "p", tests: 7, jobs: 2)
    let table = BenchmarkReport(machine: machine, comparisons: [measured, broken, slow]).table
    #expect(table.contains("| a | o | t | 2 | 0.50 | 0.63 | 0.75 | 0.80 | yes |"))
    #expect(table.contains("| b | o | t | 0 | – | – | – | 0.20 | not measured |"))
    #expect(table.contains("\nb did not complete: no vng in PATH\n"))
    #expect(table.contains("| c | o | t | 1 | 0.25 | 0.25 | 0.25 | 0.20 | no |"))
    #expect(table.contains("| a | f (s) | 3 | 1.23 | 12.3 | 123 | 1.50 | no |"))
    #expect(table.hasSuffix("k; patchbench p, 7 tests, 2 jobs"))
  }

  @Test func aMadeSeriesAppliesToItsFiles() async throws {
    let scratch = try Scratch()
    let lines = (1...9).map { "int line\($0);" }.joined(separator: "\n") + "\n"
    try scratch.write("tree/mm/util.c", lines)
    try scratch.write("tree/include/short.h", "int a;\n")
    let made = MadeSeries(tree: scratch.path.appending("tree"), directory: scratch.path.appending("series"))
    let series = try made.write("many/x", [("mm/util.c", 1), ("include/short.h", 2)])
    let patch = series.appending("0001-x.patch")
    _ = try await Git.tool(["apply", "--", patch.string], in: scratch.path.appending("tree")).output()
    let changed = try String(contentsOfFile: scratch.path.pushing("tree/mm/util.c").string, encoding: .utf8)
    #expect(changed.hasPrefix(lines))
    #expect(changed.contains("return value + 1;"))
    let header = try String(contentsOfFile: scratch.path.pushing("tree/include/short.h").string, encoding: .utf8)
    #expect(header.split(separator: "\n").count == 2)
  }
}
