/// One line of `/proc/<pid>/maps`: what file a mapping is linked to, and where in it.
struct MapsEntry: Hashable {
  var start: UInt64
  var end: UInt64
  /// `vm_pgoff` in bytes.
  var offset: UInt64
  var inode: UInt64
  /// The file as the kernel names it; empty for memory that has none.
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
  static func parse(_ text: String) -> [BufInfo] {
    text.split(separator: "\n").compactMap { line in
      let words = line.split(separator: "\t", omittingEmptySubsequences: false)
      guard words.count >= 7, Int(words[0]) != nil, let count = Int(words[3]), let inode = UInt64(words[5]) else {
        return nil
      }
      return BufInfo(inode: inode, count: count, exporter: String(words[4]))
    }
  }
}

/// The number behind a key of `/proc/<pid>/fdinfo/<fd>`, as in `count:	3`.
func fdinfoNumber(_ key: String, in text: String) -> Int? {
  for line in text.split(separator: "\n") {
    let parts = line.split(separator: ":", maxSplits: 1)
    if parts.count == 2, parts[0] == key { return Int(parts[1].drop { $0 == " " || $0 == "\t" }) }
  }
  return nil
}
