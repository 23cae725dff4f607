// SPDX-License-Identifier: Apache-2.0

public import KernelBuild

/// Which accelerator the user wants.
public enum AcceleratorChoice: String, Codable, Sendable, CaseIterable {
  /// KVM if a probe boot shows that it works, else TCG.
  case auto
  case kvm
  case tcg
}

/// Which kernel is tested, and what runs its guests.
public struct RunTarget: Sendable {
  public var kernel: KernelDefinition
  public var profile: KernelDefinition.Profile
  /// A libvirt URI; `nil` is the embedded driver.
  public var connection: String?
  public var accelerator: AcceleratorChoice

  public init(
    kernel: KernelDefinition, profile: KernelDefinition.Profile, connection: String?, accelerator: AcceleratorChoice
  ) {
    self.kernel = kernel
    self.profile = profile
    self.connection = connection
    self.accelerator = accelerator
  }
}
