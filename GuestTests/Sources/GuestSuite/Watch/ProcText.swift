// SPDX-License-Identifier: Apache-2.0

/// One line of `/proc/<pid>/maps`: the file a mapping is linked to, and the offset in it.
struct MapsEntry: Hashable {
  var start: UInt64
  var end: UInt64
  /// `vm_pgoff` in bytes.
  var offset: UInt64
  var inode: UInt64
  /// The file as the kernel names it; empty for memory without a file.
  var path: String

  /// Reads `7f00-7f01 rw-s 100000000 00:05 12   /dev/dri/card0`; nil for anything else.
  init?(line: some StringProtocol) {
    let words = line.split(separator: " ", maxSplits: 5, omittingEmptySubsequences: true)
    guard words.count >= 5 else { return nil }
    let range = words[0].split(separator: "-", omittingEmptySubsequences: false)
    guard range.count == 2, let start = UInt64(range[0], radix: 16), let end = UInt64(range[1], radix: 16),
      let offset = UInt64(words[2], radix: 16), let inode = UInt64(words[4])
    else { return nil }
    self.start = start
    self.end = end
    self.offset = offset
    self.inode = inode
    path = words.count == 6 ? String(words[5].drop { $0 == " " }) : ""
  }

  /// Every mapping in the text of a whole maps file.
  static func all(in text: String) -> [MapsEntry] { text.split(separator: "\n").compactMap { MapsEntry(line: $0) } }

  /// The mapping that holds an address, from the text of a whole maps file.
  static func holding(_ address: UInt64, in text: String) -> MapsEntry? {
    let entries = text.split(separator: "\n").lazy.compactMap { MapsEntry(line: $0) }
    return entries.first { $0.start <= address && address < $0.end }
  }
}

/// One buffer of `/sys/kernel/debug/dma_buf/bufinfo`.
struct BufInfo: Hashable {
  var inode: UInt64
  /// References to the dma-buf's file.
  var count: Int
  var exporter: String

  /// The buffers in the text. The header, the names of attached devices and the totals are passed over.
  ///
  /// A buffer reads `size flags mode count exp_name ino name`, the first in decimal, as count and ino.
  ///
  /// By bytes: where thousands of buffers are alive, the text has tens of thousands of lines.
  static func parse(_ text: String) -> [BufInfo] {
    text.utf8.split(separator: UInt8(ascii: "\n")).compactMap { line in
      guard let first = line.first, (0x30...0x39).contains(first) else { return nil }
      let words = line.split(separator: UInt8(ascii: "\t"), omittingEmptySubsequences: false)
      guard words.count >= 7, number(words[0]) != nil, let count = number(words[3]), let inode = number(words[5]) else {
        return nil
      }
      return BufInfo(inode: UInt64(inode), count: count, exporter: String(Substring(words[4])))
    }
  }

  private static func number(_ digits: Substring.UTF8View) -> Int? { Int(Substring(digits)) }
}

/// The number behind a key of `/proc/<pid>/fdinfo/<fd>`, as in `count:	3`.
func fdinfoNumber(_ key: String, in text: String) -> Int? {
  for line in text.utf8.split(separator: UInt8(ascii: "\n")) {
    guard let colon = line.firstIndex(of: UInt8(ascii: ":")), line[..<colon].elementsEqual(key.utf8) else { continue }
    return Int(
      Substring(line[line.index(after: colon)...].drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }))
  }
  return nil
}

/// The lines of one mapping in the text of a whole smaps file, by their keys: `Rss` is `0 kB`, `VmFlags` `rd wr sh`.
func smapsEntry(_ start: UInt64, in text: String) -> [String: String]? {
  var found: [String: String]?
  for line in text.split(separator: "\n") {
    if let entry = MapsEntry(line: line) {
      if found != nil { break }
      if entry.start == start { found = [:] }
    } else if found != nil, let colon = line.firstIndex(of: ":") {
      let value = line[line.index(after: colon)...].split(separator: " ").joined(separator: " ")
      found?[String(line[..<colon])] = value
    }
  }
  return found
}
