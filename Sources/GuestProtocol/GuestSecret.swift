// SPDX-License-Identifier: Apache-2.0

/// A 128-bit key that only the host and PID 1 of one guest know, generated for each guest. PID 1 signs its output with
/// it, so that the host can tell it from anything that another process, or a kernel bug, writes to the same port.
///
/// It is no defence against a malicious kernel, which owns the guest's memory and thus the key.
public struct GuestSecret: Sendable, Hashable {
  public let low: UInt64
  public let high: UInt64

  public init(low: UInt64, high: UInt64) {
    self.low = low
    self.high = high
  }

  /// Returns a new secret from the system's random number generator.
  public static func random() -> GuestSecret {
    GuestSecret(low: .random(in: .min ... .max), high: .random(in: .min ... .max))
  }

  /// Where a guest finds it in its initramfs, as ``text``.
  public static let path = "/patchbench.secret"
  /// What precedes it in the orders to a guest that holds. It comes last, so that it can be cut off.
  static let parameter = " patchbench.secret="

  /// 32 hexadecimal digits.
  public var text: String { Self.digits(low) + Self.digits(high) }

  /// Parses a secret; `nil` if the text is anything else. It takes bytes, because a string would leave copies behind.
  public init?(text: some Collection<UInt8>) {
    guard text.count == 32, let low = Self.number(text.prefix(16)), let high = Self.number(text.dropFirst(16)) else {
      return nil
    }
    self.init(low: low, high: high)
  }

  /// Splits what ``GuestOptions/orders(_:)`` made, without its newline; the secret is `nil` if there is none.
  public static func cut(off orders: [UInt8]) -> (options: ArraySlice<UInt8>, secret: GuestSecret?) {
    let length = parameter.utf8.count + 32
    guard orders.count >= length, orders.suffix(length).starts(with: parameter.utf8),
      let secret = GuestSecret(text: orders.suffix(32))
    else { return (orders[...], nil) }
    return (orders.dropLast(length), secret)
  }

  static func digits(_ number: UInt64) -> String {
    let text = String(number, radix: 16)
    return String(repeating: "0", count: 16 - text.count) + text
  }

  static func number(_ digits: some Sequence<UInt8>) -> UInt64? {
    var number: UInt64 = 0
    for digit in digits {
      switch digit {
      case 0x30...0x39: number = number << 4 | UInt64(digit - 0x30)
      case 0x61...0x66: number = number << 4 | UInt64(digit - 0x61 + 10)
      default: return nil
      }
    }
    return number
  }

  /// Returns the tag of a piece of the stream. It covers the piece's number, so that a piece cannot be repeated or
  /// moved, and its lines, each with its newline.
  func tag(_ number: Int, _ lines: some Sequence<UInt8>) -> UInt64 {
    var hash = SipHash(key: self)
    for shift in stride(from: 0, to: 64, by: 8) {
      hash.take(UInt8(truncatingIfNeeded: UInt64(bitPattern: Int64(number)) >> UInt64(shift)))
    }
    for byte in lines { hash.take(byte) }
    return hash.finish()
  }
}

/// SipHash-2-4 (Aumasson and Bernstein, 2012): a keyed hash for short texts, unpredictable without the key.
struct SipHash {
  private var v0: UInt64, v1: UInt64, v2: UInt64, v3: UInt64
  private var word: UInt64 = 0
  private var count = 0

  init(key: GuestSecret) {
    v0 = key.low ^ 0x736f_6d65_7073_6575
    v1 = key.high ^ 0x646f_7261_6e64_6f6d
    v2 = key.low ^ 0x6c79_6765_6e65_7261
    v3 = key.high ^ 0x7465_6462_7974_6573
  }

  mutating func take(_ byte: UInt8) {
    word |= UInt64(byte) << UInt64((count & 7) * 8)
    count += 1
    if count & 7 == 0 {
      compress(word)
      word = 0
    }
  }

  mutating func finish() -> UInt64 {
    compress(word | UInt64(truncatingIfNeeded: count) << 56)
    v2 ^= 0xff
    for _ in 0..<4 { round() }
    return v0 ^ v1 ^ v2 ^ v3
  }

  private mutating func compress(_ word: UInt64) {
    v3 ^= word
    round()
    round()
    v0 ^= word
  }

  private mutating func round() {
    v0 &+= v1
    v2 &+= v3
    v1 = Self.rotated(v1, 13) ^ v0
    v3 = Self.rotated(v3, 16) ^ v2
    v0 = Self.rotated(v0, 32)
    v2 &+= v1
    v0 &+= v3
    v1 = Self.rotated(v1, 17) ^ v2
    v3 = Self.rotated(v3, 21) ^ v0
    v2 = Self.rotated(v2, 32)
  }

  private static func rotated(_ value: UInt64, _ bits: UInt64) -> UInt64 { value << bits | value >> (64 - bits) }
}
