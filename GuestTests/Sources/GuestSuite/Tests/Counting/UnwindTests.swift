// SPDX-License-Identifier: Apache-2.0

internal import CGuest
internal import CLibc

/// Refusals halfway through: of a mapping that was to replace another one, and of writes through a read-only dma-buf or
/// chardev.
enum UnwindTests {
  static func of(_ pair: Pair) -> [GuestTest] {
    [
      GuestTest(
        "errors/\(pair.name)/over-another",
        question: "Does a forwarded mmap() that fails over other mappings unwind cleanly (2024, CVE-2024-53096)?"
      ) { look throws(Failure) in try overAnother(pair, look) }
    ]
      + (pair.exporter == .udmabuf
        ? []
        : [
          GuestTest(
            "errors/\(pair.name)/read-only",
            question: "What can be written through a read-only dma-buf, or a read-only chardev?"
          ) { look throws(Failure) in try readOnly(pair, look) }
        ])
  }

  private static func overAnother(_ pair: Pair, _ look: Recorder) throws(Failure) {
    let shared = try pair.share()
    let base = try References.count(inode: shared.inode) ?? 0
    let forwarded = try shared.mapForwarded()
    forwarded.mark()
    let flags = MAP_PRIVATE | MAP_FIXED
    func fail(_ file: OpenFile, _ offset: UInt64, page: Int, pages: Int) -> String {
      let answer = mmap(
        forwarded.address + page * pageSize, pages * pageSize, PROT_READ | PROT_WRITE, flags, file.number,
        off_t(truncatingIfNeeded: offset))
      return answer == MAP_FAILED ? errnoName(errno) : "mapped"
    }
    // By then the kernel has unmapped and closed the old mapping, and does not put it back.
    look.equal(
      fail(shared.importer.file, shared.forwardedOffset, page: 4, pages: 3), "EINVAL", "forwarded over its own middle")
    try look.pieces(of: forwarded, shared, are: [0..<4, 7..<16], base: base, "forwarded over its own middle")
    look.equal(
      fail(shared.exported.dmabuf, 0, page: 9, pages: 3), "EINVAL", "the dma-buf over its own rest")
    try look.pieces(of: forwarded, shared, are: [0..<4, 7..<9, 12..<16], base: base, "the dma-buf over its own rest")
    // Refused before anything is unmapped.
    look.equal(
      fail(shared.importer.file, shared.forwardedOffset + 1, page: 0, pages: 2), "EINVAL", "at no whole page")
    try look.pieces(of: forwarded, shared, are: [0..<4, 7..<9, 12..<16], base: base, "at no whole page")
    look.equal(
      fail(shared.importer.file, shared.forwardedOffset, page: 0, pages: 16), "EINVAL",
      "forwarded over all and its holes")
    try look.pieces(of: forwarded, shared, are: [], base: base, "forwarded over all and its holes")

    // The object must still exist, and be what is mapped again.
    let again = try shared.mapForwarded()
    look.equal((0..<shared.pages).filter { again.tryByte(page: $0) != "\($0 + 1)" }, [], "mapped again: wrong pages")
    again.unmap()
    try CountTests.tearDown(shared, look)
  }

  /// On 6.12 a read-only dma-buf can be written through a chardev that imported it: the check for write access looks at
  /// the file that mmap() was called on. A series that changes this should know it.
  private static func readOnly(_ pair: Pair, _ look: Recorder) throws(Failure) {
    let exported = try pair.exporter.exportReadOnly(pages: 4)
    let shared = try SharedBuffer(exported, importer: DrmClient(driver: pair.importer))
    let base = try References.count(inode: shared.inode) ?? 0
    func map(_ file: OpenFile, _ offset: UInt64, _ protection: Int32) -> Mapping? {
      let address = mmap(nil, 4 * pageSize, protection, MAP_SHARED, file.number, off_t(truncatingIfNeeded: offset))
      return address == MAP_FAILED ? nil : address.map { Mapping("", at: $0, pages: 4) }
    }
    func answer(_ file: OpenFile, _ offset: UInt64, _ protection: Int32) -> String {
      guard let mapping = map(file, offset, protection) else { return errnoName(errno) }
      mapping.unmap()
      return "mapped"
    }
    let both = PROT_READ | PROT_WRITE
    look.equal(answer(exported.dmabuf, 0, both), "EACCES", "dma-buf: writable")
    guard let reader = map(exported.dmabuf, 0, PROT_READ) else { throw .call("mmap of the dma-buf to read") }
    look.equal(reader.protect(0..<4, both), "EACCES", "dma-buf: made writable afterwards")
    look.equal(reader.trySet(1, page: 0), "SIGSEGV", "dma-buf: a write")

    let written = map(shared.importer.file, shared.forwardedOffset, both)
    look.expect(written != nil, "forwarded: writable, by a chardev that may be written", "as 6.12 has it")
    if let written {
      look.equal(written.trySet(0x33, page: 2), "written", "forwarded: a write")
      look.equal(reader.tryByte(page: 2), "\(0x33)", "forwarded: that write, read through the dma-buf")
      written.unmap()
    }
    shared.importer.close()

    // Another client, which imports for itself.
    let other = try SharedBuffer(exported, importer: DrmClient(driver: pair.importer, flags: O_RDONLY))
    let file = other.importer.file
    look.equal(answer(file, other.forwardedOffset, both), "EACCES", "forwarded from a read-only chardev: writable")
    guard let mine = map(file, other.forwardedOffset, PROT_READ) else {
      throw .call("mmap of a read-only chardev")
    }
    look.equal(mine.tryByte(page: 2), "\(0x33)", "forwarded from a read-only chardev: reads")
    look.equal(mine.protect(0..<4, both), "EACCES", "forwarded from a read-only chardev: made writable afterwards")
    look.equal(mine.trySet(1, page: 2), "SIGSEGV", "forwarded from a read-only chardev: a write")
    try look.held(other.inode, base + 2, "references with the two that read")
    mine.unmap()
    reader.unmap()
    try look.references(other.inode, base, "both unmapped")
    other.importer.close()
    try look.references(other.inode, shared.countBeforeImport, "the importer's chardev closed: as before the import")
    exported.closeHome()
    exported.dmabuf.close()
    try look.references(other.inode, nil, "all closed")
  }
}
