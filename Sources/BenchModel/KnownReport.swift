// SPDX-License-Identifier: Apache-2.0

public import struct Foundation.Date

/// A kernel report that is known and does not count against a series until it expires. It must have an expiry date, so
/// that what is known today does not hide new bugs forever.
public struct KnownReport: Codable, Sendable, Hashable {
  /// A pattern for its title: `WARNING in drm_gem_mmap_obj`, `INFO: rcu detected stall in *`.
  public var report: NamePattern
  /// Why it does not count against a series.
  public var reason: String
  /// Where it is discussed or fixed.
  public var link: String
  /// From this time on, it counts again.
  public var expires: Date

  public init(report: NamePattern, reason: String, link: String, expires: Date) {
    self.report = report
    self.reason = reason
    self.link = link
    self.expires = expires
  }
}
