// SPDX-License-Identifier: Apache-2.0

extension String {
  /// Whether another text is part of this one, compared byte by byte. Embedded Swift, as which the guest is compiled, has
  /// no `contains(_:)` for texts.
  public func holds(_ text: String) -> Bool { utf8.indices.contains { utf8[$0...].starts(with: text.utf8) } }
}
