// SPDX-License-Identifier: Apache-2.0

internal import CGuest
internal import CLibc

/// Bounds that another check hides from every stock caller, and properties of a mapping that no other test looks at.
enum BoundsTests {
  static let all: [GuestTest] =
    Suite.exporters.map { exporter in
      GuestTest(
        "bounds/\(exporter.name)/dma-buf-mmap",
        question: "Does dma_buf_mmap() itself refuse one page too many, whatever the exporter would do with it?"
      ) { look throws(Failure) in try dmabuf(exporter, 0, look) }
    } + [
      GuestTest(
        "bounds/pbtest_plain/dma-buf-mmap",
        question: "Does dma_buf_mmap() itself refuse one page too many, if the exporter refuses nothing?"
      ) { look throws(Failure) in try dmabuf(.drm(TestDriver.name), PBTEST_BO_PLAIN, look) },
      GuestTest(
        "bounds/vgem/fake-offsets",
        question: "If a device runs out of fake offsets, is that reported, and is there room again afterwards?"
      ) { look throws(Failure) in try room(look) },
      GuestTest(
        "bounds/pbtest/mmap-obj",
        question: "Does drm_gem_mmap_obj() itself refuse a mapping larger than the object?"
      ) { look throws(Failure) in try object(look) },
    ]
    + Suite.exporters.map { exporter in
      GuestTest(
        "bounds/\(exporter.name)-to-pbtest/scatter-list",
        question: "Does the importer's list of pages start with the buffer, and hold all of it and no more?"
      ) { look throws(Failure) in try scatterList(exporter, look) }
    }
    + Suite.perExporter.map { pair in
      GuestTest(
        "protection/\(pair.name)/write-combining",
        question: "Is each alias mapped write-combining if the exporter asks for it, and not otherwise?"
      ) { look throws(Failure) in try protection(pair, look) }
    } + [
      GuestTest(
        "protection/vgem/given-back",
        question:
          "If a buffer was mapped write-combining, are its pages write-back again once the kernel has them back?"
      ) { look throws(Failure) in try givenBack(look) },
      GuestTest(
        "uuid/virtio_gpu/told",
        question: "If a virtio importer asks for a buffer's UUID, does it learn at once that there is none?"
      ) { look throws(Failure) in try uuid(look) },
    ]

  private static func dmabuf(_ exporter: Exporter, _ flags: Int32, _ look: Recorder) throws(Failure) {
    let fixture = try Fixture(exporter, flags: flags)
    let exported = try fixture.export()
    let plain = try OpenFile("/dev/pbtest-plain")
    func counts() throws(Failure) -> Counts {
      var counts = try fixture.counts()
      try fixture.kernel.countDmabuf("the dma-buf", exported.dmabuf, into: &counts)
      try fixture.kernel.count("the importer's file", plain, into: &counts)
      return counts
    }
    let before = try counts()
    let all = fixture.pages
    let cases: [(name: String, page: Int, pages: Int, expected: String)] = [
      ("one page too many", 0, all + 1, "EINVAL"), ("all pages, from the second", 1, all, "EINVAL"),
      ("the page behind", all, 1, "EINVAL"), ("the last page and the one behind", all - 1, 2, "EINVAL"),
      ("twice as many", 0, 2 * all, "EINVAL"), ("control: all pages", 0, all, "mapped"),
      ("control: the last page", all - 1, 1, "mapped"),
    ]
    for one in cases {
      var args = pbtest_plain(fd: exported.dmabuf.number, pad: 0)
      if cguest_pbtest_plain_forward(plain.number, &args) != 0 { throw .call("forward") }
      let code = Mapping.refusal(of: plain, offset: UInt64(one.page * pageSize), pages: one.pages)
      look.equal(code == 0 ? "mapped" : errnoName(code), one.expected, one.name)
      let after = try counts()
      look.same(after, before, "\(one.name): all as before")
    }
    plain.close()
    try fixture.release(exported)
    fixture.close()
  }

  private static func object(_ look: Recorder) throws(Failure) {
    let fixture = try Fixture(.drm(TestDriver.name))
    let client = fixture.owner!
    let plain = try OpenFile("/dev/pbtest-plain")
    for (word, flags) in [("mmap of its own", Int32(0)), ("none of its own", PBTEST_BO_FOPS_MMAP)] {
      let buffer = try client.createOwn(pages: fixture.pages, flags: flags)
      func counts() throws(Failure) -> Counts {
        var counts = try fixture.counts()
        try fixture.kernel.count("the object", buffer.handle, of: client, into: &counts)
        try fixture.kernel.count("the caller's file", plain, into: &counts)
        return counts
      }
      let before = try counts()
      for (name, pages, expected) in [
        ("one page too many", fixture.pages + 1, "EINVAL"), ("twice as many", 2 * fixture.pages, "EINVAL"),
        ("control: all pages", fixture.pages, "mapped"), ("control: fewer", fixture.pages - 1, "mapped"),
      ] {
        let args = pbtest_plain_object(fd: client.file.number, handle: buffer.handle)
        if withUnsafePointer(to: args, { cguest_pbtest_plain_object(plain.number, $0) }) != 0 {
          throw .call("pass an object on")
        }
        let code = Mapping.refusal(of: plain, offset: 0, pages: pages)
        look.equal(code == 0 ? "mapped" : errnoName(code), expected, "\(word): \(name)")
        let after = try counts()
        look.same(after, before, "\(word): \(name): all as before")
      }
      try client.closeHandle(buffer.handle)
    }
    plain.close()
    fixture.close()
  }

  private static func scatterList(_ exporter: Exporter, _ look: Recorder) throws(Failure) {
    let fixture = try Fixture(exporter, importer: TestDriver.name)
    let theirs = fixture.importer!
    let exported = try fixture.export()
    var args = pbtest_import()
    args.fd = exported.dmabuf.number
    // The driver's own buffers are imported by its other device.
    if cguest_pbtest_import(theirs.file.number, &args) != 0 { throw .call("pbtest: import") }
    look.equal(args.sg_offset, 0, "where in its page it begins")
    look.equal(Int(args.sg_bytes), fixture.pages * pageSize, "how much it holds")
    try theirs.closeHandle(args.handle)
    try fixture.release(exported)
    fixture.close()
    try look.references(exported.inode, nil, "all closed")
  }

  /// A shmem object has no pages before they are touched, so even the largest cost nothing.
  private static func room(_ look: Recorder) throws(Failure) {
    let kernel = try TestDriver.ask()
    let client = try DrmClient(driver: "vgem")
    let before = try kernel.client(client)
    func create() -> (word: String, handle: UInt32) {
      // Four gigabytes less a page, the largest possible dumb buffer.
      var buffer = cguest_dumb(width: 1024, height: 0xf_ffff, bits: 32, handle: 0, pitch: 0, size: 0)
      let answer = errnoWord(cguest_drm_create_sized(client.file.number, &buffer))
      return (answer, buffer.handle)
    }
    var handles: [UInt32] = []
    var answer = "ok"
    // DRM_FILE_PAGE_OFFSET_SIZE is a terabyte.
    while answer == "ok", handles.count < 300 {
      let made = create()
      answer = made.word
      if made.word == "ok" { handles.append(made.handle) }
    }
    look.equal(answer, "ENOSPC", "an object too many")
    look.expect(handles.count > 200, "control: there was room for", "\(handles.count)")
    let full = try kernel.client(client)
    let watch = try AllocationWatch(kernel)
    look.equal((1...3).map { _ in create().word }, ["ENOSPC", "ENOSPC", "ENOSPC"], "asked again")
    try watch.end(look, "asked again")
    let after = try kernel.client(client)
    look.equal(
      [after.handles, after.objects], [full.handles, full.objects], "asked again: handles and objects as before")
    if let last = handles.popLast() { try client.closeHandle(last) }
    let made = create()
    look.equal(made.word, "ok", "one closed: there is room for one")
    if made.word == "ok" { handles.append(made.handle) }
    for handle in handles { try client.closeHandle(handle) }
    let end = try kernel.client(client)
    look.equal([end.handles, end.objects], [before.handles, before.objects], "all closed: nothing is left")
    client.close()
  }

  /// Only vgem asks for it (`map_wc` in vgem_drv.c).
  private static func protection(_ pair: Pair, _ look: Recorder) throws(Failure) {
    let fixture = try Fixture(pair.exporter, importer: pair.importer)
    let shared = try fixture.share()
    for way in shared.ways {
      let mapping = try shared.map(way.name)
      let vma = try fixture.kernel.vma(mapping)
      look.equal(vma.has(PBTEST_VMA_WRITE_COMBINE), pair.exporter == .drm("vgem"), "\(way.name): write-combining")
      mapping.unmap()
    }
    // The importer's own buffers show that both answers occur.
    let own = try fixture.importer!.createDumb(pages: 1)
    let mapping = try Mapping("own", of: fixture.importer!.file, offset: own.fakeOffset, pages: 1)
    look.equal(
      try fixture.kernel.vma(mapping).has(PBTEST_VMA_WRITE_COMBINE), pair.importer == "vgem",
      "control: the importer's own buffer: write-combining")
    mapping.unmap()
    try shared.release()
    fixture.close()
  }

  /// vgem changes the kernel's own mapping along with the buffer's.
  private static func givenBack(_ look: Recorder) throws(Failure) {
    let fixture = try Fixture(.drm("vgem"))
    let client = fixture.owner!
    let buffer = try fixture.create()
    let mapping = try Mapping("chardev", of: client.file, offset: buffer.fakeOffset, pages: fixture.pages)
    let frames = try (0..<fixture.pages).map { page throws(Failure) in
      mapping.set(1, page: page)
      return try fixture.kernel.vma(mapping, page: page).pfn
    }
    func cached() throws(Failure) -> [UInt32] {
      try frames.map { frame throws(Failure) in
        var args = pbtest_page()
        args.pfn = frame
        if cguest_pbtest_page(fixture.kernel.file.number, &args) == 0 { return args.cached }
        if errno == ENOTTY { throw .skip("pbtest cannot tell on this architecture how a page is mapped") }
        throw .call("ask for a page")
      }
    }
    look.equal(try cached(), [0, 0, 0], "control: mapped: write-back")
    mapping.unmap()
    try client.closeHandle(buffer.handle)
    look.equal(try cached(), [1, 1, 1], "given back: write-back")
    fixture.close()
  }

  /// QEMU's device assigns none, so the driver has to report that itself when it exports.
  private static func uuid(_ look: Recorder) throws(Failure) {
    func answer(_ exporter: Exporter) throws(Failure) -> String {
      let fixture = try Fixture(exporter)
      defer { fixture.close() }
      let exported = try fixture.export()
      defer { try? fixture.release(exported) }
      var args = pbtest_uuid()
      args.fd = exported.dmabuf.number
      let word = errnoWord(cguest_pbtest_uuid(fixture.kernel.file.number, &args))
      if word == "ENOTTY" {
        throw .skip("this kernel has no virtio dma-bufs (CONFIG_VIRTIO_DMA_SHARED_BUFFER)")
      }
      return word
    }
    look.equal(try answer(.drm("vgem")), "EINVAL", "control: vgem, which is no virtio device")
    look.equal(try answer(.drm(VirtioGpu.driver)), "ENODEV", "virtio-gpu")
  }
}
