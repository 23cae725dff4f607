// SPDX-License-Identifier: Apache-2.0

internal import CLibc

/// Mappings that must be refused without leaving anything behind.
enum RefusalTests {
  private static let repetitions = 50

  static func of(_ pair: Pair) -> [GuestTest] {
    [
      GuestTest(
        "errors/\(pair.name)/private-writable",
        question: "If the exporter refuses after vm_file was swapped, which file does mmap_region() put?"
      ) { look throws(Failure) in try privateWritable(pair, look) },
      GuestTest(
        "errors/\(pair.name)/beyond-the-buffer",
        question: "Is a mapping beyond the buffer refused by every path to it?"
      ) { look throws(Failure) in try beyond(pair, look) },
      GuestTest(
        "access/\(pair.name)/no-handle",
        question: "Can a client that holds no handle map what another client imported or allocated?"
      ) { look throws(Failure) in try withoutHandle(pair, look) },
    ]
  }

  private static func privateWritable(_ pair: Pair, _ look: Recorder) throws(Failure) {
    let shared = try pair.share()
    let base = try References.count(inode: shared.inode)
    var answers: Set<String> = []
    var counts: Set<Int> = []
    for _ in 0..<repetitions {
      answers.insert(refused(shared.importer.file, shared.forwardedOffset, shared.pages, MAP_PRIVATE))
      counts.insert(try References.count(descriptor: shared.exported.dmabuf) ?? 0)
    }
    look.equal(answers.sorted(), ["EINVAL"], "forwarded, private and writable, \(repetitions) times")
    look.equal(counts.sorted(), [base ?? -1], "dma-buf: references after each")
    look.equal(try mappings(ofDmabuf: shared.inode).count, 0, "VMAs left by them")
    // On 6.12 the heap maps a single page privately: remap_pfn_range() refuses that only for a part of a VMA.
    let single = pair.exporter == .systemHeap ? "mapped" : "EINVAL"
    look.equal(refused(shared.importer.file, shared.forwardedOffset, 1, MAP_PRIVATE), single, "a single page of it")

    // Private is private, whatever its protection is now.
    var ways = [("forwarded", shared.importer.file, shared.forwardedOffset), ("dma-buf", shared.exported.dmabuf, 0)]
    if case .chardev(let client, let buffer) = shared.exported.home {
      ways.append(("chardev", client.file, buffer.fakeOffset))
    }
    for (name, file, offset) in ways {
      for (word, protection) in [("read only", PROT_READ), ("no access", PROT_NONE)] {
        let address = mmap(nil, shared.pages * pageSize, protection, MAP_PRIVATE, file.number, off_t(offset))
        look.equal(address == MAP_FAILED ? errnoName(errno) : "mapped", "EINVAL", "\(name), private, \(word)")
      }
    }

    // If the chardev had been put once too often, it would have been released under us, with its handles.
    let exported = try shared.importer.export(shared.handle)
    look.equal(try exported.inode(), shared.inode, "the importer's handle still leads to the dma-buf")
    exported.close()
    let forwarded = try shared.mapForwarded()
    try look.held(shared.inode, base.map { $0 + 1 }, "forwarded mapped afterwards")
    forwarded.set(0x77, page: 0)
    look.equal(forwarded.byte(page: 0), 0x77, "and it can be written")
    forwarded.unmap()
    // If it had been put too rarely, it would stay open, with everything the import holds.
    try CountTests.tearDown(shared, look)
  }

  private static func beyond(_ pair: Pair, _ look: Recorder) throws(Failure) {
    let shared = try pair.share()
    let base = try References.count(inode: shared.inode)
    let page = UInt64(pageSize)
    let end = UInt64(shared.pages) * page
    let chardev = shared.importer.file
    let dmabuf = shared.exported.dmabuf
    let offset = shared.forwardedOffset
    look.equal(refused(chardev, offset, shared.pages + 1), "EINVAL", "forwarded: one page too many")
    // A fake offset identifies an object by its first page only.
    look.equal(refused(chardev, offset + page, 1), "EINVAL", "forwarded: from the second page")
    look.equal(refused(chardev, offset + end, 1), "EINVAL", "forwarded: the page behind")
    if case .chardev(let client, let buffer) = shared.exported.home {
      look.equal(refused(client.file, buffer.fakeOffset, shared.pages + 1), "EINVAL", "chardev: one page too many")
      look.equal(refused(client.file, buffer.fakeOffset + page, 1), "EINVAL", "chardev: from the second page")
    }
    look.equal(refused(dmabuf, 0, shared.pages + 1), "EINVAL", "dma-buf: one page too many")
    look.equal(refused(dmabuf, page, shared.pages), "EINVAL", "dma-buf: all pages, from the second")
    look.equal(refused(dmabuf, end, 1), "EINVAL", "dma-buf: the page behind")
    // Offsets and lengths that overflow on the way, or that are not page-aligned.
    let limit: UInt64 = 1 << 63
    for (name, file) in [("forwarded", chardev), ("dma-buf", dmabuf)] {
      look.equal(refused(file, limit - page, 1), "EINVAL", "\(name): the last offset that off_t has")
      look.equal(refused(file, limit - page, shared.pages), "EINVAL", "\(name): and beyond it")
      look.equal(
        refused(file, 0 &- page, shared.pages), "EOVERFLOW", "\(name): the last page that there is, and beyond")
      look.equal(refused(file, offset + 1, 1), "EINVAL", "\(name): at no whole page")
      look.equal(refused(file, 0, 0), "EINVAL", "\(name): no page")
      look.equal(refused(file, 0, 1 << 40), "ENOMEM", "\(name): more than there are addresses")
    }
    look.equal(try mappings(ofDmabuf: shared.inode).count, 0, "VMAs left by all refusals")
    try look.references(shared.inode, base, "references after all refusals")
    // Proves that the bounds were the reason for the refusals.
    look.equal(refused(chardev, offset, shared.pages), "mapped", "control: forwarded, the whole buffer")
    look.equal(refused(chardev, offset, 1), "mapped", "control: forwarded, its first page alone")
    look.equal(refused(dmabuf, end - page, 1), "mapped", "control: dma-buf, its last page alone")
    try look.references(shared.inode, base, "references after the controls")
    try CountTests.tearDown(shared, look)
  }

  private static func withoutHandle(_ pair: Pair, _ look: Recorder) throws(Failure) {
    let shared = try pair.share()
    let base = try References.count(inode: shared.inode)
    let stranger = try shared.importer.stranger()
    let offset = shared.forwardedOffset
    look.equal(refused(stranger.file, offset, shared.pages), "EACCES", "importer: a client without a handle")
    try look.references(shared.inode, base, "references afterwards")
    look.equal(refused(shared.importer.file, offset, shared.pages), "mapped", "control: the client with the handle")

    // Its own import is another object at another fake offset, and gives no access to the first one.
    let handle = try stranger.importBuffer(shared.exported.dmabuf)
    look.equal(
      refused(stranger.file, offset, shared.pages), "EACCES", "importer: that client with an import of its own")
    try stranger.closeHandle(handle)
    stranger.close()
    try look.references(shared.inode, base, "references after that client has gone")

    if case .chardev(let client, let buffer) = shared.exported.home {
      let other = try client.stranger()
      look.equal(
        refused(other.file, buffer.fakeOffset, shared.pages), "EACCES", "exporter: a client without a handle")
      look.equal(
        refused(client.file, buffer.fakeOffset, shared.pages), "mapped", "control: the exporter's own client")
      other.close()
    }
    try CountTests.tearDown(shared, look)
  }

  /// The errno with which a writable mapping was refused, or `mapped`.
  private static func refused(_ file: OpenFile, _ offset: UInt64, _ pages: Int, _ flags: Int32 = MAP_SHARED) -> String {
    let code = Mapping.refusal(of: file, offset: offset, pages: pages, flags: flags)
    return code == 0 ? "mapped" : errnoName(code)
  }
}
