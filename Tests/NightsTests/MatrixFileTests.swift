// SPDX-License-Identifier: Apache-2.0

import History
import Testing

@testable import Nights

@Suite struct MatrixFileTests {
  private let whole = """
    owner: A Maintainer <a@example.org>
    budget: 1h30m
    keep: {evidence: 30d, size: 20G, rows: 2y}
    groups:
      quick: {kernels: linux-6.12, profiles: kasan}
      full:
        kernels: [linux-6.12, linux-6.1]
        profiles: [kasan, modules]
    series:
      - from: Patches/candidates
        groups: full
        priority: 10
      - archive: ~/archive/0.git
        days: 3
        groups: [quick]
        owner: b@example.org
    """

  @Test func everyKeyIsRead() throws {
    let matrix = try MatrixFile(yaml: whole, file: "m.yaml")
    #expect(matrix.owner == "A Maintainer <a@example.org>")
    #expect(matrix.budget == 5400)
    #expect(matrix.keep == KeepLimits(evidence: 30 * 86_400, size: 20 << 30, rows: 730 * 86_400))
    #expect(matrix.groups["quick"]?.kernels == ["linux-6.12"])
    #expect(matrix.groups["full"]?.profiles == ["kasan", "modules"])
    #expect(matrix.entries.map(\.source) == [.arguments(["Patches/candidates"]), .archive("~/archive/0.git", days: 3)])
    #expect(matrix.entries.map(\.groups) == [["full"], ["quick"]])
    #expect(matrix.entries.map(\.priority) == [10, 0])
    #expect(matrix.entries.map(\.owner) == [nil, "b@example.org"])
    #expect(matrix.entries.map(\.line) == [10, 13])
  }

  @Test(
    "what is wrong is told with its line",
    arguments: [
      ("budget: 1h30m", "budget: soon", 2, "“budget” must be a time"),
      ("budget: 1h30m", "budge: 1h", 2, "unknown key “budge”"),
      ("kernels: linux-6.12, ", "", 5, "needs “kernels”"),
      ("groups: full", "groups: fool", 11, "there is no group “fool”; groups: full, quick"),
      ("priority: 10", "priority: high", 12, "“priority” must be a whole number"),
      ("days: 3", "days: 0", 14, "“days” must be a whole number of at least 1"),
      ("from: Patches/candidates", "days: 2", 10, "needs either"),
      ("priority: 10", "days: 2", 12, "“days” goes with “archive”"),
      ("owner: b@example.org", "owner: \"b@example.org\\nBcc: all@example.org\"", 16, "“owner” must be an address"),
      ("owner: b@example.org", "owner: nobody", 16, "“owner” must be an address"),
      ("    quick: {", "    quick: {{", 6, "not YAML"),
      ("profiles: kasan}", "profile: kasan}", 5, "unknown key “profile”"),
      ("evidence: 30d", "evidence: 30", 3, "“evidence” must be an age such as 30d"),
      ("size: 20G", "size: 20 G", 3, "“size” must be a size such as 500M"),
      ("rows: 2y", "row: 2y", 3, "unknown key “row”"),
      ("{evidence: 30d, size: 20G, rows: 2y}", "{}", 3, "“keep” needs"),
    ])
  func wrong(_ text: String, _ other: String, _ line: Int, _ words: String) {
    let yaml = whole.replacing(text.trimmingPrefix("    "), with: other.trimmingPrefix("    "), maxReplacements: 1)
    #expect(yaml != whole)
    do {
      _ = try MatrixFile(yaml: yaml, file: "m.yaml")
      Issue.record("read")
    } catch {
      #expect(error.line == line, "\(error)")
      #expect(error.reason.contains(words), "\(error)")
    }
  }

  @Test(arguments: [
    "", "series: []", "groups: {}\nseries: [{from: x, groups: y}]", "groups: {q: {kernels: k, profiles: p}}",
  ])
  func whatSaysNothingIsWrong(_ yaml: String) {
    #expect(throws: MatrixFileError.self) { try MatrixFile(yaml: yaml, file: "m.yaml") }
  }
}

@Suite struct NightPlanTests {
  private func item(_ series: String, _ priority: Int, _ seconds: Double, kernel: String = "k") -> NightPlan.Item {
    NightPlan.Item(series: series, kernel: kernel, profile: "p", priority: priority, seconds: seconds)
  }

  @Test("the most important first, what fits, and always what is kept")
  func budget() {
    let items = [item("a", 0, 100), item("b", 5, 300), item("c", 0, 0), item("d", 5, 100), item("e", 0, 900)]
    let plan = NightPlan(items, budget: 250, jobs: 2)
    #expect(plan.tonight.map(\.series) == ["b", "d", "a", "c"])
    #expect(plan.left.map(\.series) == ["e"])
    #expect(plan.seconds == 250)
    #expect(NightPlan(items, budget: nil, jobs: 1).left.isEmpty)
    #expect(NightPlan(items, budget: 0, jobs: 1).tonight.map(\.series) == ["c"])
  }

  @Test("a base that must be built counts once, with the first series that needs it")
  func bases() {
    let items = [item("a", 0, 10), item("b", 0, 10), item("a", 0, 10, kernel: "l"), item("c", 0, 0, kernel: "m")]
    let plan = NightPlan(items, bases: ["k/p": 100, "l/p": 100, "m/p": 100], budget: 130, jobs: 1)
    #expect(plan.tonight.map(\.series) == ["a", "b", "c"])
    #expect(plan.left.map(\.kernel) == ["l"])
    #expect(plan.seconds == 120)
  }
}
