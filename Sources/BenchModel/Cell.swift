// SPDX-License-Identifier: Apache-2.0

/// Where a trial runs. Two trials compare only within the same cell.
public struct Cell: Codable, Sendable, Hashable {
  /// How far a trial is taken.
  public enum Extent: String, Codable, Sendable, Hashable, CaseIterable {
    /// Built, booted, and tested.
    case boot
    /// Built only.
    case build
  }

  /// The name of a directory under `Kernels/`: `linux-6.12`.
  public var kernel: String
  /// The configuration: `kasan`.
  public var profile: String
  /// As `uname -m` prints it: `x86_64`.
  public var architecture: String
  /// The compiler's family: `gcc`.
  public var toolchain: String
  public var extent: Extent
  /// The virtual machine's type: `q35`.
  public var guest: String

  public init(
    kernel: String, profile: String, architecture: String, toolchain: String, extent: Extent, guest: String
  ) {
    self.kernel = kernel
    self.profile = profile
    self.architecture = architecture
    self.toolchain = toolchain
    self.extent = extent
    self.guest = guest
  }

  /// Also reads version 1 records, which had one architecture, one toolchain, and always booted.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    kernel = try values.decode(String.self, forKey: .kernel)
    profile = try values.decode(String.self, forKey: .profile)
    architecture = try values.decodeIfPresent(String.self, forKey: .architecture) ?? "x86_64"
    toolchain = try values.decodeIfPresent(String.self, forKey: .toolchain) ?? "gcc"
    extent = try values.decodeIfPresent(Extent.self, forKey: .extent) ?? .boot
    guest = try values.decode(String.self, forKey: .guest)
  }

  /// A description for people: `linux-6.12, profile kasan, guest q35`. It omits defaults.
  public var words: String {
    var parts = [kernel, "profile \(profile)"]
    if toolchain != "gcc" { parts.append(toolchain) }
    parts.append(extent == .build ? "built only" : "guest \(guest)")
    return parts.joined(separator: ", ")
  }
}
