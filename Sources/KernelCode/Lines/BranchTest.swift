// SPDX-License-Identifier: Apache-2.0

/// The condition of an instruction: bits of the flags register, and the values of those bits for which it holds. In
/// this form a guest can evaluate it without knowing its processor's condition codes.
public struct BranchTest: Sendable, Hashable {
  /// Bit positions in the register that kprobe events call `%flags`.
  public var bits: [Int]
  /// Bit *n* is set if the condition holds when ``bits``, lowest first, form the number *n*.
  public var table: UInt32

  /// The conditional jumps, moves and sets of x86-64 (Intel SDM, volume 1, appendix B).
  /// - Parameter mnemonic: objdump's AT&T form: `jne`, `cmovle`, `setb`.
  /// - Returns: `nil` if the instruction does not depend on flags.
  public init?(x86 mnemonic: Substring) {
    guard let prefix = ["cmov", "set", "j"].first(where: { mnemonic.hasPrefix($0) }) else { return nil }
    let code = mnemonic.dropFirst(prefix.count)
    let (carry, parity, zero, sign, overflow) = (0, 2, 6, 7, 11)
    func test(_ bits: [Int], _ holds: ([Bool]) -> Bool) -> (bits: [Int], table: UInt32) {
      var table: UInt32 = 0
      for number in 0..<(1 << bits.count) {
        if holds(bits.indices.map { number >> $0 & 1 == 1 }) { table |= 1 << number }
      }
      return (bits, table)
    }
    let found: (bits: [Int], table: UInt32)
    switch code {
    case "o": found = test([overflow]) { $0[0] }
    case "no": found = test([overflow]) { !$0[0] }
    case "b", "c", "nae": found = test([carry]) { $0[0] }
    case "ae", "nc", "nb": found = test([carry]) { !$0[0] }
    case "e", "z": found = test([zero]) { $0[0] }
    case "ne", "nz": found = test([zero]) { !$0[0] }
    case "be", "na": found = test([carry, zero]) { $0[0] || $0[1] }
    case "a", "nbe": found = test([carry, zero]) { !$0[0] && !$0[1] }
    case "s": found = test([sign]) { $0[0] }
    case "ns": found = test([sign]) { !$0[0] }
    case "p", "pe": found = test([parity]) { $0[0] }
    case "np", "po": found = test([parity]) { !$0[0] }
    case "l", "nge": found = test([sign, overflow]) { $0[0] != $0[1] }
    case "ge", "nl": found = test([sign, overflow]) { $0[0] == $0[1] }
    case "le", "ng": found = test([zero, sign, overflow]) { $0[0] || $0[1] != $0[2] }
    case "g", "nle": found = test([zero, sign, overflow]) { !$0[0] && $0[1] == $0[2] }
    default: return nil
    }
    bits = found.bits
    table = found.table
  }
}
