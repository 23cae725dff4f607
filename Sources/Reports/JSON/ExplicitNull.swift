// SPDX-License-Identifier: Apache-2.0

/// A value that is written as `null` if it is absent. Synthesized encoding omits the key, and a reader could then not
/// distinguish a field that does not apply from a misspelled one.
@propertyWrapper
struct ExplicitNull<Value: Encodable & Sendable>: Encodable, Sendable {
  var wrappedValue: Value?

  // Written out, because only then do the memberwise initializers of the structs that use this take plain optionals.
  init(wrappedValue value: Value?) { wrappedValue = value }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    if let wrappedValue { try container.encode(wrappedValue) } else { try container.encodeNil() }
  }
}
