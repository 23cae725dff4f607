/// Why a trial was ended before its time: what it was tried for was known. Its guest then ends with
/// ``GuestEnding/runDeadline(seconds:)``, since it was still talking.
public enum CutShort: Codable, Sendable, Hashable {
  /// A test answered worse than on the base, in the first guest and in a fresh one, and the base held to its answer.
  case test(String, reason: String)
  /// The kernel reported what it does not on the base.
  case report(String)
}
