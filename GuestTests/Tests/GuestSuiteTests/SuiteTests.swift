// SPDX-License-Identifier: Apache-2.0

import GuestProtocol
import Testing

@testable import GuestSuite

@Suite("The plan")
struct SuiteTests {
  @Test("names are unique")
  func unique() {
    let names = Suite.tests.map(\.name)
    #expect(Set(names).count == names.count)
  }

  @Test("a name is a path of two to four parts that needs no quoting on the command line or in KTAP")
  func wellFormed() {
    for name in Suite.tests.map(\.name) {
      #expect(name.wholeMatch(of: /[a-z0-9_.-]+(\/[a-z0-9_.-]+){1,3}/) != nil, "\(name)")
    }
  }

  @Test("every test answers a question of one line")
  func questions() {
    for test in Suite.tests {
      #expect(test.question.hasSuffix("?"), "\(test.name)")
      #expect(!test.question.contains { $0 == "\n" || $0 == "\t" }, "\(test.name)")
    }
  }

  @Test("tests that unbind a device come last")
  func unbindingLast() throws {
    let names = Suite.tests.map(\.name)
    let first = try #require(names.firstIndex { $0.hasSuffix("/unbind") })
    #expect(names[first...].allSatisfy { $0.hasSuffix("/unbind") })
    #expect(names[first...].count == 5)
  }

  @Test("no device imports from itself in a pair")
  func pairs() {
    #expect(Suite.pairs.count == 15)
    #expect(Suite.pairs.allSatisfy { $0.exporter.name != $0.importer })
  }

  @Test("every order of some elements, each once")
  func orders() {
    #expect(permutations(of: [1]) == [[1]])
    #expect(permutations(of: [1, 2, 3]).first == [1, 2, 3])
    #expect(Set(permutations(of: [1, 2, 3, 4])).count == 24)
  }

  @Test("everything is planned unless tests are requested")
  func everything() {
    #expect(Suite.plan(only: []) == Suite.tests.map(\.name))
  }

  @Test("a replacement guest plans what follows the test that ended the previous one")
  func after() {
    let names = Suite.tests.map(\.name)
    #expect(Suite.plan(only: [], after: names[3]) == Array(names[4...]))
    #expect(Suite.plan(only: [names[5], names[2]], after: names[5]) == [names[2]])
    #expect(Suite.plan(only: [], after: names.last) == [])
    #expect(Suite.plan(only: [], after: "no/such") == names)
  }

  @Test("requested tests are planned once, in the requested order, and unknown names are kept")
  func only() {
    let options = GuestOptions(
      commandLine: "quiet patchbench.only=no/such,forward/vgem-to-vkms/vm-file,selfcheck/guest/fault-counter,no/such\n")
    #expect(
      Suite.plan(only: options.only) == ["no/such", "forward/vgem-to-vkms/vm-file", "selfcheck/guest/fault-counter"])
  }

  @Test("the list names each test with its question")
  func listing() {
    let lines = Suite.listing.split(separator: "\n")
    #expect(lines.count == Suite.tests.count)
    #expect(lines.allSatisfy { $0.split(separator: "\t").count == 2 })
  }

  @Test(
    "arguments",
    arguments: [
      (["x"], Int32(1), GuestCommand.initProcess), (["x", "--list"], 1, .initProcess), (["x", "--list"], 2, .list),
      (["x", "--run"], 2, .run([])), (["x", "--run", "a/b", "c/d"], 2, .run(["a/b", "c/d"])),
      (["x", "--run"], 1, .initProcess), (["x"], 2, .usage), (["x", "--test"], 2, .usage),
      (["x", "--list", "a"], 2, .usage),
    ])
  func arguments(words: [String], pid: Int32, command: GuestCommand) {
    #expect(GuestCommand(arguments: words, pid: pid) == command)
  }
}
