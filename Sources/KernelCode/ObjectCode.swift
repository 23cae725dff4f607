// SPDX-License-Identifier: Apache-2.0

/// Where some functions lie in an object file.
public struct ObjectCode: Sendable, Hashable {
  public struct Function: Sendable, Hashable {
    /// As the object has it, with the suffix of a copy or part: `f.isra.0`, `f.cold`.
    public var name: String
    public var section: String
    /// From the section's start, in bytes.
    public var offset: UInt64
    /// In bytes, without what pads it up to the next one.
    public var size: UInt64
  }

  public private(set) var functions: [Function] = []

  /// - Parameters:
  ///   - bytes: a relocatable ELF file for x86-64.
  ///   - names: those that are looked for; `nil`: all.
  /// - Returns: `nil` if it is no such file.
  public init?(_ bytes: UnsafeRawBufferPointer, of names: Set<String>? = nil) {
    guard let elf = ELFFile(bytes) else { return nil }
    elf.forEachSymbol { name, symbol in
      guard symbol.type == .function, symbol.size > 0 else { return }
      let name = name()
      guard names?.contains(name) ?? true, let section = elf.name(ofSection: symbol.section) else { return }
      functions.append(Function(name: name, section: section, offset: symbol.value, size: symbol.size))
    }
  }
}
