// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Bench
import BenchModel
import Foundation
import KernelBuild
import SystemPackage
import TestBench
import TestSupport
import Testing

@testable import patchbench

@Suite("--kernel and --base") struct NamedKernelsTests {
  private let scratch = try! Scratch()
  private let checkout: Checkout

  init() throws {
    checkout = Checkout(home: scratch.path, version: "test", suite: .scripted(in: scratch.path))
    let profiles = "profiles: {p: {fragments: []}}\n"
    for name in ["linux-6.12", "linux-6.1"] {
      try scratch.write("Kernels/\(name)/kernel.yaml", "source: {debian: linux-source-6.12}\n\(profiles)")
    }
    try scratch.write("Kernels/mine/kernel.yaml", "source: {git: {repository: /src, revision: main}}\n\(profiles)")
    try FileManager.default.createSymbolicLink(
      atPath: scratch.path.pushing("Kernels/debian-6.12").string, withDestinationPath: "linux-6.12")
  }

  private func named(_ kernels: [String], _ base: String?, config: String? = nil) throws -> NamedKernels? {
    if let config { try scratch.write("project/.patchbench.yaml", config) }
    let defaults = Defaults(environment: [:], directory: scratch.path.appending("project"))
    return try NamedKernels(kernels, base: base, defaults: defaults, in: checkout)
  }

  @Test("nothing is named, so the base is chosen") func nothing() throws {
    #expect(try named([], nil) == nil)
  }

  @Test("a path is a tree, and its revision is taken") func tree() async throws {
    let tree = scratch.path.appending("linux")
    try scratch.write("linux/Kconfig", "")
    try scratch.write("linux/.git/HEAD", "")
    let named = try #require(try named([tree.string], "v6.12"))
    #expect(named.kernels.map(\.name) == [tree.string])
    #expect(named.kernels[0].source == .git(repository: tree.string, revision: "v6.12"))
    #expect(named.choice == BaseChoice(reason: .named, revision: "v6.12"))
    #expect(throws: DefinitionError.self) { try self.named([scratch.path.appending("nothing").string], nil) }
  }

  @Test(
    "--tree names the base alone",
    arguments: [
      ["--tree", "/x", "--kernel", "linux-6.12"], ["--tree", "/x", "--base", "linux-6.12"], ["--revision", "v6.12"],
    ])
  func treeAlone(words: [String]) {
    #expect(throws: (any Error).self) { try RunCommand.parse(["series"] + words) }
  }

  struct Options: Sendable {
    var kernels: [String]
    var base: String?
    var found: [String]
    var revision: String?
  }

  @Test(
    "--base is a kernel, or a revision of one",
    arguments: [
      Options(kernels: ["linux-6.1"], found: ["linux-6.1"]),
      Options(kernels: ["linux-6.12", "linux-6.1"], found: ["linux-6.12", "linux-6.1"]),
      Options(kernels: [], base: "linux-6.1", found: ["linux-6.1"]),
      Options(kernels: ["linux-6.12"], base: "debian-6.12", found: ["linux-6.12"]),
      Options(kernels: ["mine"], base: "v6.12-rc3", found: ["mine"], revision: "v6.12-rc3"),
    ])
  func names(_ options: Options) throws {
    let named = try #require(try named(options.kernels, options.base))
    #expect(named.kernels.map(\.name) == options.found)
    #expect(named.choice == BaseChoice(reason: .named, revision: options.revision))
    if let revision = options.revision {
      #expect(named.kernels[0].source == .git(repository: "/src", revision: revision))
    }
  }

  @Test("a configuration file names the kernel") func configured() throws {
    let named = try #require(try named([], nil, config: "kernel: mine\n"))
    #expect(named.kernels.map(\.name) == ["mine"])
    #expect(named.choice.reason == .configured)
    // The options win, and a revision is one of the configured kernel.
    #expect(try self.named(["linux-6.1"], nil)?.kernels.map(\.name) == ["linux-6.1"])
    #expect(try self.named([], "v1")?.kernels.map(\.source) == [.git(repository: "/src", revision: "v1")])
  }

  @Test("options that contradict each other are refused") func contradictions() throws {
    #expect(throws: ValidationError.self) { try named(["linux-6.12"], "linux-6.1") }
    #expect(throws: ValidationError.self) { try named(["linux-6.12", "linux-6.1"], "linux-6.1") }
    #expect(throws: ValidationError.self) { try named(["mine", "linux-6.1"], "v1") }
  }

  @Test("a revision of a Debian kernel is refused, and a kernel that has revisions is named") func debian() throws {
    for kernels in [[], ["linux-6.12"]] {
      let error = #expect(throws: DefinitionError.self) { try named(kernels, "v6.12-rc3") }
      #expect(error == .noRepository(kernel: "linux-6.12", revision: "v6.12-rc3", others: ["mine"]))
    }
    #expect(throws: DefinitionError.self) { try named(["linux-7"], nil) }
  }
}
