// SPDX-License-Identifier: Apache-2.0

/// The positions of functions in an object file.
public struct ObjectCode: Sendable, Hashable {
  public struct Function: Sendable, Hashable {
    /// The object's name for it, with the suffix of a copy or part: `f.isra.0`, `f.cold`.
    public var name: String
    public var section: String
    /// Bytes from the start of the section.
    public var offset: UInt64
    /// Bytes, without the padding up to the next function.
    public var size: UInt64
  }

  public private(set) var functions: [Function] = []

  /// - Parameters:
  ///   - bytes: a relocatable 64-bit ELF file.
  ///   - names: the functions to look for; `nil` for all.
  /// - Returns: `nil` if the bytes are not such a file.
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
