// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Testing

@testable import KernelCode

@Suite("Which way an instruction goes")
struct BranchTestTests {
  /// The carry, parity, zero, sign and overflow bits of the flags register.
  private func flags(_ names: String) -> UInt64 {
    names.reduce(0x202) { $0 | 1 << ["C": 0, "P": 2, "Z": 6, "S": 7, "O": 11][$1]! }
  }

  private func holds(_ mnemonic: String, _ names: String) throws -> Bool {
    let test = try #require(InstructionSet.x86.conditions[mnemonic[...]])
    let number = test.bits.enumerated().reduce(0) { $0 | Int(flags(names) >> UInt64($1.element) & 1) << $1.offset }
    return test.table >> UInt32(number) & 1 == 1
  }

  @Test(
    "as the processor decides",
    arguments: [
      ("je", "Z", ""), ("jne", "", "Z"), ("cmovb", "C", "ZS"), ("setae", "ZSO", "C"), ("jbe", "C", "SO"),
      ("jbe", "Z", "SO"), ("ja", "S", "C"), ("ja", "", "Z"), ("jl", "S", "SO"), ("jl", "O", ""), ("jge", "SO", "S"),
      ("jle", "Z", ""), ("jle", "S", "SO"), ("jg", "SO", "Z"), ("js", "S", "O"), ("jnp", "", "P"), ("seto", "O", "S"),
      ("cmovle", "ZSO", "SO"), ("setg", "", "ZS"),
    ])
  func conditions(mnemonic: String, yes: String, no: String) throws {
    #expect(try holds(mnemonic, yes))
    #expect(try !holds(mnemonic, no))
  }

  @Test(
    "what does not depend on flags is no condition", arguments: ["jmp", "call", "mov", "ret", "jrcxz", "setup", "test"])
  func others(mnemonic: String) { #expect(InstructionSet.x86.conditions[mnemonic[...]] == nil) }
}
