// SPDX-License-Identifier: Apache-2.0

internal import CGuest
internal import CLibc

/// The calls on a dma-buf that every exporter supports: its descriptor, CPU access, and its size.
enum CallTests {
  private static let exporters: [Exporter] = [
    .drm("virtio_gpu"), .drm("vgem"), .drm("vkms"), .drm(TestDriver.name), .udmabuf, .systemHeap,
  ]

  static let all: [GuestTest] =
    exporters.flatMap { exporter in
      [
        GuestTest(
          "calls/\(exporter.name)/no-descriptor",
          question:
            "If an export finds no free descriptor, or no free file, is that reported, and nothing left of the dma-buf?"
        ) { look throws(Failure) in try noDescriptor(exporter, look) },
        GuestTest(
          "calls/\(exporter.name)/access",
          question: "Can CPU access to a dma-buf be begun and ended, with and without an importer?"
        ) { look throws(Failure) in try bracket(exporter, look) },
        GuestTest("calls/\(exporter.name)/seek", question: "Does a dma-buf report its size and refuse other seeks?") {
          look throws(Failure) in
          try seek(exporter, look)
        },
      ]
    } + [
      GuestTest(
        "calls/virtio_gpu/host",
        question: "Does the host know each buffer with the size that it has, so that it copies all of it?"
      ) { look throws(Failure) in try host(look) }
    ]

  /// The driver does not wait for the host's answers. It logs those that are errors, in the order of its requests.
  private static func host(_ look: Recorder) throws(Failure) {
    let client = try DrmClient(driver: VirtioGpu.driver)
    let log = try OpenFile("/dev/kmsg", flags: O_RDONLY | O_NONBLOCK)
    for pages in [1, 5] {
      let buffer = try client.createDumb(pages: pages)
      _ = lseek(log.number, 0, SEEK_END)
      // All of it, and one line more than it has.
      for height in [pages, pages + 1]
      where cguest_virtgpu_transfer(client.file.number, buffer.handle, 1024, UInt32(height)) != 0 {
        throw .call("have the host copy it")
      }
      var errors = hostErrors(in: log)
      for _ in 0..<Patience.rounds where errors == 0 {
        usleep(10_000)
        errors = hostErrors(in: log)
      }
      // The host has taken both requests by now.
      usleep(20_000)
      errors += hostErrors(in: log)
      look.equal(errors, 1, "\(pages) lines: errors when all of it is copied, and then more than there is")
      try client.closeHandle(buffer.handle)
    }
    log.close()
    client.close()
  }

  /// The number of errors from the host among the kernel's next lines.
  private static func hostErrors(in log: OpenFile) -> Int {
    var count = 0
    var record = [UInt8](repeating: 0, count: 8192)
    while true {
      let length = read(log.number, &record, record.count)
      // The oldest lines may be gone by the time they are read.
      if length < 0, errno == EPIPE { continue }
      if length <= 0 { return count }
      // `[drm:virtio_gpu_dequeue_ctrl_func] *ERROR* response 0x1203 (command 0x105)`
      let words = String(decoding: record[..<length], as: UTF8.self).split(separator: " ")
      if words.contains("*ERROR*"[...]), words.contains("response"[...]) { count += 1 }
    }
  }

  /// What a call answered; a descriptor that it returned is closed again.
  static func answer(_ descriptor: Int32) -> String {
    if descriptor < 0 { return errnoName(errno) }
    close(descriptor)
    return "made"
  }

  static func counts(_ fixture: Fixture) throws(Failure) -> Counts {
    var counts = try fixture.counts()
    counts.addDmabufsAlive(try readText(References.bufinfo))
    return counts
  }

  private static func noDescriptor(_ exporter: Exporter, _ look: Recorder) throws(Failure) {
    let fixture = try Fixture(exporter)
    // Everything that an export needs, except its own descriptor, is already open.
    var memfd: OpenFile?
    var device: OpenFile?
    var buffer: DumbBuffer?
    switch exporter {
    case .drm: buffer = try fixture.create()
    case .udmabuf:
      memfd = OpenFile(number: cguest_sealed_memfd("patchbench", fixture.pages * pageSize))
      device = try Exporter.device("/dev/udmabuf", config: "CONFIG_UDMABUF")
    case .systemHeap: device = try Exporter.device("/dev/dma_heap/system", config: "CONFIG_DMABUF_HEAPS_SYSTEM")
    }
    func export() -> Int32 {
      switch exporter {
      case .drm: cguest_drm_export(fixture.owner!.file.number, buffer!.handle)
      case .udmabuf: cguest_udmabuf(device!.number, memfd!.number, fixture.pages * pageSize)
      case .systemHeap: cguest_heap_alloc(device!.number, fixture.pages * pageSize)
      }
    }
    _ = answer(export())
    let first = buffer
    // An object's dma-buf is kept until its handle is closed, so the next one needs a new object.
    let next = try fixture.owner.map { owner throws(Failure) in try owner.createDumb(pages: fixture.pages) }
    // This allocates what debugfs needs on first use.
    _ = try counts(fixture)
    let watch = try AllocationWatch(fixture.kernel)
    let before = try counts(fixture)
    if cguest_limit_descriptors(cguest_next_fd()) != 0 { throw .call("limit descriptors") }
    let answers = (1...3).map { _ in answer(export()) }
    if cguest_limit_descriptors(-1) != 0 { throw .call("limit descriptors") }
    look.equal(answers, ["EMFILE", "EMFILE", "EMFILE"], "errno")
    let after = try Counts.settled(at: before) { () throws(Failure) in try counts(fixture) }
    look.same(after, before, "all as before")
    look.equal(answer(export()), "made", "with a free descriptor")
    // The lowest free descriptor may be 0, which is as good as any other.
    let size = try Child.answer {
      close(0)
      return "\(export()): \(lseek(0, 0, SEEK_END))"
    }
    look.equal(size, "0: \(fixture.pages * pageSize)", "as descriptor 0: its number and size")
    try watch.end(look, "export")

    if let next { buffer = next }
    let start = try counts(fixture)
    let refused = try withoutFreeFiles { answer(export()) }
    look.equal(refused, "ENFILE", "no free file: errno")
    look.same(
      try Counts.settled(at: start) { () throws(Failure) in try counts(fixture) }, start,
      "no free file: all as before")
    memfd?.close()
    device?.close()
    for buffer in [first, next] {
      if let buffer { try fixture.owner!.closeHandle(buffer.handle) }
    }
    fixture.close()
  }

  /// Runs a body as a user without privileges, who gets no file beyond the system's limit, and with that limit reached.
  private static func withoutFreeFiles(_ body: () -> String) throws(Failure) -> String {
    let limit = "/proc/sys/fs/file-max"
    let most = try readText(limit)
    try writeText("0", to: limit)
    defer { try? writeText(most, to: limit) }
    return try Child.answer { () throws(Failure) in
      if setuid(65534) != 0 { throw .call("give up privileges") }
      return body()
    }
  }

  private static func bracket(_ exporter: Exporter, _ look: Recorder) throws(Failure) {
    let fixture = try Fixture(exporter, importer: "vgem")
    let exported = try fixture.export()
    let number = exported.dmabuf.number
    func sync(_ begin: Int32) -> String { errnoWord(cguest_dmabuf_sync(number, begin)) }
    let before = try counts(fixture)
    let mapping = try exported.mapDmabuf()
    // udmabuf makes a list of its pages at the first access, so there is no access to end before it.
    look.equal(sync(0), exporter == .udmabuf ? "EINVAL" : "ok", "alone: an end without a beginning")
    for round in 1...2 {
      look.equal(sync(1), "ok", "alone: begins, round \(round)")
      look.equal(mapping.trySet(UInt8(round), page: 1), "written", "alone: written, round \(round)")
      look.equal(sync(0), "ok", "alone: ends, round \(round)")
      look.equal(mapping.tryByte(page: 1), "\(round)", "alone: read, round \(round)")
    }
    let imported = try fixture.imported(exported)
    look.equal(sync(1), "ok", "imported: begins")
    look.equal(mapping.tryByte(page: 1), "2", "imported: read")
    look.equal(sync(0), "ok", "imported: ends")
    let flags: [(name: String, flags: UInt64, answer: String)] = [
      ("no direction", 0, "EINVAL"), ("flags that are none", 1 << 5, "EINVAL"), ("reading", 1, "ok"),
      ("writing", 2, "ok"), ("the end of reading", 5, "ok"), ("the end of writing", 6, "ok"),
    ]
    for one in flags { look.equal(errnoWord(cguest_dmabuf_sync_flags(number, one.flags)), one.answer, one.name) }
    try fixture.importer!.closeHandle(imported.handle)
    mapping.unmap()
    look.same(try Counts.settled(at: before) { () throws(Failure) in try counts(fixture) }, before, "all as before")
    try fixture.release(exported)
    fixture.close()
    try look.references(exported.inode, nil, "all closed")
  }

  private static func seek(_ exporter: Exporter, _ look: Recorder) throws(Failure) {
    let fixture = try Fixture(exporter)
    let exported = try fixture.export()
    let size = fixture.pages * pageSize
    func seek(_ offset: Int, _ whence: Int32) -> String {
      let place = lseek(exported.dmabuf.number, off_t(offset), whence)
      return place < 0 ? errnoName(errno) : "\(place)"
    }
    look.equal(seek(0, SEEK_END), "\(size)", "to the end")
    look.equal(seek(0, SEEK_SET), "0", "to the beginning")
    look.equal(seek(0, SEEK_CUR), "EINVAL", "from where it is")
    for (name, whence) in [("the end", SEEK_END), ("the beginning", SEEK_SET)] {
      look.equal(seek(pageSize, whence), "EINVAL", "a page from \(name)")
      look.equal(seek(-1, whence), "EINVAL", "before \(name)")
    }
    var status = stat()
    look.equal(fstat(exported.dmabuf.number, &status), 0, "stat")
    look.equal(Int(status.st_size), size, "its size, by stat")
    look.equal(Int(status.st_blocks) * 512, size, "what it takes, by stat")
    try fixture.release(exported)
    fixture.close()
  }
}
