// SPDX-License-Identifier: Apache-2.0

import Foundation
import KernelCode
import SystemPackage

/// An object whose source was moved. Its code contains its names, and those of its source.
struct MovedObject: Sendable {
  var from: String
  var to: String
  /// Whether the source was only moved, so that none of its own strings can have changed.
  var isSameText = false

  /// Returns the base's assembly as it would be under the new name.
  func renamed(_ assembly: [UInt8]) -> [UInt8] {
    let (old, new) = (from.dropLast(2), to.dropLast(2))
    // `__FILE__` and KBUILD_MODFILE; the initcalls; the module's description.
    let (module, other) = (Self.module(old), Self.module(new))
    let pairs = [
      (String(old), String(new)), ("kmod_\(module)__", "kmod_\(other)__"), ("\"\(module).", "\"\(other)."),
    ]
    let text = Self.replacing(pairs, in: assembly)
    return isSameText ? Self.withoutPadding(text) : text
  }

  /// Returns the series' assembly with the module's old name in strings. KBUILD_MODNAME is a string like any other, so
  /// only an unchanged source shows that it comes from there.
  func withOldStrings(_ assembly: [UInt8]) -> [UInt8] {
    guard isSameText else { return assembly }
    let pair = ("\"\(Self.module(to.dropLast(2)))\"", "\"\(Self.module(from.dropLast(2)))\"")
    return Self.withoutPadding(Self.replacing([pair], in: assembly))
  }

  /// KASAN pads each string to a multiple of its granule, so that the length of a name decides how much follows it.
  private static func withoutPadding(_ assembly: [UInt8]) -> [UInt8] {
    let (string, zero) = (Array("\t.string".utf8), Array("\t.zero".utf8))
    var out: [UInt8] = []
    out.reserveCapacity(assembly.count)
    var isBehind = false
    for line in assembly.split(separator: 0x0a) {
      if isBehind, line.starts(with: zero) { continue }
      isBehind = line.starts(with: string)
      out += line
      out.append(0x0a)
    }
    return out
  }

  private static func replacing(_ pairs: [(String, String)], in assembly: [UInt8]) -> [UInt8] {
    var text = Data(assembly)
    for (word, replacement) in pairs where word != replacement {
      text = replacing(Data(word.utf8), with: Data(replacement.utf8), in: text)
    }
    return Array(text)
  }

  /// kbuild's name for a module of one object.
  private static func module(_ stem: Substring) -> String {
    String((stem.split(separator: "/").last ?? "").map { $0 == "-" ? "_" : $0 })
  }

  private static func replacing(_ word: Data, with replacement: Data, in text: Data) -> Data {
    var out = Data(capacity: text.count)
    var start = text.startIndex
    while let found = text.range(of: word, in: start..<text.endIndex) {
      out += text[start..<found.lowerBound] + replacement
      start = found.upperBound
    }
    return out + text[start...]
  }
}

extension SeriesTree {
  /// In bytes; larger files are not recognized under another name.
  private static let largestMoved: Int64 = 1 << 20
  /// Series that move more files rename directories, which is not compared by content.
  private static let mostMoved = 64

  /// Returns, by new path, the old path of each C file that the series moves.
  func movedFiles(_ paths: Set<String>) -> [String: String] {
    var removed: [String: [UInt8]] = [:]
    var added: [String: [UInt8]] = [:]
    for path in paths where RecordedBuild.isC(path) {
      let old = regularContents(base.tree.pushing(FilePath(path)), most: Self.largestMoved)
      let new = file(path).flatMap { regularContents($0, most: Self.largestMoved) }
      if let old, file(path) == nil { removed[path] = old }
      if let new, old == nil { added[path] = new }
    }
    if removed.isEmpty || removed.count > Self.mostMoved || added.count > Self.mostMoved { return [:] }
    return MovedFiles.pairs(removed: removed, added: added)
  }

  /// Returns, by object, the objects whose sources were moved and that the base has.
  func formerObjects(_ moved: [String: String]) -> [String: MovedObject] {
    var found: [String: MovedObject] = [:]
    for (new, old) in moved where new.hasSuffix(".c") && old.hasSuffix(".c") {
      let (from, to) = ("\(old.dropLast(2)).o", "\(new.dropLast(2)).o")
      if recordedInBase(from) == nil { continue }
      let isSame = contents(new) == regularContents(base.tree.pushing(FilePath(old)))
      found[to] = MovedObject(from: from, to: to, isSameText: isSame)
    }
    return found
  }

  /// Whether a file only tells kbuild what to build.
  static func isOfKbuild(_ path: String) -> Bool {
    let name = path.split(separator: "/").last ?? ""
    return ["Makefile", "Kbuild"].contains(String(name)) || name.hasPrefix("Kconfig")
  }

  /// Whether the image has the same symbols as the base's, in the same order: nothing was added, removed, or linked in
  /// another place. The order of initcalls is part of it. Only files that move may shift addresses: their names are in
  /// the image.
  func isSameLayout(_ moved: [String: String]) -> Bool {
    guard let old = regularContents(base.tree.appending("System.map")), let new = contents("System.map") else {
      return false
    }
    if moved.isEmpty { return old == new }
    let objects = moved.map { MovedObject(from: "\($1.dropLast(2)).o", to: "\($0.dropLast(2)).o") }
    let (before, after) = (old.split(separator: 0x0a), new.split(separator: 0x0a))
    guard before.count == after.count else { return false }
    return zip(before, after).allSatisfy { a, b in
      // `ffffffff81000000 T _stext`
      let (a, b) = (a.dropFirst(16), b.dropFirst(16))
      if a.elementsEqual(b) { return true }
      let name = objects.reduce(Array(a)) { $1.renamed($0) }
      return AssemblyOutline.plainName(name[...]) == AssemblyOutline.plainName(b)
    }
  }
}
