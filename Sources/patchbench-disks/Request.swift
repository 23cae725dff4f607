// SPDX-License-Identifier: Apache-2.0

/// What is to be read, from the command line: `(kvm|tcg) KEPT SCRATCH IMAGE…`.
struct Request {
  /// Not to use KVM.
  var isEmulated: Bool
  /// Where libguestfs keeps its appliance, which takes it seconds to make.
  var kept: String
  /// Where it has its other files while it runs.
  var scratch: String
  /// As many as there are letters at most.
  var images: [String]

  init?(_ words: [String]) {
    guard words.count > 3, words.count <= 3 + 26, ["kvm", "tcg"].contains(words[0]) else { return nil }
    isEmulated = words[0] == "tcg"
    kept = words[1]
    scratch = words[2]
    images = Array(words[3...])
  }
}
