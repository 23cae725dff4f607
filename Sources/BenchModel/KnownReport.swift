// SPDX-License-Identifier: Apache-2.0

public import struct Foundation.Date

/// A kernel report that somebody has looked at and that is not held against a series, until a day that was set beforehand:
/// what is known today must not hide what comes tomorrow for ever.
public struct KnownReport: Codable, Sendable, Hashable {
  /// Of its title: `WARNING in drm_gem_mmap_obj`, `INFO: rcu detected stall in *`.
  public var report: NamePattern
  /// Why it is not held against a series.
  public var reason: String
  /// Where it is discussed or mended.
  public var link: String
  /// From this moment on it counts again.
  public var expires: Date

  public init(report: NamePattern, reason: String, link: String, expires: Date) {
    self.report = report
    self.reason = reason
    self.link = link
    self.expires = expires
  }
}
