// SPDX-License-Identifier: Apache-2.0

/// A cell of a matrix that gave no answer.
public struct CellGap: Codable, Sendable, Hashable {
  public var kernel: String
  public var profile: String
  /// Why it was not run.
  public var reason: String

  public init(kernel: String, profile: String, reason: String) {
    self.kernel = kernel
    self.profile = profile
    self.reason = reason
  }

  /// A cell that the command did not get to.
  public static func stopped(kernel: String, profile: String) -> CellGap {
    CellGap(kernel: kernel, profile: profile, reason: "stopped before anything was tested")
  }
}
