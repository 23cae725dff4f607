// SPDX-License-Identifier: Apache-2.0

internal import CGuest
internal import CLibc
internal import GuestProtocol

/// What a process may do to its forwarded mapping.
enum VmaTests {
  static func of(_ pair: Pair) -> [GuestTest] {
    [
      GuestTest(
        "vma/\(pair.name)/protection",
        question: "Does mprotect() of a forwarded mapping, or of a part of it, change the protection and nothing else?"
      ) { look throws(Failure) in try protection(pair, look) },
      GuestTest(
        "vma/\(pair.name)/reshaped",
        question: "However a forwarded mapping is cut, replaced and moved, does each remaining VMA hold one reference?"
      ) { look throws(Failure) in try reshaped(pair, look) },
      GuestTest(
        "vma/\(pair.name)/neighbours",
        question: "Do adjacent mappings of one buffer stay intact, whether or not the kernel merges them?"
      ) { look throws(Failure) in try neighbours(pair, look) },
      GuestTest(
        "vma/\(pair.name)/grown",
        question: "Can a forwarded mapping be grown beyond its buffer (2022: udmabuf's fault handler lost its bound)?"
      ) { look throws(Failure) in try grown(pair, look) },
    ]
  }

  private static func protection(_ pair: Pair, _ look: Recorder) throws(Failure) {
    let shared = try pair.share()
    let base = try References.count(inode: shared.inode) ?? 0
    let forwarded = try shared.mapForwarded()
    let other = try shared.exported.mapDmabuf()
    let whole = 0..<shared.pages
    let part = 4..<8
    forwarded.mark()

    look.equal(forwarded.protect(whole, PROT_READ), "ok", "all to read only")
    look.equal(forwarded.trySet(0xff, page: 1), "SIGSEGV", "read only: a write")
    other.set(0x70, page: 1)
    look.equal(forwarded.tryByte(page: 1), "\(0x70)", "read only: sees a write through the dma-buf")
    look.equal(forwarded.protect(whole, PROT_READ | PROT_WRITE), "ok", "all back to writable")
    look.equal(forwarded.trySet(Mapping.mark(of: 1), page: 1), "written", "writable again: a write")
    look.equal(other.byte(page: 1), Mapping.mark(of: 1), "writable again: seen through the dma-buf")
    try look.pieces(of: forwarded, shared, are: [whole], base: base, elsewhere: 1, "writable again")

    look.equal(forwarded.protect(part, PROT_NONE), "ok", "a part to nothing")
    let answers = [part.lowerBound - 1, part.lowerBound, part.upperBound - 1, part.upperBound].map {
      forwarded.tryByte(page: $0)
    }
    look.equal(answers, ["4", "SIGSEGV", "SIGSEGV", "9"], "a part to nothing: reads before, in, in, and behind it")
    try look.held(
      shared.inode, base + mappings(ofDmabuf: shared.inode).count, "a part to nothing: one reference for each VMA")
    look.equal(forwarded.protect(part, PROT_READ | PROT_WRITE), "ok", "the part back")
    look.equal(forwarded.trySet(Mapping.mark(of: 5), page: 5), "written", "the part back: a write")
    try look.pieces(of: forwarded, shared, are: [whole], base: base, elsewhere: 1, "the part back")

    forwarded.unmap()
    other.unmap()
    try CountTests.tearDown(shared, look)
  }

  private static func reshaped(_ pair: Pair, _ look: Recorder) throws(Failure) {
    let shared = try pair.share()
    let base = try References.count(inode: shared.inode) ?? 0
    let forwarded = try shared.mapForwarded()
    let whole = try forwarded.mapsEntry()
    // Touched at once, while the mapping is whole: identity/…/parts covers pages that are faulted in later.
    forwarded.mark()
    func pieces(_ expected: [Range<Int>], elsewhere: Int = 0, _ step: String) throws(Failure) {
      try look.pieces(of: forwarded, shared, are: expected, base: base, elsewhere: elsewhere, step)
    }
    forwarded.unmap(page: 0, count: 1)
    try pieces([1..<16], "first page unmapped")
    forwarded.unmap(page: 15, count: 1)
    try pieces([1..<15], "last page unmapped")
    forwarded.unmap(page: 8, count: 1)
    try pieces([1..<8, 9..<15], "a middle page unmapped")

    let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED
    let place = forwarded.address + 4 * pageSize
    if mmap(place, pageSize, PROT_READ | PROT_WRITE, flags, -1, 0) != place { throw .call("mmap over a page") }
    look.equal(forwarded.tryByte(page: 4), "0", "another mapping over a page: its byte")
    try pieces([1..<4, 5..<8, 9..<15], "another mapping over a page")
    let head = forwarded.address + pageSize
    if cguest_mremap(head, 3 * pageSize, 2 * pageSize, 0, nil) == nil { throw .call("mremap to fewer pages") }
    try pieces([1..<3, 5..<8, 9..<15], "a piece shrunk")

    let target = try reserveAddresses(pages: 2)
    if cguest_move(forwarded.address + 11 * pageSize, 2 * pageSize, target) < 0 { throw .call("mremap of a part") }
    let moved = Mapping("moved", at: target, pages: 2)
    try pieces([1..<3, 5..<8, 9..<11, 13..<15], elsewhere: 1, "a part of a piece moved")
    look.equal([moved.tryByte(page: 0), moved.tryByte(page: 1)], ["12", "13"], "moved: its own bytes")
    // The heap's mapping counts as anonymous, so its offset changes when it is moved. lifetime/…/moved covers that.
    if pair.exporter != .systemHeap {
      let offset = whole.map { hex($0.offset + UInt64(11 * pageSize)) }
      look.equal(try moved.mapsEntry().map { hex($0.offset) }, offset, "moved: vm_pgoff")
    }
    forwarded.unmap()
    try pieces([], elsewhere: 1, "all of it unmapped at once, holes and all")
    moved.unmap()
    try CountTests.tearDown(shared, look)
  }

  private static func neighbours(_ pair: Pair, _ look: Recorder) throws(Failure) {
    let shared = try pair.share()
    let base = try References.count(inode: shared.inode) ?? 0
    let half = shared.pages / 2
    let first = try shared.mapForwarded()
    first.mark()
    first.unmap()

    // The same file at the offset that continues the neighbour's: it would be merged but for the flags.
    let space = try reserveAddresses(pages: shared.pages)
    let whole = Mapping("side by side", at: space, pages: shared.pages)
    func map(_ file: OpenFile, _ offset: UInt64, page: Int, pages: Int) throws(Failure) {
      let place = space + page * pageSize
      let flags = MAP_SHARED | MAP_FIXED
      let address = mmap(
        place, pages * pageSize, PROT_READ | PROT_WRITE, flags, file.number, off_t(truncatingIfNeeded: offset))
      if address != place { throw .call("mmap beside it") }
    }
    try map(shared.importer.file, shared.forwardedOffset, page: 0, pages: half)
    try look.pieces(of: whole, shared, are: [0..<half], base: base, "the first half forwarded")
    try map(shared.exported.dmabuf, UInt64(half * pageSize), page: half, pages: half)
    // identity/…/parts covers what the second half shows.
    var all = try mappings(ofDmabuf: shared.inode)
    look.equal(
      all.map { Int(($0.end - $0.start) / 4096) }.reduce(0, +), shared.pages, "the second half beside it: pages",
      by: .file)
    try look.held(shared.inode, base + all.count, "the second half beside it: one reference for each VMA")
    let astray = all.filter { $0.offset != shared.exported.canonicalOffset + ($0.start - whole.start) }
    look.equal(
      astray.map { hex($0.offset) }, [], "the second half beside it: VMAs at an offset not their own", by: .offset)

    look.equal(whole.protect(2..<4, PROT_READ), "ok", "a part to read only")
    look.equal(whole.protect(2..<4, PROT_READ | PROT_WRITE), "ok", "and back")
    try map(shared.importer.file, shared.forwardedOffset, page: 0, pages: half)
    try look.held(
      shared.inode, base + mappings(ofDmabuf: shared.inode).count, "forwarded again over what was split")
    look.equal((0..<half).map { whole.tryByte(page: $0) }, (0..<half).map { "\($0 + 1)" }, "its bytes")

    try map(shared.importer.file, shared.forwardedOffset, page: 0, pages: shared.pages)
    try look.pieces(of: whole, shared, are: [0..<shared.pages], base: base, "forwarded whole over both")
    whole.unmap(page: half, count: half)
    whole.unmap(page: 0, count: half)
    all = try mappings(ofDmabuf: shared.inode)
    look.equal(all.count, 0, "unmapped: VMAs left")
    try CountTests.tearDown(shared, look)
  }

  private static func grown(_ pair: Pair, _ look: Recorder) throws(Failure) {
    let shared = try pair.share(pages: 4)
    let base = try References.count(inode: shared.inode) ?? 0
    let mayMove = Int32(CGUEST_MREMAP_MAYMOVE)
    let leaveBehind = Int32(CGUEST_MREMAP_DONTUNMAP)
    for map in [shared.exported.mapDmabuf, shared.mapForwarded] {
      let mapping = try map()
      mapping.mark()
      let length = 4 * pageSize
      let ways: [(name: String, old: Int, flags: Int32, code: String)] = [
        ("in place", length, 0, "EFAULT"), ("to where there is room", length, mayMove, "EFAULT"),
        ("from its last page", pageSize, mayMove, "EFAULT"), ("as a copy", 0, mayMove, "EFAULT"),
        ("leaving itself behind", length, mayMove | leaveBehind, "EINVAL"),
      ]
      for way in ways {
        let from = way.old == pageSize ? mapping.address + 3 * pageSize : mapping.address
        // A move that leaves the old mapping behind must keep its length.
        let new = way.flags & leaveBehind == 0 ? length + pageSize : length
        let name = "\(mapping.name): grown \(way.name)"
        guard let address = cguest_mremap(from, way.old, new, way.flags, nil) else {
          look.equal(errnoName(errno), way.code, name)
          continue
        }
        look.expect(false, name, "granted, expected \(way.code)")
        // Then nothing beyond the buffer may be accessible.
        let granted = Mapping(mapping.name, at: address, pages: new / pageSize)
        look.equal(granted.tryByte(page: granted.pages - 1), "SIGBUS", "\(name): the page behind the buffer")
        granted.unmap()
      }
      try look.pieces(of: mapping, shared, are: [0..<4], base: base, "\(mapping.name): afterwards")
      mapping.unmap()
    }
    try CountTests.tearDown(shared, look)
  }
}
