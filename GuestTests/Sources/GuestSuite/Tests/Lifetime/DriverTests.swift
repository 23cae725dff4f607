// SPDX-License-Identifier: Apache-2.0

internal import CGuest
internal import CLibc
internal import GuestProtocol

/// What only the test driver can cause or observe: failures at every step of the path, offsets that no stock importer
/// passes on, and which address space counts a mapping.
enum DriverTests {
  private static let importers = ["vgem", "vkms", TestDriver.name]
  /// An errno that nothing on the path returns by itself.
  private static let asked = EPROTO

  static let all: [GuestTest] =
    importers.flatMap { importer in
      [
        GuestTest(
          "failure/pbtest-to-\(importer)/each-step",
          question:
            "If mmap() fails at any step of the path, are all counts restored, and is that step's errno returned?"
        ) { look throws(Failure) in try eachStep(importer, look) },
        GuestTest(
          "accounting/pbtest-to-\(importer)/address-spaces",
          question: "mmap_region() counts writable mappings in two places: do both address spaces come out balanced?"
        ) { look throws(Failure) in try accounting(importer, look) },
        GuestTest(
          "history/pbtest-to-\(importer)/stale-vm-ops",
          question: "If an exporter sets no vm_ops (2023), does the mapping inherit the importer's?"
        ) { look throws(Failure) in try staleOps(importer, look) },
      ]
    } + [
      GuestTest(
        "errors/pbtest-to-pbtest/bounds",
        question:
          "If dma_buf_mmap() is asked for a range beyond the buffer, or one that overflows, is it refused cleanly?"
      ) { look throws(Failure) in try bounds(look) },
      GuestTest(
        "forward/pbtest-to-vgem/own-file",
        question:
          "If an exporter puts its own file into the mapping (i915, etnaviv), does that file stay, without a leak?"
      ) { look throws(Failure) in try ownFile(look) },
      GuestTest(
        "errors/pbtest-to-vgem/no-mmap",
        question: "If a dma-buf has no mmap callback, is a mapping refused without a leak?"
      ) { look throws(Failure) in try withoutMmap(look) },
      GuestTest(
        "counts/pbtest-to-vgem/objects",
        question:
          "Does every handle and every mapping hold exactly one reference to its object, and the last one free it?"
      ) { look throws(Failure) in try objects(look) },
      GuestTest(
        "leaks/pbtest/unload",
        question: "Can the exporter's driver be unloaded once its buffers are gone, and not before?"
      ) { look throws(Failure) in try unload(look) },
    ]

  /// The numbers that no failure may change.
  private struct Balance: Equatable, Shown {
    var counts: [Int64]
    var writable: [Int64]
    var mappings: [UInt64]

    /// - Parameter files: the exporter's chardev, the dma-buf, the importer's chardev.
    init(_ kernel: KernelView, _ files: [OpenFile]) throws(Failure) {
      counts = []
      writable = []
      mappings = []
      for file in files {
        let seen = try kernel.file(file)
        counts.append(seen.count)
        writable.append(seen.i_mmap_writable)
        mappings.append(seen.vmas)
      }
    }

    var shown: String { "counts \(counts), i_mmap_writable \(writable), VMAs \(mappings)" }
  }

  private static func files(_ shared: SharedBuffer, _ client: DrmClient) -> [OpenFile] {
    [client.file, shared.exported.dmabuf, shared.importer.file]
  }

  private static func eachStep(_ importer: String, _ look: Recorder) throws(Failure) {
    let kernel = try TestDriver.ask()
    let client = try TestDriver.client(0)
    let shared = try MoveTests.share(client, with: importer)
    guard case .chardev(_, let buffer) = shared.exported.home else { return }
    var steps: [(name: String, step: pbtest_step, handle: UInt32, of: DrmClient, ways: [String])] = [
      ("mmap, at its beginning", PBTEST_FAIL_MMAP_ENTRY, buffer.handle, client, ["chardev", "dma-buf", "forwarded"]),
      ("mmap, at its end", PBTEST_FAIL_MMAP_LATE, buffer.handle, client, ["chardev", "dma-buf", "forwarded"]),
      (
        "dma_buf_ops.mmap, at its beginning", PBTEST_FAIL_DMABUF_ENTRY, buffer.handle, client, ["dma-buf", "forwarded"]
      ),
      ("dma_buf_ops.mmap, at its end", PBTEST_FAIL_DMABUF_LATE, buffer.handle, client, ["dma-buf", "forwarded"]),
    ]
    if importer == TestDriver.name {
      steps += [
        ("before dma_buf_mmap()", PBTEST_FAIL_FORWARD_ENTRY, shared.handle, shared.importer, ["forwarded"]),
        ("after dma_buf_mmap()", PBTEST_FAIL_FORWARD_LATE, shared.handle, shared.importer, ["forwarded"]),
      ]
    }
    let ways: [String: (file: OpenFile, offset: UInt64)] = [
      "chardev": (client.file, buffer.fakeOffset), "dma-buf": (shared.exported.dmabuf, 0),
      "forwarded": (shared.importer.file, shared.forwardedOffset),
    ]
    let before = try Balance(kernel, files(shared, client))
    for step in steps {
      for name in step.ways {
        let way = ways[name]!
        try step.of.fail(step.handle, at: step.step, with: asked)
        let code = Mapping.refusal(of: way.file, offset: way.offset, pages: shared.pages)
        look.equal(code == 0 ? "mapped" : errnoName(code), errnoName(asked), "\(name): \(step.name): errno")
        look.equal(try Balance(kernel, files(shared, client)), before, "\(name): \(step.name): all as before")
      }
    }
    // Proves that the requested step was what failed, and that mapping works again.
    for alias in try shared.mapAll() {
      alias.set(0x21, page: 1)
      look.equal(alias.byte(page: 1), 0x21, "control: \(alias.name): can be mapped afterwards")
      alias.unmap()
    }
    look.equal(try Balance(kernel, files(shared, client)), before, "all as before in the end")
    shared.closeAll()
  }

  private static func accounting(_ importer: String, _ look: Recorder) throws(Failure) {
    let kernel = try TestDriver.ask()
    let client = try TestDriver.client(0)
    let shared = try MoveTests.share(client, with: importer)
    let device = try kernel.file(client.file)
    let other = try kernel.file(shared.importer.file)
    look.expect(device.mapping_ino != other.mapping_ino, "control: two devices, two address spaces")
    let bufferPages = shared.exported.canonicalOffset / 4096
    let range = bufferPages...(bufferPages + UInt64(shared.pages) - 1)

    func check(_ mapped: Int, _ step: String) throws(Failure) {
      // Once nothing is mapped, nothing may be left anywhere.
      let design: Design? = mapped == 0 ? nil : .addressSpace
      let here = try kernel.file(client.file, pages: range)
      look.equal(here.vmas, device.vmas + UInt64(mapped), "\(step): VMAs on the exporter's address space", by: design)
      look.equal(
        here.vmas_within, UInt64(mapped), "\(step): of these, VMAs that show the buffer", by: design)
      look.equal(
        here.i_mmap_writable, device.i_mmap_writable + Int64(mapped), "\(step): exporter's i_mmap_writable",
        by: design)
      let there = try kernel.file(shared.importer.file)
      look.equal(there.vmas, other.vmas, "\(step): VMAs on the importer's address space", by: design)
      look.equal(there.i_mmap_writable, other.i_mmap_writable, "\(step): importer's i_mmap_writable", by: design)
    }
    try check(0, "nothing mapped")
    let aliases = try shared.mapAll()
    try check(3, "all mapped")
    // A copy in a child counts like the original.
    var control: Int32 = 0
    let child = cguest_fork_holder(&control)
    if child < 0 { throw .call("fork") }
    try check(6, "and forked")
    _ = cguest_release_holder(child, control)
    try check(3, "the child gone")
    aliases[2].unmap(page: 1, count: 1)
    try check(4, "a hole in the forwarded one")
    for alias in aliases { alias.unmap() }
    try check(0, "all unmapped")
    look.equal(
      Mapping.refusal(
        of: shared.importer.file, offset: shared.forwardedOffset, pages: shared.pages, flags: MAP_PRIVATE),
      EINVAL, "control: MAP_PRIVATE is refused")
    try check(0, "after a refusal")
    shared.closeAll()
  }

  private static func staleOps(_ importer: String, _ look: Recorder) throws(Failure) {
    let kernel = try TestDriver.ask()
    for (name, flag) in [("PFNs", PBTEST_BO_POPULATE_PFN), ("pages", PBTEST_BO_POPULATE_PAGE)] {
      let client = try TestDriver.client(0)
      let shared = try MoveTests.share(client, with: importer, flags: flag | PBTEST_BO_LEAVE_VM_OPS)
      let mapping = try shared.mapForwarded()
      let vma = try kernel.vma(mapping)
      // A kernel may give it vm_ops that do nothing, but not those of the importer's own objects, nor an importer's
      // object as vm_private_data.
      let own = try shared.importer.createDumb(pages: 1)
      let ordinary = try Mapping("own", of: shared.importer.file, offset: own.fakeOffset, pages: 1)
      let importers = try kernel.vma(ordinary).operations
      look.expect(!importers.isEmpty, "\(name): control: a mapping of the importer's own has vm_ops", importers)
      look.expect(vma.operations != importers, "\(name): forwarded: vm_ops are not the importer's", vma.operations)
      look.expect(!vma.has(PBTEST_VMA_HAS_PRIVATE), "\(name): forwarded: has no vm_private_data")
      ordinary.unmap()
      mapping.set(0x31, page: 2)
      let direct = try shared.exported.mapDmabuf()
      look.equal(direct.byte(page: 2), 0x31, "\(name): written through forwarded, read through dma-buf")
      mapping.unmap()
      direct.unmap()
      shared.closeAll()
      try look.references(shared.inode, nil, "\(name): all unmapped and closed")
    }
  }

  private static func bounds(_ look: Recorder) throws(Failure) {
    let kernel = try TestDriver.ask()
    let client = try TestDriver.client(0)
    let shared = try MoveTests.share(client, with: TestDriver.name)
    let pages = UInt64(shared.pages)
    let importer = shared.importer
    let before = try Balance(kernel, files(shared, client))
    func forwarded(at page: UInt64, pages: Int) throws(Failure) -> String {
      try importer.forward(shared.handle, at: page)
      let code = Mapping.refusal(of: importer.file, offset: shared.forwardedOffset, pages: pages)
      return code == 0 ? "mapped" : errnoName(code)
    }
    let cases: [(name: String, page: UInt64, pages: Int, expected: String)] = [
      ("the page behind", pages, 1, "EINVAL"), ("all pages, from the second", 1, Int(pages), "EINVAL"),
      ("one page, at the last that there can be", UInt64.max, 1, "EOVERFLOW"),
      ("all pages, up to the last that there can be", UInt64.max - pages + 1, Int(pages), "EOVERFLOW"),
      ("all pages, ending before that", UInt64.max - pages, Int(pages), "EINVAL"),
      ("control: the last page alone", pages - 1, 1, "mapped"), ("control: all pages", 0, Int(pages), "mapped"),
    ]
    for one in cases {
      look.equal(try forwarded(at: one.page, pages: one.pages), one.expected, one.name)
      look.equal(try Balance(kernel, files(shared, client)), before, "\(one.name): all as before")
    }
    // An import that is larger than its dma-buf lets a size through that GEM's own lookup would refuse.
    let second = try TestDriver.client(1)
    let larger = try second.importOwn(shared.exported.dmabuf, extraPages: 1)
    look.equal(
      errnoName(Mapping.refusal(of: second.file, offset: larger.fakeOffset, pages: Int(pages) + 1)), "EINVAL",
      "one page too many")
    try second.closeHandle(larger.handle)
    second.close()
    // The mapping shows the page that was asked for.
    let direct = try shared.exported.mapDmabuf()
    for page in 0..<shared.pages { direct.set(UInt8(0x50 + page), page: page) }
    try importer.forward(shared.handle, at: 2)
    let one = try Mapping("forwarded", of: importer.file, offset: shared.forwardedOffset, pages: 1)
    look.equal(one.byte(page: 0), 0x52, "forwarded at page 2: shows page 2")
    look.equal(
      hex(try kernel.vma(one).pgoff * 4096), hex(shared.exported.canonicalOffset + 0x2000),
      "forwarded at page 2: vm_pgoff", by: .offset)
    one.unmap()
    direct.unmap()
    look.equal(try Balance(kernel, files(shared, client)), before, "all as before in the end")
    shared.closeAll()
  }

  private static func ownFile(_ look: Recorder) throws(Failure) {
    let kernel = try TestDriver.ask()
    let client = try TestDriver.client(0)
    let shared = try MoveTests.share(client, with: "vgem", flags: PBTEST_BO_OWN_FILE)
    let before = try Balance(kernel, files(shared, client))
    let ways: [() throws(Failure) -> Mapping] = [shared.exported.mapDmabuf, shared.mapForwarded]
    for map in ways {
      let alias = try map()
      let path = try alias.mapsEntry()?.path ?? "no mapping at its address"
      look.expect(path.holds(PBTEST_OWN_FILE_NAME), "\(alias.name): vm_file is the exporter's own", by: .file, path)
      alias.set(0x41, page: 1)
      look.equal(alias.byte(page: 1), 0x41, "\(alias.name): shows what was written")
      alias.unmap()
      look.equal(try Balance(kernel, files(shared, client)), before, "\(alias.name): unmapped: all as before")
    }
    shared.closeAll()
    try look.references(shared.inode, nil, "all closed")
  }

  private static func withoutMmap(_ look: Recorder) throws(Failure) {
    let kernel = try TestDriver.ask()
    let client = try TestDriver.client(0)
    let shared = try MoveTests.share(client, with: "vgem", flags: PBTEST_BO_NO_DMABUF_MMAP)
    let before = try Balance(kernel, files(shared, client))
    let ways = [
      ("dma-buf", shared.exported.dmabuf, 0), ("forwarded", shared.importer.file, shared.forwardedOffset),
    ]
    for (name, file, offset) in ways {
      look.equal(errnoName(Mapping.refusal(of: file, offset: offset, pages: shared.pages)), "EINVAL", "\(name): errno")
      look.equal(try Balance(kernel, files(shared, client)), before, "\(name): all as before")
    }
    let home = try shared.exported.mapAtHome()
    home?.set(0x41, page: 0)
    look.equal(home?.byte(page: 0), 0x41, "control: the exporter's own mapping")
    home?.unmap()
    shared.closeAll()
  }

  private static func objects(_ look: Recorder) throws(Failure) {
    let kernel = try TestDriver.ask()
    let client = try TestDriver.client(0)
    let buffer = try client.createOwn(pages: 4)
    func check(_ references: UInt64, _ step: String) throws(Failure) {
      look.equal(try kernel.object(buffer.handle, of: client).refcount, references, "\(step): references of the object")
    }
    try check(1, "created")
    let dmabuf = try client.export(buffer.handle)
    try check(2, "and exported")
    let exported = try ExportedBuffer(pages: 4, home: .chardev(client, buffer), dmabuf: dmabuf)
    let shared = try SharedBuffer(exported, importer: DrmClient(driver: "vgem"))
    try check(2, "and imported")
    let theirs = try kernel.object(shared.handle, of: shared.importer).refcount
    look.equal(theirs, 1, "imported: references of the importer's object")
    let aliases = try shared.mapAll()
    try check(5, "and mapped three times")
    look.equal(
      try kernel.object(shared.handle, of: shared.importer).refcount, theirs,
      "mapped: references of the importer's object")
    aliases[2].unmap(page: 1, count: 2)
    try check(6, "with a hole in the forwarded one")
    for alias in aliases { alias.unmap() }
    try check(2, "all unmapped")
    try shared.importer.closeHandle(shared.handle)
    dmabuf.close()
    // The exporting client still remembers the dma-buf of its handle, so that it can return the same one again.
    try check(2, "no longer shared")
    let again = try client.export(buffer.handle)
    look.sameInode(try again.inode(), exported.inode, "exported again: the same dma-buf")
    again.close()
    try client.closeHandle(buffer.handle)
    try look.references(exported.inode, nil, "the last handle closed")
    shared.importer.close()
    client.close()
  }

  private static func unload(_ look: Recorder) throws(Failure) {
    let client = try TestDriver.client(0)
    let shared = try MoveTests.share(client, with: "vgem")
    let mapping = try shared.mapForwarded()
    try shared.closeHandles()
    shared.closeAll()
    // Only the mapping is left, and its memory belongs to the driver.
    look.equal(unloaded(), "EAGAIN", "a forwarded mapping alone keeps the exporter's driver")
    mapping.set(0x61, page: 3)
    look.equal(mapping.byte(page: 3), 0x61, "and its memory")
    mapping.unmap()
    look.equal(unloaded(), "unloaded", "unmapped")
    try TestDriver.loadAgain()
    try TestDriver.client(0).close()
  }

  private static func unloaded() -> String {
    do {
      try TestDriver.unload()
      return "unloaded"
    } catch { return error.word }
  }
}
