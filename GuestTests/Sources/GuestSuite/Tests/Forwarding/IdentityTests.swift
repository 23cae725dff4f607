// SPDX-License-Identifier: Apache-2.0

internal import CGuest
internal import CLibc
internal import GuestProtocol

/// Whether the order in which the aliases are mapped matters, or the parts.
enum IdentityTests {
  static func of(_ pair: Pair) -> [GuestTest] {
    [
      GuestTest(
        "identity/\(pair.name)/orders",
        question: "Is each alias linked to the same file and offset, in whatever order they are mapped?"
      ) { look throws(Failure) in try orders(pair, look) },
      GuestTest(
        "identity/\(pair.name)/parts",
        question: "Does a part of a buffer show its own pages, even if they are first touched after a cut?"
      ) { look throws(Failure) in try parts(pair, look) },
    ]
  }

  private static func orders(_ pair: Pair, _ look: Recorder) throws(Failure) {
    let shared = try pair.share()
    let base = try References.count(inode: shared.inode) ?? 0
    let offset = hex(shared.exported.canonicalOffset)
    let last = shared.pages - 1
    var value: UInt8 = 0
    for order in permutations(of: [1, 2, 3]) {
      let name = "order " + order.map(String.init).joined(separator: "-")
      var mapped: [(alias: Int, mapping: Mapping)] = []
      for alias in order {
        switch alias {
        case 1: if let home = try shared.exported.mapAtHome() { mapped.append((1, home)) }
        case 2: mapped.append((2, try shared.exported.mapDmabuf()))
        default: mapped.append((3, try shared.mapForwarded()))
        }
      }
      // The first one mapped writes first, and so faults its pages in first.
      value += 1
      mapped[0].mapping.set(value, page: 0)
      mapped[0].mapping.set(value ^ 0xff, page: last)
      var links: Set<String> = []
      var words: Set<String> = []
      for (alias, mapping) in mapped {
        let entry = try mapping.mapsEntry()
        let path = alias == 1 ? shared.exported.homePath : "/dmabuf:"
        // A memfd is at its own offset 0, like everything that does not come from a DRM driver.
        if entry?.path != path || entry.map({ hex($0.offset) }) != offset {
          links.insert("alias \(alias): \(entry?.path ?? "none") at \(entry.map { hex($0.offset) } ?? "none")")
        }
        if alias != 1, entry?.inode != shared.inode { links.insert("alias \(alias): another inode") }
        let bytes = [mapping.byte(page: 0), mapping.byte(page: last)]
        if bytes != [value, value ^ 0xff] { words.insert("alias \(alias): bytes \(bytes)") }
      }
      look.equal(links.sorted(), [], "\(name): aliases with another file or offset", by: .file)
      look.equal(words.sorted(), [], "\(name): aliases with other bytes")
      try look.held(shared.inode, base + 2, "\(name): references")
      for (_, mapping) in mapped { mapping.unmap() }
    }
    try look.references(shared.inode, base, "all unmapped: references")
    try CountTests.tearDown(shared, look)
  }

  /// Fails on 6.12 with every DRM exporter: drm_gem_shmem_fault() counts pages from the start of the VMA. So a VMA that
  /// begins inside the buffer, because it was mapped so or because its front was cut off, shows the buffer's first
  /// pages.
  private static func parts(_ pair: Pair, _ look: Recorder) throws(Failure) {
    let shared = try pair.share()
    let marks = try shared.exported.mapDmabuf()
    marks.mark()
    let tail = 10..<shared.pages
    func bytes(_ mapping: Mapping, _ range: Range<Int>, _ name: String) {
      look.equal(range.map { mapping.tryByte(page: $0) }, tail.map { "\($0 + 1)" }, "\(name): bytes")
    }
    let offset = hex(shared.exported.canonicalOffset + UInt64(tail.lowerBound * pageSize))
    let direct = try Mapping(
      "dma-buf", of: shared.exported.dmabuf, offset: UInt64(tail.lowerBound * pageSize), pages: tail.count)
    look.equal(try direct.mapsEntry().map { hex($0.offset) }, offset, "dma-buf from a page on: vm_pgoff", by: .offset)
    bytes(direct, 0..<tail.count, "dma-buf from a page on")
    direct.unmap()

    for map in [shared.exported.mapAtHome, shared.exported.mapDmabuf, shared.mapForwarded] {
      guard let mapping = try map() else { continue }
      let whole = try mapping.mapsEntry()
      mapping.unmap(page: 0, count: tail.lowerBound)
      let rest = Mapping(mapping.name, at: mapping.address + tail.lowerBound * pageSize, pages: tail.count)
      look.equal(
        try rest.mapsEntry().map { hex($0.offset) }, whole.map { hex($0.offset + UInt64(tail.lowerBound * pageSize)) },
        "\(mapping.name) without its front: vm_pgoff")
      bytes(rest, 0..<tail.count, "\(mapping.name) without its front, touched afterwards")
      rest.unmap()
    }
    marks.unmap()
    try firstPageAlone(shared, look)
    try CountTests.tearDown(shared, look)
  }

  /// A mapping of a part of a buffer must show no more than was asked for: what follows is another buffer's memory, or
  /// nothing.
  private static func firstPageAlone(_ shared: SharedBuffer, _ look: Recorder) throws(Failure) {
    for (name, file, offset) in [
      ("dma-buf", shared.exported.dmabuf, 0), ("forwarded", shared.importer.file, shared.forwardedOffset),
    ] {
      let space = Mapping(name, at: try reserveAddresses(pages: 3), pages: 3)
      let place = space.address + pageSize
      // What is already there keeps its byte, and nothing appears where nothing is.
      let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED
      if mmap(space.address + 2 * pageSize, pageSize, PROT_READ | PROT_WRITE, flags, -1, 0) == MAP_FAILED {
        throw .call("mmap of a page")
      }
      space.set(0x3c, page: 2)
      space.unmap(page: 1, count: 1)
      space.unmap(page: 0, count: 1)
      let asked = PROT_READ | PROT_WRITE
      if mmap(space.address, pageSize, asked, MAP_SHARED | MAP_FIXED, file.number, off_t(offset)) == MAP_FAILED {
        throw .call("mmap of the first page of \(name)")
      }
      look.equal(space.tryByte(page: 0), "1", "\(name), its first page alone: its byte")
      look.equal(space.tryByte(page: 1), "SIGSEGV", "\(name), its first page alone: the page behind")
      space.unmap(page: 0, count: 1)
      if mmap(place, pageSize, asked, MAP_SHARED | MAP_FIXED, file.number, off_t(offset)) == MAP_FAILED {
        throw .call("mmap of the first page of \(name)")
      }
      look.equal(space.tryByte(page: 2), "\(0x3c)", "\(name), its first page alone: another's page behind it")
      space.unmap()
    }
  }
}

/// Every order of some elements, the given one first.
func permutations<Element>(of list: [Element]) -> [[Element]] {
  if list.count < 2 { return [list] }
  return list.indices.flatMap { index in
    var rest = list
    let first = rest.remove(at: index)
    return permutations(of: rest).map { [first] + $0 }
  }
}
