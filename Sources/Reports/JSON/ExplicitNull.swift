// SPDX-License-Identifier: Apache-2.0

/// A value that is written as `null` where it is absent. Synthesised encoding leaves the key out, and a reader could
/// then not tell a field that does not apply from one it misspells.
@propertyWrapper
struct ExplicitNull<Value: Encodable & Sendable>: Encodable, Sendable {
  var wrappedValue: Value?

  // Written out, because only then do the memberwise initialisers of the structs that use this take plain optionals.
  init(wrappedValue value: Value?) { wrappedValue = value }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    if let wrappedValue { try container.encode(wrappedValue) } else { try container.encodeNil() }
  }
}
