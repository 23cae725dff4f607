// SPDX-License-Identifier: Apache-2.0

public import BenchModel
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
  /// Why this kernel; `nil` if that is not worth telling. If it has a revision, so has the kernel.
  public var choice: BaseChoice?

  public init(
    kernel: KernelDefinition, profile: KernelDefinition.Profile, connection: String?, accelerator: AcceleratorChoice,
    choice: BaseChoice? = nil
  ) {
    self.kernel = kernel
    self.profile = profile
    self.connection = connection
    self.accelerator = accelerator
    self.choice = choice
  }
}
