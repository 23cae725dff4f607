// SPDX-License-Identifier: Apache-2.0

/// How the machine code of one architecture reads in objdump's output, as far as control flow depends on it.
public struct InstructionSet: Sendable, Hashable {
  /// What an instruction does to the flow of control.
  public enum Kind: Sendable, Hashable {
    /// Always jumps.
    case jump
    /// Jumps or falls through.
    case branch
    case call
    case `return`
    /// Never continues.
    case halt
    /// Raises an exception on purpose, as a WARN does. kprobes are refused there.
    case trap
    /// Does nothing. The kernel may write another instruction over it.
    case padding
    /// Continues at the next instruction.
    case other
  }

  /// Gives a kind to all mnemonics that begin with a word.
  public struct Rule: Sendable, Hashable {
    public var word: Substring
    public var kind: Kind

    public init(_ word: Substring, _ kind: Kind) {
      self.word = word
      self.kind = kind
    }
  }

  /// Words that stand before a mnemonic and modify it.
  public var prefixes: [Substring]
  /// The first that fits decides.
  public var rules: [Rule]
  /// What decides the way of an instruction, by its whole mnemonic. Those without an entry depend on no flags.
  public var conditions: [Substring: BranchTest]
  /// The branch by which KASAN compares with the last byte that may be accessed.
  public var lastByteCheck: Substring
  /// What stands at the head of KASAN's second check for accesses of less than eight bytes.
  public var lastByteTest: Substring
  /// Parts of the names of relocations that a call or jump has.
  public var relocations: [Substring]
  /// How much less than the target's offset such a relocation's addend is, in bytes.
  public var relocationBias: UInt64

  /// The kind of a mnemonic.
  public func kind(of mnemonic: Substring) -> Kind {
    rules.first { mnemonic.hasPrefix($0.word) }?.kind ?? .other
  }
}
