// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import KernelBuild
import SystemPackage
import TestSupport
import Testing

@Suite struct ProfileTests {
  private static let head = "source: {debian: linux-source-6.12}\nprofiles:\n  kasan: {fragments: [a.config]}\n"

  private func load(_ rest: String) throws -> KernelDefinition {
    let scratch = try Scratch()
    try scratch.write("k/kernel.yaml", Self.head + rest)
    return try KernelDefinition.load("k", from: scratch.path)
  }

  static let toolchains: [(String, Toolchain, compiler: String, make: [String])] = [
    ("{architecture: i386}", Toolchain(architecture: "i386"), "gcc", ["ARCH=i386"]),
    (
      "{architecture: riscv, prefix: riscv64-linux-gnu-, packages: [gcc-riscv64-linux-gnu]}",
      Toolchain(architecture: "riscv", prefix: "riscv64-linux-gnu-", packages: ["gcc-riscv64-linux-gnu"]),
      "riscv64-linux-gnu-gcc", ["ARCH=riscv", "CROSS_COMPILE=riscv64-linux-gnu-"]
    ),
    ("{llvm: 19, packages: [clang-19]}", Toolchain(llvm: 19, packages: ["clang-19"]), "clang-19", ["LLVM=-19"]),
  ]

  @Test(arguments: toolchains.indices) func whatAProfileIsCompiledWith(_ index: Int) throws {
    let (yaml, toolchain, compiler, make) = Self.toolchains[index]
    let profile = try load("  p: {fragments: [], extent: build, toolchain: \(yaml)}\n").profile("p")
    #expect(profile.toolchain == toolchain)
    #expect(toolchain.compiler == compiler)
    #expect(toolchain.makeVariables == make)
    #expect(try load("").profile("kasan").toolchain == .host)
  }

  @Test func allModulesAreTargetsBesideTheImage() throws {
    let profile = try load("  p: {fragments: [], extent: build, image: modules}\n").profile("p")
    #expect(profile.image == .modules)
    #expect(profile.imagePath == "vmlinux")
  }

  @Test func whatIsBootedIsTheArchitectures() throws {
    let arm = try load("  p: {fragments: [], toolchain: {architecture: arm64, prefix: aarch64-linux-gnu-}}\n")
      .profile("p")
    #expect(arm.architecture == .arm64)
    #expect(arm.imagePath == "arch/arm64/boot/Image")
    #expect(arm.toolchain.target == "aarch64")
    #expect(arm.toolchain.sourceDirectory == "arm64")
    #expect(arm.toolchain.binutil("objdump") == "aarch64-linux-gnu-objdump")
    #expect(try load("").profile("kasan").architecture == .host)
  }

  static let named: [(String, Architecture?)] = [
    ("x86_64", .x86), ("arm64", .arm64), ("aarch64", .arm64), ("i386", nil), ("riscv", nil), ("", nil),
  ]

  @Test(arguments: named.indices) func anArchitectureIsKnownByBothNames(_ index: Int) {
    #expect(Architecture.named(Self.named[index].0) == Self.named[index].1)
  }

  @Test func aProfileNamesChecks() throws {
    let profile = try load("  p: {fragments: [], extent: build, checks: [sparse, W=1]}\n").profile("p")
    #expect(profile.checks.map(\.name) == ["W=1", "sparse"])
    #expect(try load("").profile("kasan").checks == [])
  }

  @Test func aGroupNamesProfiles() throws {
    let kernel = try load("  b: {fragments: [], extent: build}\ngroups: {full: [b, kasan]}\n")
    #expect(try kernel.group("full") == ["b", "kasan"])
    #expect(try kernel.group("all") == ["b", "kasan"])
    #expect(throws: DefinitionError.noSuchGroup("fast", kernel: "k", known: ["all", "full"])) {
      try kernel.group("fast")
    }
  }

  @Test(arguments: [
    ("  p: {fragments: [], toolchain: {architecture: arm}}", "no guest here runs arm; only a profile with"),
    ("  p: {fragments: [], toolchain: {llvm: 19}}", "only a profile with `extent: build` can have llvm"),
    (
      "  p: {fragments: [], image: vmlinux, toolchain: {architecture: arm64}}", "image: an aarch64 guest boots Image"
    ),
    ("  p: {fragments: [], image: Image}", "guest boots "),
    ("  p: {fragments: [], image: modules}", "only a profile with `extent: build` can have modules"),
    (
      "  p: {fragments: [], extent: build, toolchain: {prefix: 'x; rm -rf /'}}",
      "“x; rm -rf /” is not a name of letters, digits and -.+"
    ),
    (
      "  p: {fragments: [], checks: [smatch]}",
      "checks: there is no “smatch”; there are: W=1, sparse, coccinelle, checkpatch"
    ), ("groups: {full: [kasan, tsan]}", "groups: full: there is no profile “tsan”"),
  ]) func whatCannotBeIsRefused(_ yaml: String, _ words: String) throws {
    let error = #expect(throws: DefinitionError.self) { try load(yaml + "\n") }
    #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
  }

  /// Only what is booted runs the suite's tests.
  @Test func aSuiteConfiguresWhatIsBooted() throws {
    let kernel = try load("  b: {fragments: [own.config], extent: build}\n")
    let scratch = try Scratch()
    try scratch.write(
      "s/suite.yaml", "binary: guest\nmodules: ../Driver\nfragments: [b.config]\ndevices: []\npaths: ['mm/*']\n")
    let suite = try SuiteDefinition.load("s", from: scratch.path)
    let configured = kernel.configured(for: suite)
    #expect(try configured.profile("b").fragments == kernel.profile("b").fragments)
    #expect(try configured.profile("kasan").fragments.count > 1)
  }
}
