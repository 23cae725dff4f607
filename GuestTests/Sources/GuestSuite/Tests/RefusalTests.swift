internal import Glibc

/// Mappings that must be refused, and that must leave nothing behind.
enum RefusalTests {
  private static let repetitions = 50

  static func of(_ pair: Pair) -> [GuestTest] {
    [
      GuestTest(
        "errors/\(pair.name)/private-writable",
        question: "When the exporter refuses after vm_file was swapped, which file does mmap_region() put?"
      ) { try privateWritable(pair, $0) },
      GuestTest(
        "errors/\(pair.name)/beyond-the-buffer",
        question: "Is a mapping that reaches beyond the buffer refused on every way to it?"
      ) { try beyond(pair, $0) },
      GuestTest(
        "access/\(pair.name)/no-handle",
        question: "Can a client that holds no handle map what another client imported or allocated?"
      ) { try withoutHandle(pair, $0) },
    ]
  }

  private static func privateWritable(_ pair: Pair, _ look: Recorder) throws {
    let shared = try pair.share()
    let base = try References.count(inode: shared.inode)
    var answers: Set<String> = []
    var counts: Set<Int> = []
    for _ in 0..<repetitions {
      answers.insert(refused(shared.importer.file, shared.forwardedOffset, shared.pages, MAP_PRIVATE))
      counts.insert(try References.count(inode: shared.inode) ?? 0)
    }
    look.equal(answers.sorted(), ["EINVAL"], "forwarded, private and writable, \(repetitions) times")
    look.equal(counts.sorted(), [base ?? -1], "dma-buf: references after each")

    // A reference to the chardev put too often would have released it under us, with its handles.
    let exported = try shared.importer.export(shared.handle)
    look.equal(try exported.inode(), shared.inode, "the importer's handle still leads to the dma-buf")
    exported.close()
    let forwarded = try shared.mapForwarded()
    try look.references(shared.inode, base.map { $0 + 1 }, "forwarded mapped afterwards")
    forwarded.set(0x77, page: 0)
    look.equal(forwarded.byte(page: 0), 0x77, "and it can be written")
    forwarded.unmap()
    // One put too seldom would keep it open, and what the import holds with it.
    try CountTests.tearDown(shared, look)
  }

  private static func beyond(_ pair: Pair, _ look: Recorder) throws {
    let shared = try pair.share()
    let base = try References.count(inode: shared.inode)
    let page = UInt64(pageSize)
    let end = UInt64(shared.pages) * page
    let chardev = shared.importer.file
    let dmabuf = shared.exported.dmabuf
    let offset = shared.forwardedOffset
    look.equal(refused(chardev, offset, shared.pages + 1), "EINVAL", "forwarded: one page too many")
    // A fake offset names an object by its first page only.
    look.equal(refused(chardev, offset + page, 1), "EINVAL", "forwarded: from the second page")
    look.equal(refused(chardev, offset + end, 1), "EINVAL", "forwarded: the page behind")
    look.equal(refused(dmabuf, 0, shared.pages + 1), "EINVAL", "dma-buf: one page too many")
    look.equal(refused(dmabuf, page, shared.pages), "EINVAL", "dma-buf: all pages, from the second")
    look.equal(refused(dmabuf, end, 1), "EINVAL", "dma-buf: the page behind")
    try look.references(shared.inode, base, "references after all refusals")
    // Proves that it was the bounds which were refused.
    look.equal(refused(chardev, offset, shared.pages), "mapped", "control: forwarded, the whole buffer")
    look.equal(refused(chardev, offset, 1), "mapped", "control: forwarded, its first page alone")
    look.equal(refused(dmabuf, end - page, 1), "mapped", "control: dma-buf, its last page alone")
    try look.references(shared.inode, base, "references after the controls")
    try CountTests.tearDown(shared, look)
  }

  private static func withoutHandle(_ pair: Pair, _ look: Recorder) throws {
    let shared = try pair.share()
    let base = try References.count(inode: shared.inode)
    let stranger = try shared.importer.stranger()
    let offset = shared.forwardedOffset
    look.equal(refused(stranger.file, offset, shared.pages), "EACCES", "importer: a client without a handle")
    try look.references(shared.inode, base, "references afterwards")
    look.equal(refused(shared.importer.file, offset, shared.pages), "mapped", "control: the client with the handle")

    // An import of its own is another object at another fake offset: it opens nobody else's.
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

  /// How a writable mapping was refused, or that it was not.
  private static func refused(_ file: OpenFile, _ offset: UInt64, _ pages: Int, _ flags: Int32 = MAP_SHARED) -> String {
    let code = Mapping.refusal(of: file, offset: offset, pages: pages, flags: flags)
    return code == 0 ? "mapped" : errnoName(code)
  }
}
