// SPDX-License-Identifier: Apache-2.0

/// What to read, from the command line: `(kvm|tcg) KEPT SCRATCH IMAGE…`.
struct Request {
  /// Do not use KVM.
  var isEmulated: Bool
  /// The directory where libguestfs keeps its appliance, which takes seconds to build.
  var kept: String
  /// The directory for its other files while it runs.
  var scratch: String
  /// At most one per letter of the alphabet.
  var images: [String]

  init?(_ words: [String]) {
    guard words.count > 3, words.count <= 3 + 26, ["kvm", "tcg"].contains(words[0]) else { return nil }
    isEmulated = words[0] == "tcg"
    kept = words[1]
    scratch = words[2]
    images = Array(words[3...])
  }
}
