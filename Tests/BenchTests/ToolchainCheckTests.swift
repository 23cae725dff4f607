// SPDX-License-Identifier: Apache-2.0

import BenchModel
import KernelBuild
import SystemPackage
import Testing

@testable import Bench

@Suite("What profiles lack here")
struct ToolchainCheckTests {
  private static func profile(
    _ name: String, _ extent: Cell.Extent, _ toolchain: Toolchain
  ) -> KernelDefinition.Profile {
    KernelDefinition.Profile(
      name: name, fragments: [], image: .image, clocks: KernelDefinition.Clocks(), extent: extent, toolchain: toolchain)
  }

  private static let kernel = KernelDefinition(
    name: "k", source: .tree("/k"),
    profiles: [
      "own": profile("own", .boot, .host),
      "arm": profile("arm", .boot, Toolchain(architecture: "arm64", prefix: "arm-", packages: ["gcc-arm"])),
      "riscv": profile("riscv", .build, Toolchain(architecture: "riscv", prefix: "riscv-", packages: ["gcc-riscv"])),
    ])

  static let rows: [(has: [String], binary: Bool, arm: String?, riscv: String?)] = [
    (["arm-gcc", "arm-ld", "riscv-gcc", "riscv-ld", "qemu-system-aarch64"], true, nil, nil),
    (["arm-gcc", "arm-ld"], true, "apt-get install qemu-system-arm", "apt-get install gcc-riscv"),
    (["arm-gcc", "qemu-system-aarch64", "riscv-gcc", "riscv-ld"], true, "apt-get install gcc-arm", nil),
    (
      ["arm-gcc", "arm-ld", "riscv-gcc", "riscv-ld", "qemu-system-aarch64"], false, "./setup.sh guest aarch64", nil
    ),
  ]

  @Test(arguments: rows.indices) func isToldWithTheRemedy(_ index: Int) {
    let row = Self.rows[index]
    let find = { (name: String) in row.has.contains(name) ? "/usr/bin/\(name)" : nil }
    let checks = Doctor.toolchains(Self.kernel, find: find, hasBinary: { _ in row.binary })
    #expect(checks.map(\.name) == ["profile arm", "profile riscv"])
    #expect(checks.map { $0.remedy?.words } == [row.arm, row.riscv])
    let states: [DoctorCheck.State] = [row.arm, row.riscv].map { $0 == nil ? .ok : .warning }
    #expect(checks.map(\.state) == states)
  }
}
