// SPDX-License-Identifier: Apache-2.0

internal import CGuest
internal import CLibc

/// Exporters and importers with invalid arguments: what do they answer, and what do they leave behind? Also with
/// arguments at the limits, which they accept.
enum ArgumentTests {
  static let all: [GuestTest] =
    ["virtio_gpu", "vgem", "vkms", TestDriver.name].map { driver in
      GuestTest(
        "calls/\(driver)/arguments",
        question: "Are invalid handles, descriptors, flags and sizes refused, with nothing left behind?"
      ) { look throws(Failure) in try drm(driver, look) }
    }
    + [
      GuestTest(
        "calls/udmabuf/arguments",
        question: "Are memory that may not be shared, and invalid pieces, refused, with nothing left behind?"
      ) { look throws(Failure) in try udmabuf(look) },
      GuestTest("calls/udmabuf/list", question: "Does a buffer of several pieces have their pages, in their order?") {
        look throws(Failure) in
        try list(look)
      },
      GuestTest(
        "calls/virtio_gpu/foreign",
        question: "Does virtio-gpu import another driver's buffer, or refuse it with nothing left behind?"
      ) { look throws(Failure) in try foreign(look) },
      GuestTest(
        "calls/system_heap/arguments", question: "Does the heap refuse flags and sizes that it does not know?"
      ) { look throws(Failure) in try heap(look) },
    ]

  private static func answer(_ descriptor: Int32) -> String { CallTests.answer(descriptor) }
  private static func counts(_ fixture: Fixture) throws(Failure) -> Counts { try CallTests.counts(fixture) }

  private static func drm(_ driver: String, _ look: Recorder) throws(Failure) {
    let fixture = try Fixture(.drm(driver), importer: driver == "vgem" ? "vkms" : "vgem")
    let client = fixture.owner!
    let file = client.file.number
    let exported = try fixture.export()
    guard case .chardev(_, let buffer) = exported.home else { return }
    let imported = try fixture.imported(exported)
    func counts() throws(Failure) -> Counts {
      var counts = try fixture.counts(of: exported)
      counts.addDmabufsAlive(try readText(References.bufinfo))
      return counts
    }
    let none: UInt32 = 4711
    _ = try counts()
    let watch = try AllocationWatch(fixture.kernel)
    let before = try counts()
    look.equal(answer(cguest_drm_export_flags(file, none, 0)), "ENOENT", "export: a handle that is none")
    look.equal(answer(cguest_drm_export_flags(file, buffer.handle, 1 << 20)), "EINVAL", "export: flags that are none")
    look.equal(answer(cguest_drm_export_flags(file, 0, 0)), "ENOENT", "export: handle 0")
    look.equal(
      try errnoWord { () throws(Failure) in _ = try client.importBuffer(OpenFile(number: 4711)) }, "EBADF",
      "import: no descriptor")
    look.equal(
      try errnoWord { () throws(Failure) in _ = try client.importBuffer(client.file) }, "EINVAL",
      "import: a descriptor that is no dma-buf")
    look.equal(
      try errnoWord { () throws(Failure) in _ = try client.fakeOffset(of: none) }, "ENOENT",
      "fake offset: a handle that is none")
    look.equal(
      try errnoWord { () throws(Failure) in _ = try fixture.importer!.fakeOffset(of: imported.handle) }, "EINVAL",
      "fake offset: of an import"
    )
    look.equal(
      try errnoWord { () throws(Failure) in try client.closeHandle(none) }, "EINVAL", "close: a handle that is none")
    look.equal(try errnoWord { () throws(Failure) in try client.closeHandle(0) }, "EINVAL", "close: handle 0")
    func make(_ width: UInt32, _ height: UInt32, _ bits: UInt32) -> (answer: String, made: cguest_dumb) {
      var buffer = cguest_dumb(width: width, height: height, bits: bits, handle: 0, pitch: 0, size: 0)
      return (errnoWord(cguest_drm_create_sized(file, &buffer)), buffer)
    }
    let sizes: [(name: String, width: UInt32, height: UInt32, bits: UInt32)] = [
      ("no width", 0, 1, 32), ("no height", 1, 0, 32), ("no bits", 1, 1, 0), ("a line too long", .max, 1, 32),
      ("bits too many", 1, 1, .max), ("lines too many", 1 << 20, .max, 32), ("a size that overflows", 1 << 29, 4, 32),
    ]
    for one in sizes {
      look.equal(make(one.width, one.height, one.bits).answer, "EINVAL", "create: \(one.name)")
    }
    if driver == VirtioGpu.driver {
      look.equal(make(64, 64, 16).answer, "EINVAL", "create: bits that it does not take")
    }
    let after = try Counts.settled(at: before, counts)
    look.same(after, before, "all as before")
    // A buffer has one dma-buf. Its access mode was decided when that was made; only the rest belongs to each
    // descriptor.
    for (name, flags, closes) in [("no flag", Int32(0), Int32(0)), ("O_CLOEXEC", O_CLOEXEC, FD_CLOEXEC)] {
      let again = cguest_drm_export_flags(file, buffer.handle, UInt32(flags))
      look.equal(fcntl(again, F_GETFD), closes, "export with \(name): closed by exec")
      look.equal(fcntl(again, F_GETFL) & O_ACCMODE, O_RDWR, "export with \(name): what may be done")
      close(again)
    }
    for (width, height, size) in [(UInt32(64), UInt32(3), 1), (96, 100, 10), (1024, 2, 2)] {
      let (answer, made) = make(width, height, 32)
      look.equal(answer, "ok", "create \(width) × \(height): answer")
      look.equal(
        [Int(made.pitch), Int(made.size)], [4 * Int(width), size * pageSize], "create \(width) × \(height): bytes")
      try client.closeHandle(made.handle)
    }
    let one = try client.createDumb(pages: 1)
    look.equal(answer(cguest_drm_export_flags(file, one.handle, 0)), "made", "export: without flags")
    try client.closeHandle(one.handle)
    look.same(try Counts.settled(at: before, counts), before, "exported again: all as before")
    try watch.end(look, "refusals")
    try fixture.importer!.closeHandle(imported.handle)
    try fixture.release(exported)
    fixture.close()
    try look.references(exported.inode, nil, "all closed")
  }

  private static func udmabuf(_ look: Recorder) throws(Failure) {
    let fixture = try Fixture(.udmabuf)
    let device = try Exporter.device("/dev/udmabuf", config: "CONFIG_UDMABUF")
    let size = UInt64(4 * pageSize)
    let page = UInt64(pageSize)
    let memfd = OpenFile(number: cguest_sealed_memfd("patchbench", Int(size)))
    let sealed = OpenFile(number: cguest_sealed_memfd("sealed", Int(size)))
    if cguest_seal_writing(sealed.number) != 0 { throw .call("seal") }
    let open = OpenFile(number: cguest_plain_memfd(size))
    let sealable = OpenFile(number: cguest_sealable_memfd(size))
    let text = try OpenFile("/proc/self/status", flags: O_RDONLY)
    // It has no pages before something touches them.
    let large = OpenFile(number: cguest_sealed_memfd("large", 65 << 20))
    // The memfd's pages belong to the memfd, and stay.
    look.equal(answer(cguest_udmabuf_call(device.number, memfd.number, 1, 0, size)), "made", "control")
    // This allocates what debugfs needs on first use.
    _ = try counts(fixture)
    let watch = try AllocationWatch(fixture.kernel)
    let before = try counts(fixture)
    let cases: [(name: String, memfd: Int32, offset: UInt64, size: UInt64, answer: String)] = [
      ("an offset within a page", memfd.number, 1, page, "EINVAL"),
      ("a size that is no page", memfd.number, 0, page + 1, "EINVAL"),
      ("no size", memfd.number, 0, 0, "EINVAL"),
      ("more than the limit", memfd.number, 0, 65 << 20, "EINVAL"),
      ("a size of the last page that there is", memfd.number, 0, 0 &- page, "EINVAL"),
      ("no descriptor", 4711, 0, page, "EBADFD"),
      ("a file that is no memory", text.number, 0, page, "EBADFD"),
      ("memory that takes no seals", open.number, 0, page, "EINVAL"),
      ("memory without seals", sealable.number, 0, page, "EINVAL"),
      ("memory that may not be written", sealed.number, 0, page, "EINVAL"),
      // The limit is 64 MB (size_limit_mb).
      ("more than the limit, of memory that has it", large.number, 0, 65 << 20, "EINVAL"),
    ]
    for one in cases {
      look.equal(answer(cguest_udmabuf_call(device.number, one.memfd, 1, one.offset, one.size)), one.answer, one.name)
      let after = try Counts.settled(at: before) { () throws(Failure) in try counts(fixture) }
      look.same(after, before, "\(one.name): all as before")
    }
    for (name, flags, closes) in [("none", UInt32(0), Int32(0)), ("UDMABUF_FLAGS_CLOEXEC", 1, FD_CLOEXEC)] {
      let made = cguest_udmabuf_call(device.number, memfd.number, flags, page, 2 * page)
      look.equal(fcntl(made, F_GETFD), closes, "flags \(name): closed by exec")
      look.equal(Int(lseek(made, 0, SEEK_END)), 2 * pageSize, "flags \(name): size")
      close(made)
    }
    look.same(try Counts.settled(at: before) { () throws(Failure) in try counts(fixture) }, before, "all as before")
    try watch.end(look, "refusals")
    for file in [device, memfd, sealed, open, sealable, text, large] { file.close() }
    fixture.close()
  }

  private static func list(_ look: Recorder) throws(Failure) {
    let fixture = try Fixture(.udmabuf)
    let device = try Exporter.device("/dev/udmabuf", config: "CONFIG_UDMABUF")
    let page = UInt64(pageSize)
    let memfds = (0..<2).map { OpenFile(number: cguest_sealed_memfd("part \($0)", 4 * pageSize)) }
    let parts = try memfds.map { file throws(Failure) in try Mapping("memfd", of: file, offset: 0, pages: 4) }
    for (number, part) in parts.enumerated() {
      for index in 0..<4 { part.set(UInt8(0x10 * (number + 1) + index), page: index) }
    }
    func piece(_ memfd: Int, _ first: UInt64, _ pages: UInt64) -> cguest_piece {
      cguest_piece(memfd: memfds[memfd].number, offset: first * page, size: pages * page)
    }
    let pieces = [piece(1, 2, 2), piece(0, 0, 1), piece(0, 3, 1), piece(1, 0, 1)]
    // This allocates what debugfs needs on first use.
    _ = try counts(fixture)
    let watch = try AllocationWatch(fixture.kernel)
    let before = try counts(fixture)
    func make(_ pieces: [cguest_piece], said: Int? = nil) -> Int32 {
      cguest_udmabuf_list(device.number, pieces, UInt32(pieces.count), UInt32(said ?? pieces.count))
    }
    let made = make(pieces)
    if made < 0 { throw .call("make a buffer of pieces") }
    let dmabuf = OpenFile(number: made)
    let mapping = try Mapping("dma-buf", of: dmabuf, offset: 0, pages: 5)
    look.equal((0..<5).map { mapping.tryByte(page: $0) }, ["34", "35", "16", "19", "32"], "the pages' bytes")
    look.equal(
      Mapping.refusal(of: dmabuf, offset: 0, pages: 6), EINVAL, "one page more than all pieces have: errno")
    mapping.unmap()
    dmabuf.close()
    let bad = cguest_piece(memfd: 4711, offset: 0, size: page)
    let odd = cguest_piece(memfd: memfds[0].number, offset: 1, size: page)
    look.equal(answer(make([])), "EINVAL", "no piece")
    look.equal(answer(make(pieces, said: 2048)), "EINVAL", "more pieces than the limit")
    let most = Array(repeating: piece(0, 0, 1), count: 1024)
    look.equal(answer(make(most)), "made", "as many pieces as the limit")
    look.equal(answer(make(most + [piece(0, 0, 1)])), "EINVAL", "one piece more than the limit")
    look.equal(answer(make(pieces + [bad])), "EBADFD", "the last piece has no descriptor")
    look.equal(answer(make(pieces + [odd])), "EINVAL", "the last piece is none")
    look.equal(
      answer(make([piece(0, 0, 1), cguest_piece(memfd: memfds[0].number, offset: 0, size: 64 << 20)])), "EINVAL",
      "more than the limit, all together")
    look.equal(answer(cguest_udmabuf_bad_list(device.number)), "EFAULT", "a list that cannot be read")
    look.same(try Counts.settled(at: before) { () throws(Failure) in try counts(fixture) }, before, "all as before")
    try watch.end(look, "lists")
    // It maps and unmaps the test's own memory.
    look.equal(answer(cguest_udmabuf_cut_list(device.number)), "EFAULT", "a list of which the head alone can be read")
    for part in parts { part.unmap() }
    for file in memfds + [device] { file.close() }
    fixture.close()
  }

  private static func foreign(_ look: Recorder) throws(Failure) {
    for exporter in [Exporter.drm("vgem"), .systemHeap, .udmabuf] {
      let fixture = try Fixture(exporter, importer: VirtioGpu.driver)
      let theirs = fixture.importer!
      let exported = try fixture.export()
      func counts() throws(Failure) -> Counts {
        var counts = try fixture.counts()
        try fixture.kernel.countDmabuf("the dma-buf", exported.dmabuf, into: &counts)
        return counts
      }
      func take() throws(Failure) -> String {
        var handle: UInt32 = 0
        let answer = errnoWord(cguest_drm_import(theirs.file.number, exported.dmabuf.number, &handle))
        if answer == "ok" { try theirs.closeHandle(handle) }
        return answer
      }
      // The first attachment makes the exporter allocate its pages, which it keeps.
      _ = try take()
      let watch = try AllocationWatch(fixture.kernel)
      // The previous exporter's buffers are freed only once the host has answered.
      let before = try Counts.atRest(counts)
      for round in 1...2 {
        let answer = try take()
        // Up to 6.14 it imports only its own buffers (virtgpu_gem_prime_import_sg_table()).
        look.expect(["ENODEV", "ok"].contains(answer), "\(exporter.name), round \(round): import", answer)
        let after = try Counts.settled(at: before, counts)
        look.same(after, before, "\(exporter.name), round \(round): all as before")
      }
      try watch.end(look, "\(exporter.name): import")
      try fixture.release(exported)
      fixture.close()
      try look.references(exported.inode, nil, "\(exporter.name): all closed")
    }
  }

  private static func heap(_ look: Recorder) throws(Failure) {
    let fixture = try Fixture(.systemHeap)
    let device = try Exporter.device("/dev/dma_heap/system", config: "CONFIG_DMABUF_HEAPS_SYSTEM")
    // DMA_HEAP_IOCTL_ALLOC, in both directions.
    let right = cguest_heap(
      size: UInt64(pageSize), fd: 0, fd_flags: UInt32(O_CLOEXEC | O_RDWR), heap_flags: 0, number: 0, direction: 3,
      bytes: 24)
    func call(_ change: (inout cguest_heap) -> Void) -> Int32 {
      var args = right
      change(&args)
      return cguest_heap_call(device.number, &args)
    }
    // This allocates what debugfs needs on first use.
    _ = try counts(fixture)
    let watch = try AllocationWatch(fixture.kernel)
    let before = try counts(fixture)
    look.equal(answer(call { $0.fd = 3 }), "EINVAL", "a descriptor as an argument")
    look.equal(answer(call { $0.fd_flags = UInt32(O_APPEND) }), "EINVAL", "flags of the descriptor that are none")
    look.equal(answer(call { $0.heap_flags = 1 }), "EINVAL", "flags of the heap that are none")
    look.equal(answer(call { $0.size = 0 }), "EINVAL", "no size")
    look.equal(answer(call { $0.number = 1 }), "EINVAL", "a call that is none")
    look.equal(answer(call { $0.number = 255 }), "EINVAL", "the last call that there could be")
    look.equal(answer(call { $0.direction = 2 }), "EINVAL", "nothing to read from the caller: no size")
    look.equal(answer(call { $0.direction = 0 }), "EINVAL", "nothing to read nor to write back: no size")
    look.same(
      try Counts.settled(at: before) { () throws(Failure) in try counts(fixture) }, before, "refused: all as before")
    look.equal(answer(call { $0.bytes = 128 }), "made", "longer arguments than this kernel's")
    // The kernel has its copy on the stack, where the call before has left flags that are refused. A compiler that zeroes
    // the stack (INIT_STACK_ALL_ZERO) hides whether the kernel does.
    look.equal(answer(call { $0.heap_flags = .max }), "EINVAL", "all flags of the heap")
    look.equal(answer(call { $0.bytes = 16 }), "made", "shorter arguments, without flags of the heap")
    look.equal(answer(call { $0.bytes = 1024 }), "made", "as long as no kernel's stack has room for")
    for (name, flags, closes, mode) in [
      ("O_RDWR", O_RDWR, Int32(0), O_RDWR), ("O_CLOEXEC", O_CLOEXEC, FD_CLOEXEC, O_RDONLY),
    ] {
      let made = call { $0.fd_flags = UInt32(flags) }
      look.equal(fcntl(made, F_GETFD), closes, "\(name): closed by exec")
      look.equal(fcntl(made, F_GETFL), mode, "\(name): what may be done, and no flag of the descriptor's")
      look.equal(Int(lseek(made, 0, SEEK_END)), pageSize, "\(name): size")
      close(made)
    }
    // A size that is not a multiple of the page size is rounded up.
    let odd = call { $0.size = UInt64(pageSize + 1) }
    look.equal(Int(lseek(odd, 0, SEEK_END)), 2 * pageSize, "a size that is no page: size")
    close(odd)
    // If a call does not write its result back, only the number of the new descriptor is known.
    let next = cguest_next_fd()
    look.equal(call { $0.direction = 1 }, 0, "nothing is written back: the descriptor's field")
    look.equal(Int(lseek(next, 0, SEEK_END)), pageSize, "nothing is written back: the descriptor is there")
    close(next)
    look.same(try Counts.settled(at: before) { () throws(Failure) in try counts(fixture) }, before, "all as before")
    try watch.end(look, "calls")
    // Reading it leaves names of /proc behind.
    let named = call { _ in }
    let exporter = try readText("/proc/self/fdinfo/\(named)").split(separator: "\n").first { $0.hasPrefix("exp_name:") }
    look.equal(exporter.map(String.init), "exp_name:\tsystem", "fdinfo: the exporter, which is the heap by its name")
    close(named)
    // It maps and unmaps the test's own memory.
    var silent = right
    silent.direction = 1
    let free = cguest_next_fd()
    look.equal(
      errnoWord(cguest_heap_call_readonly(device.number, &silent)), "ok",
      "arguments that cannot be written, nor need be")
    look.equal(Int(lseek(free, 0, SEEK_END)), pageSize, "arguments that cannot be written: the descriptor is there")
    close(free)
    device.close()
    fixture.close()
  }
}
