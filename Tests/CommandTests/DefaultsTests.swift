// SPDX-License-Identifier: Apache-2.0

import SystemPackage
import TestSupport
import Testing

@testable import patchbench

@Suite("Defaults of options") struct DefaultsTests {
  private let scratch = try! Scratch()

  private func defaults(user: String? = nil, project: String? = nil) throws -> Defaults {
    if let user { try scratch.write("home/.config/patchbench/config.yaml", user) }
    try scratch.write("project/README", "")
    if let project { try scratch.write("project/.patchbench.yaml", project) }
    return Defaults(
      environment: ["HOME": scratch.path.appending("home").string], directory: scratch.path.appending("project"))
  }

  @Test("without files, defaults are built in")
  func builtIn() throws {
    let defaults = try defaults()
    #expect(defaults.failure == nil)
    #expect(defaults.kernel.value == "linux-6.12")
    #expect(defaults.lines.allSatisfy { $0.origin == "built in" })
  }

  @Test("the project's file wins over the user's, key by key, and each value names its origin")
  func layers() throws {
    let defaults = try defaults(user: "kernel: linux-6.1\njobs: 3\n", project: "kernel: linux-7.3\noutput: runs\n")
    #expect(defaults.failure == nil)
    #expect(defaults.kernel.value == "linux-7.3")
    #expect(defaults.kernel.origin?.hasSuffix("project/.patchbench.yaml") == true)
    #expect(defaults.jobs?.value == 3)
    #expect(defaults.jobs?.origin?.hasSuffix("config.yaml") == true)
    #expect(defaults.results == "runs")
    #expect(defaults.profile.origin == nil)
  }

  @Test(
    "a mistake is reported with its line",
    arguments: [
      ("kernel: linux-6.1\nkernal: x\n", ":2: unknown key “kernal”; known keys: kernel, profile, jobs, output"),
      ("jobs: many\n", ":1: “jobs” must be a number of at least 1"), ("jobs: 0\n", ":1: “jobs” must be a number"),
      ("- kernel\n", ":1: must be a mapping"), ("kernel:\n", ":1: “kernel” needs a value"),
      ("kernel: [a]\n", ":1: “kernel” needs a value"), ("a: b: c\n", ":1: not YAML"),
    ]) func mistakes(_ text: String, _ words: String) throws
  {
    let failure = try #require(try defaults(project: text).failure)
    #expect(failure.message.contains(".patchbench.yaml" + words))
    #expect(failure.status == 2)
  }

  @Test("a file with only comments changes nothing")
  func empty() throws {
    #expect(try defaults(project: "# nothing yet\n").failure == nil)
  }
}
