// SPDX-License-Identifier: Apache-2.0

import BenchModel

/// Which base was taken, and why.
struct BaseChoiceDocument: Encodable {
  var reason: BaseChoice.Reason
  var words: String
  @ExplicitNull var revision: String?
  var compared: [Compared]
  @ExplicitNull var untaken: Untaken?

  /// A kernel that was compared with the others.
  struct Compared: Encodable {
    var kernel: String
    var applies: Int
    var exact: Int
  }

  /// A commit that the series name, and that was not taken.
  struct Untaken: Encodable {
    var kernel: String
    var commit: String
  }

  init(_ choice: BaseChoice, words: String) {
    reason = choice.reason
    self.words = words
    revision = choice.revision
    compared = choice.compared.map { Compared(kernel: $0.kernel, applies: $0.applies, exact: $0.exact) }
    untaken = choice.untaken.map { Untaken(kernel: $0.kernel, commit: $0.commit) }
  }
}
