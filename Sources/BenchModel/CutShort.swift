// SPDX-License-Identifier: Apache-2.0

/// Why a trial was ended before its time: what it was tried for was known. Its guest then ends with
/// ``GuestEnding/runDeadline(seconds:)``, since it was still talking.
public enum CutShort: Codable, Sendable, Hashable {
  /// A test answered worse than on the base. So did another one of the same guest; or it did so once more in a fresh
  /// guest, and the base held to its answer.
  case test(String, reason: String)
  /// The kernel reported what it does not on the base.
  case report(String)
}
