// SPDX-License-Identifier: Apache-2.0

/// The result of reading one state disk, as the process that reads disks reports it: one JSON object per line, in the
/// order in which the disks were passed.
public struct StateReading: Codable, Sendable, Hashable {
  /// The files that were on it, now copied next to it.
  public var files: [String]
  /// Why nothing could be read; a guest may have done anything to the disk.
  public var failure: String?

  /// The names of a guest's files on the disk.
  public static let names = ["results", "kmsg"]
  /// The exit status if libguestfs' appliance could not be started. The reason is on standard error, and no
  /// disk is at fault.
  public static let noAppliance: Int32 = 3

  public init(files: [String] = [], failure: String? = nil) {
    self.files = files
    self.failure = failure
  }
}
