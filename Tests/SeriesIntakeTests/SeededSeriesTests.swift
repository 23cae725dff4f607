// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import SeriesIntake
import SystemPackage
import TestSupport
import Testing

@Suite struct SeededSeriesTests {
  private let scratch: Scratch

  init() throws {
    scratch = try Scratch()
    for place in ["faults/one", "faults/two", "faults-6.1/two", "harmless/three"] {
      try scratch.write("\(place)/0001-x.patch", mail("[PATCH] \(place)"))
    }
    try scratch.write(
      "expect/one.yaml",
      "class: first\nkernels: [linux-6.12]\ncaught-by:\n  - test: \"a/*\"\n  - report: \"KASAN: *\"\n")
    try scratch.write("expect/two.yaml", "class: second\nkernels: [linux-6.12, linux-6.1]\ncaught-by: []\n")
    try scratch.write("expect/three.yaml", "class: harmless\nkernels: [linux-6.12, linux-6.1]\nverdict: clean\n")
  }

  @Test func eachKernelHasItsForms() throws {
    let newer = try SeededSeries.find(in: scratch.path, kernel: "linux-6.12")
    #expect(newer.map(\.source.name) == ["one", "three", "two"])
    #expect(newer[0].expectation.fault == "first")
    #expect(newer[0].expectation.answer == .caught(by: [.test("a/*"), .report("KASAN: *")]))
    #expect(newer[1].expectation.answer == .clean)
    #expect(newer[2].source.path == scratch.path.pushing("faults/two"))
    let older = try SeededSeries.find(in: scratch.path, kernel: "linux-6.1")
    #expect(
      older.map(\.source.path)
        == ["harmless/three", "faults-6.1/two"].map { scratch.path.pushing(FilePath($0)) })
    #expect(older[1].expectation.answer == .caught(by: []))
  }

  @Test(arguments: [
    "class: x\nkernels: [linux-6.12]\ncaught-by: [{test: a, report: b}]\n",
    "class: x\nkernels: [linux-6.12]\nverdict: fixes\n",
    "class: x\nkernels: [linux-6.12]\nverdict: clean\ncaught-by: []\n",
    "class: x\nkernels: [linux-6.12]\nverdict: clean\ntold-by: [a]\n",
    "class: x\nkernels: [linux-6.12]\ncaught-by: []\ntold-by: [a]\n",
    "class: x\nkernels: [linux-6.12]\ntold-by: []\n",
    "kernels: [linux-6.12]\n", "no yaml: [",
  ])
  func whatCannotBeReadIsRefused(_ text: String) throws {
    try scratch.write("expect/one.yaml", text)
    #expect(throws: IntakeError.self) { try SeededSeries.find(in: scratch.path, kernel: "linux-6.12") }
  }

  @Test func reasonsForSilenceAreReadIfThereAreAny() throws {
    #expect(try SeededSeries.silenceReasons(in: scratch.path) == [])
    try scratch.write("silent.yaml", "- test: \"a/*\"\n  why: because\n")
    #expect(try SeededSeries.silenceReasons(in: scratch.path) == [SilenceReason(test: "a/*", why: "because")])
    try scratch.write("silent.yaml", "- test: a\n")
    #expect(throws: IntakeError.self) { try SeededSeries.silenceReasons(in: scratch.path) }
  }

  @Test func anAnswerWithoutItsSeriesIsRefused() throws {
    try scratch.write("expect/four.yaml", "class: x\nkernels: [linux-6.12]\ncaught-by: []\n")
    #expect(throws: IntakeError.noSuchPath(scratch.path.pushing("faults/four").string)) {
      try SeededSeries.find(in: scratch.path, kernel: "linux-6.12")
    }
    #expect(throws: IntakeError.empty(scratch.path.string)) {
      try SeededSeries.find(in: scratch.path, kernel: "linux-7.0")
    }
  }
}
