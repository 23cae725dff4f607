// SPDX-License-Identifier: Apache-2.0

/// What became of one state disk, as the process that reads disks tells it: one JSON object a line, in the order in which
/// it was given them.
public struct StateReading: Codable, Sendable, Hashable {
  /// The files that were on it and are beside it now.
  public var files: [String]
  /// Why nothing could be had of it; a guest may have done anything to it.
  public var failure: String?

  /// How a guest's files are called there.
  public static let names = ["results", "kmsg"]
  /// How the process ends that could not start libguestfs' appliance: why stands on its standard error, and nothing is
  /// wrong with any disk.
  public static let noAppliance: Int32 = 3

  public init(files: [String] = [], failure: String? = nil) {
    self.files = files
    self.failure = failure
  }
}
