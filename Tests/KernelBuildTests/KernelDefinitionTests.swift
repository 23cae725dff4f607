// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import KernelBuild
import SystemPackage
import TestSupport
import Testing

@Suite struct KernelDefinitionTests {
  static let profiles = "profiles: {kasan: {fragments: [../fragments/a.config, own.config], image: bzImage}}"

  @Test func sourcesOfEachKind() throws {
    let scratch = try Scratch()
    let home = scratch.path.string
    let rows: [(String, KernelDefinition.Source)] = [
      ("debian: linux-source-6.12", .debian(package: "linux-source-6.12")),
      (
        "debian: {package: linux-source-7.3, suite: trixie-backports}",
        .debian(package: "linux-source-7.3", suite: "trixie-backports")
      ),
      ("tree: ../../linux", .tree(scratch.path.removingLastComponent().appending("linux"))),
      ("tree: /src/linux", .tree("/src/linux")),
      ("git: {repository: ../linux.git, revision: v6.12}", .git(repository: "\(home)/linux.git", revision: "v6.12")),
      (
        "git: {repository: 'https://git.example.org/linux', revision: abc}",
        .git(repository: "https://git.example.org/linux", revision: "abc")
      ),
    ]
    for (yaml, source) in rows {
      try scratch.write("k/kernel.yaml", "source: {\(yaml)}\n\(Self.profiles)\n")
      #expect(try KernelDefinition.load("k", from: scratch.path).source == source)
    }
  }

  @Test func aLinkIsAnotherNameForAKernel() throws {
    let scratch = try Scratch()
    try scratch.write("linux-1/kernel.yaml", "source: {debian: linux-source-6.12}\n\(Self.profiles)\n")
    try FileManager.default.createSymbolicLink(
      atPath: scratch.path.appending("other-1").string, withDestinationPath: "linux-1")
    let loaded = try KernelDefinition.load("other-1", from: scratch.path)
    #expect(try loaded == KernelDefinition.load("linux-1", from: scratch.path))
    #expect(loaded.name == "linux-1")
    #expect(KernelDefinition.names(in: scratch.path) == ["linux-1", "other-1"])
  }

  @Test func fragmentsAreRelativeToTheFile() throws {
    let scratch = try Scratch()
    try scratch.write("k/kernel.yaml", "source: {debian: linux-source-6.12}\n\(Self.profiles)\n")
    let profile = try KernelDefinition.load("k", from: scratch.path).profile("kasan")
    #expect(
      profile.fragments
        == [scratch.path.pushing("fragments/a.config"), scratch.path.pushing("k/own.config")])
    #expect(profile.image == .bzImage)
    #expect(profile.imagePath == "arch/x86/boot/bzImage")
  }

  @Test func knownReportsAndClocksAreRead() throws {
    let scratch = try Scratch()
    try scratch.write(
      "k/kernel.yaml",
      """
      source: {debian: linux-source-6.12}
      profiles: {kasan: {fragments: [], clocks: {boot: 20, test: 60}}}
      knownReports:
        - {report: 'WARNING in f', reason: mended in 6.13, link: 'https://example.org/1', expires: 2027-01-31}
      """)
    let kernel = try KernelDefinition.load("k", from: scratch.path)
    #expect(try kernel.profile("kasan").clocks == KernelDefinition.Clocks(boot: 20, test: 60))
    let known = try #require(kernel.knownReports.first)
    #expect(known.report.matches("WARNING in f"))
    #expect(known.expires == Date(timeIntervalSince1970: 1_801_353_600))
  }

  @Test(
    "a known report without its reason, link or expiry date is rejected",
    arguments: [
      "{report: 'W', link: 'https://e.org', expires: '2027-01-31'}",
      "{report: 'W', reason: r, expires: '2027-01-31'}", "{report: 'W', reason: r, link: there, expires: '2027-01-31'}",
      "{report: 'W', reason: r, link: 'https://e.org'}",
      "{report: 'W', reason: r, link: 'https://e.org', expires: soon}",
      "{report: '*', reason: r, link: 'https://e.org', expires: '2027-01-31'}",
    ])
  func unfoundedKnownReports(entry: String) throws {
    let scratch = try Scratch()
    try scratch.write(
      "k/kernel.yaml", "source: {debian: linux-source-6.12}\n\(Self.profiles)\nknownReports: [\(entry)]\n")
    #expect(throws: DefinitionError.self) { try KernelDefinition.load("k", from: scratch.path) }
  }

  @Test(arguments: [
    "", "source: {}\nprofiles: {}", "source: {debian: linux-source-6.12}\nprofiles: {}",
    "source: {debian: linux-source-6.12, tree: /x}\n\(profiles)", "source: {debian: ../../etc/passwd}\n\(profiles)",
    "source: {debian: bash}\n\(profiles)", "source: [\n",
  ])
  func unusableFilesAreRefusedByName(_ yaml: String) throws {
    let scratch = try Scratch()
    try scratch.write("k/kernel.yaml", yaml)
    let error = #expect(throws: DefinitionError.self) { try KernelDefinition.load("k", from: scratch.path) }
    guard case .unusable(let file, _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(file.hasSuffix("k/kernel.yaml"))
  }

  @Test func unknownNamesSayWhichThereAre() throws {
    let scratch = try Scratch()
    #expect(throws: DefinitionError.noKernels(directory: scratch.path.string)) {
      try KernelDefinition.load("k", from: scratch.path)
    }
    try scratch.write("k/kernel.yaml", "source: {debian: linux-source-6.12}\n\(Self.profiles)\n")
    #expect(throws: DefinitionError.noSuchKernel("m", known: ["k"])) {
      try KernelDefinition.load("m", from: scratch.path)
    }
    #expect(throws: DefinitionError.noSuchProfile("kcsan", kernel: "k", known: ["kasan"])) {
      try KernelDefinition.load("k", from: scratch.path).profile("kcsan")
    }
    // A name is not a path.
    #expect(throws: DefinitionError.noSuchKernel("../k", known: ["k"])) {
      try KernelDefinition.load("../k", from: scratch.path)
    }
  }
}
