// SPDX-License-Identifier: Apache-2.0

/// What an object file gives to the link, and what it takes from it.
public struct LinkSymbols: Sendable, Hashable {
  public private(set) var defined: Set<String> = []
  /// Defined by other objects. What may stay undefined is left out.
  public private(set) var needed: Set<String> = []

  /// Those of no object.
  public init() {}

  /// - Returns: `nil` if this is not an object file.
  public init?(object: [UInt8]) {
    let found = object.withUnsafeBytes { bytes -> LinkSymbols? in
      guard let elf = ELFFile(bytes) else { return nil }
      var symbols = LinkSymbols()
      elf.forEachSymbol { name, symbol in
        if symbol.isLocal { return }
        if symbol.section != 0 {
          symbols.defined.insert(name())
        } else if !symbol.isWeak {
          symbols.needed.insert(name())
        }
      }
      return symbols
    }
    guard let found else { return nil }
    self = found
  }

  private mutating func formUnion(_ other: LinkSymbols) {
    defined.formUnion(other.defined)
    needed.formUnion(other.needed)
  }

  /// Whether an image that linked with some objects may not link with their new versions.
  ///
  /// It will link if they define the same symbols, and take nothing new that the image does not have.
  /// - Parameters:
  ///   - map: the image's `System.map`; `nil` if there is none.
  public static func mayFail(before: [LinkSymbols], after: [LinkSymbols], map: [UInt8]?) -> Bool {
    let old = before.reduce(into: LinkSymbols()) { $0.formUnion($1) }
    let new = after.reduce(into: LinkSymbols()) { $0.formUnion($1) }
    // Objects that were not compiled again may need what is gone.
    if !old.defined.isSubset(of: new.defined) { return true }
    let added = new.defined.subtracting(old.defined)
    let asked = new.needed.subtracting(old.needed).subtracting(new.defined)
    if added.isEmpty, asked.isEmpty { return false }
    guard let map else { return true }
    let there = globals(of: map, among: added.union(asked))
    return !there.isDisjoint(with: added) || !asked.isSubset(of: there)
  }

  /// Returns those of some names that `System.map` has as global symbols.
  static func globals(of map: [UInt8], among names: Set<String>) -> Set<String> {
    var found: Set<String> = []
    // `ffffffff81000000 T _stext`
    for line in map.split(separator: 0x0a) {
      let words = line.split(separator: 0x20)
      guard words.count == 3, let type = words[1].first, (0x41...0x5a).contains(type) else { continue }
      let name = String(decoding: words[2], as: UTF8.self)
      if names.contains(name) { found.insert(name) }
    }
    return found
  }
}
