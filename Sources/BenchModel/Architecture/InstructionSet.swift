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
    /// The mnemonic is the word, and not only begins with it.
    public var isWhole: Bool

    public init(_ word: Substring, _ kind: Kind, isWhole: Bool = false) {
      self.word = word
      self.kind = kind
      self.isWhole = isWhole
    }
  }

  /// An instruction that tests a register itself. The register is its first operand.
  public enum RegisterRule: Sendable, Hashable {
    /// Whether the register is zero, or is not.
    case zero(Bool)
    /// Whether the bit that the second operand numbers is set, or is not.
    case bit(Bool)
  }

  /// A section whose relocations show paths that no instruction shows. An entry begins with two addresses: from where
  /// the path leads, and 4 bytes later to where.
  public struct WayTable: Sendable, Hashable {
    public var section: String
    /// The size of an entry, in bytes.
    public var entry: UInt64
    /// The second address is that of instructions that the kernel may put in place of those at the first.
    public var replaces: Bool

    public init(_ section: String, entry: UInt64, replaces: Bool = false) {
      self.section = section
      self.entry = entry
      self.replaces = replaces
    }
  }

  /// KASAN's inline check of an access of less than eight bytes, as gcc writes it.
  public struct LastByteCheck: Sendable, Hashable {
    /// The branch that compares with the last byte that may be accessed.
    public var branch: Substring
    /// What stands at the head of the second check.
    public var test: Substring
  }

  /// Where the call to the function tracer is in a function.
  public enum TraceSite: Sendable, Hashable {
    /// The kernel's table of them has the address of the call, where kprobes are cheap (CONFIG_KPROBES_ON_FTRACE).
    case listed
    /// The table has the address of the first of some no-ops, of which so many bytes stand before the function. kprobes
    /// are refused at the call, so the function's first instruction stands for it.
    case entry(before: UInt64)
  }

  /// Words that stand before a mnemonic and modify it.
  public var prefixes: [Substring]
  /// What a comment behind an instruction begins with.
  public var comment: Substring
  /// The first that fits decides.
  public var rules: [Rule]
  /// What decides the way of an instruction, by its whole mnemonic, or by the name of a condition.
  public var conditions: [Substring: BranchTest]
  /// Instructions whose condition is their last operand.
  public var conditional: Set<Substring>
  /// Those of them that only compare, for a later instruction to decide by.
  public var comparing: Set<Substring>
  /// Instructions that test a register, by mnemonic.
  public var registerRules: [Substring: RegisterRule]
  /// A branch behind an instruction that begins with one of these tries it again, and is no condition of the source.
  public var retried: [Substring]
  /// `nil` if one branch makes the whole check.
  public var lastByteCheck: LastByteCheck?
  /// Parts of the names of relocations that a call or jump has.
  public var relocations: [Substring]
  /// How much less than the target's offset such a relocation's addend is, in bytes.
  public var relocationBias: UInt64
  public var traceSite: TraceSite
  public var wayTables: [WayTable]
  /// gcc's options with which two versions of a source differ in the assembly of what has changed only.
  public var comparingOptions: [String]
  /// gcc's options with which each condition of a source has a branch of its own. Kernels that are booted are compiled
  /// with them.
  public var branchingOptions: [String]

  /// The kind of a mnemonic.
  public func kind(of mnemonic: Substring) -> Kind {
    rules.first { $0.isWhole ? mnemonic == $0.word : mnemonic.hasPrefix($0.word) }?.kind ?? .other
  }

  /// What decides the way of an instruction.
  /// - Parameter operands: as objdump writes them, without a comment.
  /// - Returns: `nil` for an instruction that depends on no condition, or on one that cannot be evaluated.
  public func test(of mnemonic: Substring, operands: Substring) -> BranchTest? {
    if let test = conditions[mnemonic] { return test }
    let words = operands.split(separator: ",").map { $0.drop { $0 == " " } }
    if conditional.contains(mnemonic) { return words.last.flatMap { conditions[$0] } }
    guard let rule = registerRules[mnemonic], let first = words.first, let register = Int(first.dropFirst()),
      let width = ["x": 64, "w": 32][first.prefix(1)]
    else { return nil }
    switch rule {
    case .zero(let isZero): return BranchTest(register: register, width: width, isZero: isZero)
    case .bit(let isSet):
      guard words.count > 1, let bit = Int(words[1].drop { $0 == "#" }), (0..<width).contains(bit) else { return nil }
      return BranchTest([bit], of: .register(register, width: width)) { $0[0] == isSet }
    }
  }
}
