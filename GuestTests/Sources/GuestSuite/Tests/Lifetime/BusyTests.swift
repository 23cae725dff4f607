// SPDX-License-Identifier: Apache-2.0

internal import CGuest
internal import CLibc

/// A buffer that the kernel is busy with (like one in VRAM that is being moved), and a buffer that may move while it is
/// shared. The driver's work is represented by a fence, which everyone has to wait for.
enum BusyTests {
  /// Longer than any wait that succeeds, and longer than any test takes.
  private static let long: UInt32 = 60_000

  static let all: [GuestTest] =
    ["vgem", "vkms", TestDriver.name].map { importer in
      GuestTest(
        "busy/pbtest-to-\(importer)/import",
        question:
          "Does an import wait for a move of the buffer, and leave nothing behind if a signal interrupts the wait?"
      ) { look throws(Failure) in try importing(importer, look) }
    }
    + [
      GuestTest(
        "busy/pbtest/access", question: "Does only begin_cpu_access wait for a move, and can a signal interrupt it?"
      ) { look throws(Failure) in try access(look) },
      GuestTest(
        "busy/pbtest/poll", question: "Does poll() on a dma-buf wait for a move of the buffer, and wake up afterwards?"
      ) { look throws(Failure) in try polling(look) },
    ]
    + [("pbtest", Int32(0)), ("pbtest_dynamic", PBTEST_BO_DYNAMIC)].map { exporter, flags in
      GuestTest(
        "busy/\(exporter)-to-pbtest/moves",
        question: "Is a dynamic importer notified of a move, and do mappings made through it follow?"
      ) { look throws(Failure) in try moving(flags, look) }
    }

    + [Exporter.drm(VirtioGpu.driver), .drm("vgem"), .drm(TestDriver.name), .udmabuf, .systemHeap].map { exporter in
      GuestTest(
        "busy/\(exporter.name)/closed",
        question: "Is a fence that is on a buffer given back when the buffer is closed?"
      ) { look throws(Failure) in try closing(exporter, look) }
    }

  private static func importing(_ importer: String, _ look: Recorder) throws(Failure) {
    let fixture = try Fixture(.drm(TestDriver.name), importer: importer)
    let exported = try fixture.export()
    guard case .chardev(let client, let buffer) = exported.home else { return }
    func counts() throws(Failure) -> Counts { try fixture.counts(of: exported) }
    let before = try counts()
    try client.keepBusy(buffer.handle, milliseconds: long)
    look.equal(try fixture.kernel.dmabuf(exported.dmabuf).busy, 1, "control: busy")
    _ = cguest_pester(20)
    let answer = try errnoWord { () throws(Failure) in _ = try fixture.importer!.importBuffer(exported.dmabuf) }
    _ = cguest_pester(0)
    look.equal(answer, "EINTR", "a signal ends the wait: errno")
    look.equal(try fixture.kernel.dmabuf(exported.dmabuf).busy, 1, "a signal ends the wait: still busy")
    look.same(try counts(), before, "a signal ends the wait: all as before")

    try client.keepBusy(buffer.handle, milliseconds: 150)
    let imported = try fixture.imported(exported)
    look.equal(try fixture.kernel.dmabuf(exported.dmabuf).busy, 0, "imported: the move is over")
    let shared = Fixture.Shared(exported: exported, imported: imported, fixture: fixture)
    look.equal(try shared.wrongWay(), nil, "imported: what cannot be used")
    try fixture.importer!.closeHandle(imported.handle)
    look.same(try counts(), before, "the import closed: all as before")
    try fixture.release(exported)
    fixture.close()
  }

  private static func access(_ look: Recorder) throws(Failure) {
    let fixture = try Fixture(.drm(TestDriver.name))
    let exported = try fixture.export()
    guard case .chardev(let client, let buffer) = exported.home else { return }
    let mapping = try Mapping("dma-buf", of: exported.dmabuf, offset: 0, pages: fixture.pages)
    try client.keepBusy(buffer.handle, milliseconds: long)
    _ = cguest_pester(20)
    look.equal(errnoWord(cguest_dmabuf_sync(exported.dmabuf.number, 1)), "EINTR", "a signal ends the wait: errno")
    _ = cguest_pester(0)
    look.equal(try fixture.kernel.dmabuf(exported.dmabuf).busy, 1, "a signal ends the wait: still busy")
    look.equal(errnoWord(cguest_dmabuf_sync(exported.dmabuf.number, 0)), "ok", "the end of an access waits for nothing")
    look.equal(mapping.trySet(7, page: 1), "written", "a mapping of it waits for nothing")
    try client.keepBusy(buffer.handle, milliseconds: 150)
    look.equal(errnoWord(cguest_dmabuf_sync(exported.dmabuf.number, 1)), "ok", "access begins")
    look.equal(try fixture.kernel.dmabuf(exported.dmabuf).busy, 0, "access begins: the move is over")
    look.equal(errnoWord(cguest_dmabuf_sync(exported.dmabuf.number, 0)), "ok", "and ends")
    mapping.unmap()
    try fixture.release(exported)
    fixture.close()
  }

  private static func polling(_ look: Recorder) throws(Failure) {
    let fixture = try Fixture(.drm(TestDriver.name))
    let exported = try fixture.export()
    guard case .chardev(let client, let buffer) = exported.home else { return }
    func ready(_ events: Int32, milliseconds: Int32) -> Int32 {
      var entry = pollfd(fd: exported.dmabuf.number, events: Int16(events), revents: 0)
      return poll(&entry, 1, milliseconds) < 0 ? -errno : Int32(entry.revents)
    }
    func count() throws(Failure) -> Int64 { try fixture.kernel.file(exported.dmabuf).count }
    let before = try count()
    let events: [(name: String, events: Int32)] = [
      ("reading", POLLIN), ("writing", POLLOUT), ("both", POLLIN | POLLOUT),
    ]
    for (name, events) in events {
      look.equal(ready(events, milliseconds: 0), events, "idle, \(name): ready")
      look.equal(try count(), before, "idle, \(name): references")
      try client.keepBusy(buffer.handle, milliseconds: long)
      look.equal(ready(events, milliseconds: 0), 0, "busy, \(name): ready")
      look.equal(ready(events, milliseconds: 0), 0, "busy, \(name), asked once more: ready")
      // A waiter holds a reference to the file until it is woken, one each for reading and writing.
      look.equal(try count() - before, name == "both" ? 2 : 1, "busy, \(name): references")
      try client.keepBusy(buffer.handle, milliseconds: 0)
      look.equal(ready(events, milliseconds: 0), events, "over, \(name): ready")
      look.equal(try count(), before, "over, \(name): references")
      try client.keepBusy(buffer.handle, milliseconds: 100)
      // The kernel wakes the waiter twice, once for reading and once for writing, and drops a reference each time.
      var woken = ready(events, milliseconds: 20_000)
      var references = try count()
      for _ in 0..<150 where woken > 0 && (woken != events || references != before) {
        usleep(10_000)
        woken = ready(events, milliseconds: 0)
        references = try count()
      }
      look.equal(woken, events, "waited for, \(name): ready")
      look.equal(references, before, "waited for, \(name): references")
    }
    try fixture.release(exported)
    fixture.close()
    try look.references(exported.inode, nil, "all closed")
  }

  private static func moving(_ flags: Int32, _ look: Recorder) throws(Failure) {
    let fixture = try Fixture(.drm(TestDriver.name), importer: TestDriver.name, flags: flags)
    let exported = try fixture.export()
    let theirs = fixture.importer!
    guard case .chardev(let client, let buffer) = exported.home else { return }
    func counts() throws(Failure) -> Counts { try fixture.counts(of: exported) }
    let watch = try AllocationWatch(fixture.kernel)
    let before = try counts()
    for (step, name) in [
      (PBTEST_FAIL_IMPORT_SG_TABLE, "gem_prime_import_sg_table, at its beginning"),
      (PBTEST_FAIL_IMPORT_SG_TABLE_LATE, "gem_prime_import_sg_table, at its end"),
      (PBTEST_FAIL_IMPORT_OPEN, "open of the import"),
    ] {
      let answer = try errnoWord { () throws(Failure) in
        _ = try theirs.importOwn(exported.dmabuf, flags: PBTEST_IMPORT_DYNAMIC, failing: step, with: EPROTO)
      }
      look.equal(answer, "EPROTO", "\(name): errno")
      look.same(try counts(), before, "\(name): all as before")
    }
    let steps =
      [(PBTEST_FAIL_MAP, "map_dma_buf")] + (flags == 0 ? [] : [(PBTEST_FAIL_DMABUF_PIN, "pin of the dma-buf")])
    for (step, name) in steps {
      try client.fail(buffer.handle, at: step, with: EPROTO)
      let answer = try errnoWord { () throws(Failure) in
        _ = try theirs.importOwn(exported.dmabuf, flags: PBTEST_IMPORT_DYNAMIC)
      }
      look.equal(answer, "EPROTO", "\(name): errno")
      look.same(try counts(), before, "\(name): all as before")
    }
    let imported = try theirs.importOwn(exported.dmabuf, flags: PBTEST_IMPORT_DYNAMIC)
    let shared = Fixture.Shared(exported: exported, imported: imported, fixture: fixture)
    let mapping = try shared.map("forwarded")
    look.equal(mapping.trySet(9, page: 1), "written", "the forwarded mapping is written")
    for round in UInt32(1)...3 {
      _ = try client.move(buffer.handle)
      look.equal(try fixture.kernel.object(imported.handle, of: theirs).moves, round, "move \(round): moves told of")
      look.equal(mapping.tryByte(page: 1), "9", "move \(round): the forwarded mapping shows")
    }
    mapping.unmap()
    try theirs.closeHandle(imported.handle)
    look.same(try counts(), before, "the import closed: all as before")
    _ = try client.move(buffer.handle)
    try fixture.release(exported)
    try watch.end(look, "imports")
    fixture.close()
  }

  /// The fence is the test driver's, and it comes to other exporters' buffers in a sync file. It is over before the buffer
  /// is closed: a buffer keeps the fences of all that is over until someone adds another one.
  private static func closing(_ exporter: Exporter, _ look: Recorder) throws(Failure) {
    let working = try Fixture(.drm(TestDriver.name))
    let fixture = try Fixture(exporter)
    let busy = try working.export()
    guard case .chardev(let client, let buffer) = busy.home else { return }
    let watch = try AllocationWatch(fixture.kernel)
    let exported = try fixture.export()
    try client.keepBusy(buffer.handle, milliseconds: long)
    let theirs = try syncFile(of: busy.dmabuf)
    if cguest_dmabuf_import_sync_file(exported.dmabuf.number, theirs.number) < 0 { throw .call("import a sync file") }
    theirs.close()
    let copy = try syncFile(of: exported.dmabuf)
    look.expect(!isOver(copy), "control: the buffer has the fence")
    try client.keepBusy(buffer.handle, milliseconds: 0)
    look.expect(isOver(copy), "control: the work is over")
    copy.close()
    try working.release(busy)
    try fixture.release(exported)
    try watch.end(look, "closed")
    fixture.close()
    working.close()
  }

  /// - Throws: ``Failure/skip(_:)`` if the kernel has no such call.
  private static func syncFile(of dmabuf: OpenFile) throws(Failure) -> OpenFile {
    let number = cguest_dmabuf_export_sync_file(dmabuf.number)
    if number >= 0 { return OpenFile(number: number) }
    throw errno == ENOTTY
      ? .skip("this kernel's dma-bufs export no sync files (they do since 6.0)") : .call("export a sync file")
  }

  private static func isOver(_ syncFile: OpenFile) -> Bool {
    var entry = pollfd(fd: syncFile.number, events: Int16(POLLIN), revents: 0)
    return poll(&entry, 1, 0) == 1
  }
}
