// SPDX-License-Identifier: Apache-2.0

/// A minimal ELF reader: it finds symbols and the bytes at an address. Every offset and size is checked against the
/// file's length, because the file was built from an untrusted patch.
struct ELFFile {
  enum SymbolType {
    case function
    case file
    case other
  }

  struct Symbol {
    var type: SymbolType
    var isLocal: Bool
    /// Nothing fails if no object defines it.
    var isWeak: Bool
    var value: UInt64
    var size: UInt64
    /// The index of its section, or an index that no section has. 0 if another object defines it.
    var section: Int
  }

  private struct Section {
    var name: Int
    var type: UInt32
    var address: UInt64
    var offset: Int
    var size: Int
    var link: Int
  }

  private let data: UnsafeRawBufferPointer
  private let sections: [Section]
  /// The index of the section that holds the section names.
  private let names: Int

  /// - Returns: `nil` if the data is not a 64-bit little-endian ELF file.
  init?(_ data: UnsafeRawBufferPointer) {
    guard data.count >= 64, data.prefix(6).elementsEqual([0x7f, 0x45, 0x4c, 0x46, 2, 1]) else { return nil }
    self.data = data
    let start = data.loadUnaligned(fromByteOffset: 40, as: UInt64.self)
    let entry = Int(data.loadUnaligned(fromByteOffset: 58, as: UInt16.self))
    let count = Int(data.loadUnaligned(fromByteOffset: 60, as: UInt16.self))
    guard entry >= 64, let first = Int(exactly: start), first <= data.count, count * entry <= data.count - first else {
      return nil
    }
    var sections: [Section] = []
    for number in 0..<count {
      let at = first + number * entry
      guard let offset = Int(exactly: data.loadUnaligned(fromByteOffset: at + 24, as: UInt64.self)),
        let size = Int(exactly: data.loadUnaligned(fromByteOffset: at + 32, as: UInt64.self))
      else { return nil }
      sections.append(
        Section(
          name: Int(data.loadUnaligned(fromByteOffset: at, as: UInt32.self)),
          type: data.loadUnaligned(fromByteOffset: at + 4, as: UInt32.self),
          address: data.loadUnaligned(fromByteOffset: at + 16, as: UInt64.self), offset: offset, size: size,
          link: Int(data.loadUnaligned(fromByteOffset: at + 40, as: UInt32.self))))
    }
    self.sections = sections
    names = Int(data.loadUnaligned(fromByteOffset: 62, as: UInt16.self))
  }

  /// The name of a section, for example `.text`; `nil` if no section has that index.
  func name(ofSection number: Int) -> String? {
    guard sections.indices.contains(number), sections.indices.contains(names), let names = contents(sections[names])
    else { return nil }
    return String(decoding: names.dropFirst(sections[number].name).prefix { $0 != 0 }, as: UTF8.self)
  }

  /// The bytes of a section; `nil` if the file does not hold them, or not all of them.
  private func contents(_ section: Section) -> UnsafeRawBufferPointer? {
    guard section.type != Self.noBits, section.offset <= data.count, section.size <= data.count - section.offset else {
      return nil
    }
    return UnsafeRawBufferPointer(rebasing: data[section.offset..<section.offset + section.size])
  }

  private static let symbolTable: UInt32 = 2
  private static let noBits: UInt32 = 8

  /// Calls `body` for each symbol, in table order. A name is only built when asked for: there are tens of thousands.
  func forEachSymbol(_ body: (_ name: () -> String, Symbol) -> Void) {
    guard let table = sections.first(where: { $0.type == Self.symbolTable }), sections.indices.contains(table.link),
      let entries = contents(table), let names = contents(sections[table.link])
    else { return }
    for at in stride(from: 0, to: entries.count - 23, by: 24) {
      let info = entries[at + 4]
      let type: SymbolType =
        switch info & 0xf {
        case 2: .function
        case 4: .file
        default: .other
        }
      let symbol = Symbol(
        type: type, isLocal: info >> 4 == 0, isWeak: info >> 4 == 2,
        value: entries.loadUnaligned(fromByteOffset: at + 8, as: UInt64.self),
        size: entries.loadUnaligned(fromByteOffset: at + 16, as: UInt64.self),
        section: Int(entries.loadUnaligned(fromByteOffset: at + 6, as: UInt16.self)))
      let start = Int(entries.loadUnaligned(fromByteOffset: at, as: UInt32.self))
      body({ String(decoding: names.dropFirst(start).prefix { $0 != 0 }, as: UTF8.self) }, symbol)
    }
  }

  /// The bytes at a range of addresses; `nil` if no single section of the file holds all of them.
  func bytes(_ addresses: Range<UInt64>) -> UnsafeRawBufferPointer? {
    for section in sections where section.address > 0 && section.address <= addresses.lowerBound {
      guard let contents = contents(section), let size = Int(exactly: addresses.upperBound - section.address),
        size <= contents.count
      else { continue }
      let start = Int(addresses.lowerBound - section.address)
      return UnsafeRawBufferPointer(rebasing: contents[start..<size])
    }
    return nil
  }
}
