// SPDX-License-Identifier: Apache-2.0

/// Why a trial was stopped early: the question it was run for was answered. Its guest then ends with
/// ``GuestEnding/runDeadline(seconds:)``, since it was still talking.
public enum CutShort: Codable, Sendable, Hashable {
  /// A test did worse than on the base, and this was confirmed: either a second test of the same guest also did worse,
  /// or the test did worse again in a fresh guest while the base kept its result.
  case test(String, reason: String)
  /// The kernel reported something that it does not report on the base.
  case report(String)
}
