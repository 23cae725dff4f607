// SPDX-License-Identifier: Apache-2.0

/// What decides the way of an instruction: bits of a register, and the values of them for which the condition holds. In
/// this form a guest can evaluate the condition without knowing its processor's instructions.
public struct BranchTest: Sendable, Hashable {
  /// Where the bits are, as the kernel saves it in `pt_regs`.
  public enum Source: Sendable, Hashable {
    /// The flags register.
    case flags
    /// The general register of this number. Only its lowest so many bits count.
    case register(Int, width: Int)
  }

  public var source: Source
  /// Positions in the source; empty if the number is 0 where the whole source is zero, and 1 elsewhere.
  public var bits: [Int]
  /// Bit *n* is set if the condition holds where ``bits``, the first of them lowest, make the number *n*.
  public var table: UInt32

  /// - Parameter holds: whether the condition holds for these values of the bits.
  public init(_ bits: [Int], of source: Source = .flags, _ holds: ([Bool]) -> Bool) {
    self.source = source
    self.bits = bits
    var table: UInt32 = 0
    for number in 0..<(1 << bits.count) where holds(bits.indices.map { number >> $0 & 1 == 1 }) { table |= 1 << number }
    self.table = table
  }

  /// The condition that a register is zero, or that it is not.
  /// - Parameters:
  ///   - register: its number.
  ///   - width: the lowest so many bits are tested.
  public init(register: Int, width: Int, isZero: Bool) {
    source = .register(register, width: width)
    bits = []
    table = isZero ? 0b01 : 0b10
  }
}
