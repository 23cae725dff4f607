internal import CGuest
internal import Glibc

/// Mappings that live on when everything they came from has gone, and when the kernel moves them.
enum LifetimeTests {
  static func of(_ pair: Pair) -> [GuestTest] {
    [
      GuestTest(
        "lifetime/\(pair.name)/outlives-handles",
        question: "Does a mapping outlive the dma-buf's fd and every handle, and free the buffer at its own end?"
      ) { try outlives(pair, $0) },
      GuestTest(
        "lifetime/\(pair.name)/moved",
        question: "Does a forwarded mapping still lie at the exporter's offset once mremap() has moved it?"
      ) { try moved(pair, $0) },
    ]
  }

  private static func outlives(_ pair: Pair, _ look: Recorder) throws {
    let shared = try pair.share()
    let aliases = try shared.mapAll()
    for page in 0..<shared.pages { aliases[0].set(UInt8(1 + page), page: page) }
    try shared.closeHandles()
    shared.closeAll()
    // Alias 1 keeps its chardev open, but no handle is left in it; the other two hold the dma-buf's file, once each.
    try look.references(shared.inode, 2, "every fd and handle closed: the two mappings are left")
    for alias in aliases { marks(of: alias, look) }

    for page in shared.probes {
      aliases[aliases.count - 1].set(UInt8(0xa0 + page), page: page)
      for alias in aliases {
        look.equal(alias.byte(page: page), UInt8(0xa0 + page), "page \(page) written last, read through \(alias.name)")
      }
    }
    // The forwarded one goes last: it alone must keep the memory.
    for alias in aliases.dropLast() { alias.unmap() }
    try look.references(shared.inode, 1, "only forwarded is left")
    let last = aliases[aliases.count - 1]
    last.set(0x5c, page: 1)
    look.equal(last.byte(page: 1), 0x5c, "forwarded alone: still writable")
    look.equal(last.byte(page: 0), 0xa0, "forwarded alone: still the same bytes")
    last.unmap()
    try look.references(shared.inode, nil, "forwarded unmapped")
  }

  private static func moved(_ pair: Pair, _ look: Recorder) throws {
    let shared = try pair.share()
    for original in [try shared.exported.mapDmabuf(), try shared.mapForwarded()] {
      for page in 0..<shared.pages { original.set(UInt8(1 + page), page: page) }
      let base = try References.count(inode: shared.inode)
      let length = shared.pages * pageSize
      guard let space = reserve(length) else { throw CallFailed("reserve addresses") }
      if cguest_move(original.address, length, space) != 0 { throw CallFailed("mremap of \(original.name)") }
      let mapping = Mapping(original.name, at: space, pages: shared.pages)
      try look.references(shared.inode, base, "\(mapping.name): references once moved")
      let entry = try mapping.mapsEntry()
      look.equal(entry?.path, "/dmabuf:", "\(mapping.name): vm_file once moved")
      // A wrong offset here is how a mapping hides from unmap_mapping_range().
      let offset = hex(shared.exported.canonicalOffset)
      look.equal(entry.map { hex($0.offset) }, offset, "\(mapping.name): vm_pgoff once moved")
      marks(of: mapping, look)
      mapping.unmap()
      try look.references(shared.inode, base.map { $0 - 1 }, "\(mapping.name): references once unmapped")
    }
    try CountTests.tearDown(shared, look)
  }

  private static func marks(of mapping: Mapping, _ look: Recorder) {
    let wrong = (0..<mapping.pages).filter { mapping.byte(page: $0) != UInt8(1 + $0) }
    look.equal(wrong, [], "\(mapping.name): pages without their own mark")
  }

  private static func reserve(_ length: Int) -> UnsafeMutableRawPointer? {
    let address = mmap(nil, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    return address == MAP_FAILED ? nil : address
  }
}
