// SPDX-License-Identifier: Apache-2.0

public import KernelBuild
public import SystemPackage

extension SuiteDefinition {
  /// A suite whose guests are scripted.
  /// - Parameter home: the directory of the checkout.
  public static func scripted(in home: FilePath) -> SuiteDefinition {
    SuiteDefinition(
      name: "scripted", binary: "patchbench-guest", modules: home.pushing("GuestTests/Driver"), fragments: [],
      devices: [], paths: [])
  }
}
