// SPDX-License-Identifier: Apache-2.0

/// What decides the way of an instruction: bits of the flags register, and the values of them for which the condition
/// holds. In this form a guest can evaluate the condition without knowing its processor's condition codes.
public struct BranchTest: Sendable, Hashable {
  /// Positions in the flags register, as the kernel saves it in `pt_regs`.
  public var bits: [Int]
  /// Bit *n* is set if the condition holds where ``bits``, the first of them lowest, make the number *n*.
  public var table: UInt32

  /// - Parameter holds: whether the condition holds for these values of the bits.
  public init(_ bits: [Int], _ holds: ([Bool]) -> Bool) {
    self.bits = bits
    var table: UInt32 = 0
    for number in 0..<(1 << bits.count) where holds(bits.indices.map { number >> $0 & 1 == 1 }) { table |= 1 << number }
    self.table = table
  }
}
