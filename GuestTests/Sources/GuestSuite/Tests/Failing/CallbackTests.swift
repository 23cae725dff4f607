// SPDX-License-Identifier: Apache-2.0

internal import CGuest
internal import CLibc

/// An exporter or an importer that fails in each of its callbacks, which the test driver does on demand.
enum CallbackTests {
  /// An errno that nothing on the path returns by itself.
  private static let asked = EPROTO

  static let all: [GuestTest] =
    [
      GuestTest(
        "failing/pbtest/export-callbacks",
        question: "If an exporter refuses to make a dma-buf, before or after making it, is the handle as before?"
      ) { look throws(Failure) in try exporting(look) },
      GuestTest(
        "failing/pbtest-to-pbtest/import-callbacks",
        question: "If an importer fails at any step, is the attachment unmapped and gone, and no handle left?"
      ) { look throws(Failure) in try importer(look) },
      GuestTest(
        "failing/pbtest/access-callbacks",
        question: "If an exporter's begin_cpu_access or end_cpu_access fails, does the caller get its errno?"
      ) { look throws(Failure) in try access(look) },
      GuestTest(
        "calls/pbtest-to-pbtest/mapped-again",
        question:
          "If an importer unmaps its attachment and maps it again, is the mapping cached if the exporter asks for that?"
      ) { look throws(Failure) in try mappedAgain(look) },
      GuestTest(
        "failing/pbtest/open-callback",
        question: "If a driver's open callback refuses a handle, is neither the handle nor the right to map left?"
      ) { look throws(Failure) in try opening(look) },
    ]
    + ["vgem", "vkms", TestDriver.name].map { importer in
      GuestTest(
        "failing/pbtest-to-\(importer)/attach-callbacks",
        question: "If an exporter's attach, pin or map fails, does the import leave nothing behind?"
      ) { look throws(Failure) in try attaching(importer, look) }
    }
    + ["vgem", TestDriver.name].map { importer in
      GuestTest(
        "failing/pbtest_dynamic-to-\(importer)/attach-callbacks",
        question:
          "If a dynamic exporter's attach, pin or map fails, does the import leave nothing behind?"
      ) { look throws(Failure) in try attaching(importer, flags: PBTEST_BO_DYNAMIC, look) }
    }

  private static func exporting(_ look: Recorder) throws(Failure) {
    let fixture = try Fixture(.drm(TestDriver.name))
    let client = fixture.owner!
    let buffer = try fixture.create()
    func counts() throws(Failure) -> Counts {
      var counts = try fixture.counts()
      try fixture.kernel.count("the object", buffer.handle, of: client, into: &counts)
      return counts
    }
    let watch = try AllocationWatch(fixture.kernel)
    let before = try counts()
    for (step, name) in [(PBTEST_FAIL_EXPORT, "at its beginning"), (PBTEST_FAIL_EXPORT_LATE, "at its end")] {
      try client.fail(buffer.handle, at: step, with: asked)
      look.equal(
        try errnoWord { () throws(Failure) in try client.export(buffer.handle).close() }, errnoName(asked),
        "export, \(name): errno")
      look.same(try counts(), before, "export, \(name): all as before")
    }
    let dmabuf = try client.export(buffer.handle)
    let mapping = try Mapping("dma-buf", of: dmabuf, offset: 0, pages: fixture.pages)
    look.equal(mapping.trySet(1, page: 2), "written", "exported then: can be used")
    mapping.unmap()
    let inode = try dmabuf.inode()
    dmabuf.close()
    try client.closeHandle(buffer.handle)
    try look.references(inode, nil, "all closed")
    try watch.end(look, "export")
    fixture.close()
  }

  private static func attaching(_ importer: String, flags: Int32 = 0, _ look: Recorder) throws(Failure) {
    let fixture = try Fixture(.drm(TestDriver.name), importer: importer, flags: flags)
    let client = fixture.owner!
    let theirs = fixture.importer!
    let exported = try fixture.export()
    guard case .chardev(_, let buffer) = exported.home else { return }
    func counts() throws(Failure) -> Counts { try fixture.counts(of: exported) }
    let watch = try AllocationWatch(fixture.kernel)
    let before = try counts()
    var steps = [
      (PBTEST_FAIL_ATTACH, "attach, at its beginning"), (PBTEST_FAIL_ATTACH_LATE, "attach, at its end"),
      (PBTEST_FAIL_PIN, "pin"), (PBTEST_FAIL_MAP, "map_dma_buf, at its beginning"),
      (PBTEST_FAIL_SG_TABLE, "get_sg_table"), (PBTEST_FAIL_MAP_LATE, "map_dma_buf, at its end"),
    ]
    if flags & PBTEST_BO_DYNAMIC != 0 { steps.append((PBTEST_FAIL_DMABUF_PIN, "pin of the dma-buf")) }
    for (step, name) in steps {
      try client.fail(buffer.handle, at: step, with: asked)
      look.equal(
        try errnoWord { () throws(Failure) in _ = try theirs.importBuffer(exported.dmabuf) }, errnoName(asked),
        "\(name): errno")
      look.same(try counts(), before, "\(name): all as before")
    }
    if flags & PBTEST_BO_DYNAMIC != 0, importer == TestDriver.name {
      // A dynamic importer pins the buffer for one step, and has it mapped meanwhile.
      func importMoving() throws(Failure) -> String {
        try errnoWord { () throws(Failure) in
          let handle = try theirs.importOwn(exported.dmabuf, flags: PBTEST_IMPORT_DYNAMIC).handle
          try theirs.closeHandle(handle)
        }
      }
      try client.fail(buffer.handle, at: PBTEST_FAIL_DMABUF_PIN_AGAIN, with: asked)
      look.equal(try importMoving(), errnoName(asked), "pin of the dma-buf to map it: errno")
      look.same(try counts(), before, "pin of the dma-buf to map it: all as before")
      look.equal(try importMoving(), "done", "imported then by one that can take a move")
      look.same(try counts(), before, "and closed: all as before")
    }
    let imported = try fixture.imported(exported)
    let shared = Fixture.Shared(exported: exported, imported: imported, fixture: fixture)
    look.equal(try shared.wrongWay(), nil, "imported then: what cannot be used")
    try theirs.closeHandle(imported.handle)
    look.same(try counts(), before, "the import closed: all as before")
    try fixture.release(exported)
    try watch.end(look, "import")
    fixture.close()
  }

  private static func importer(_ look: Recorder) throws(Failure) {
    let steps = [
      (PBTEST_FAIL_IMPORT, "gem_prime_import"),
      (PBTEST_FAIL_IMPORT_SG_TABLE, "gem_prime_import_sg_table, at its beginning"),
      (PBTEST_FAIL_IMPORT_SG_TABLE_LATE, "gem_prime_import_sg_table, at its end"),
      (PBTEST_FAIL_IMPORT_OPEN, "open of the import"),
    ]
    // If the list of pages is cached with the attachment, it is freed with it, even if the importer forgets to unmap
    // it.
    let exporters: [(name: String, exporter: Exporter, flags: Int32)] = [
      ("pbtest", .drm(TestDriver.name), 0), ("pbtest, mapped anew", .drm(TestDriver.name), PBTEST_BO_NO_CACHED_MAP),
      ("system_heap", .systemHeap, 0), ("udmabuf", .udmabuf, 0),
    ]
    for exporter in exporters {
      let fixture = try Fixture(exporter.exporter, importer: TestDriver.name, flags: exporter.flags)
      let theirs = fixture.importer!
      let exported = try fixture.export()
      func counts() throws(Failure) -> Counts { try fixture.counts(of: exported) }
      let watch = try AllocationWatch(fixture.kernel)
      let before = try counts()
      for (step, name) in steps {
        let words = "\(exporter.name): \(name)"
        let answer = try errnoWord { () throws(Failure) in
          _ = try theirs.importOwn(exported.dmabuf, failing: step, with: asked)
        }
        look.equal(answer, errnoName(asked), "\(words): errno")
        look.same(try counts(), before, "\(words): all as before")
      }
      let imported = try fixture.imported(exported)
      let shared = Fixture.Shared(exported: exported, imported: imported, fixture: fixture)
      look.equal(try shared.wrongWay(), nil, "\(exporter.name): imported then: what cannot be used")
      try shared.release()
      try watch.end(look, "\(exporter.name): import")
      fixture.close()
    }
  }

  private static func access(_ look: Recorder) throws(Failure) {
    let fixture = try Fixture(.drm(TestDriver.name))
    let client = fixture.owner!
    let exported = try fixture.export()
    guard case .chardev(_, let buffer) = exported.home else { return }
    func counts() throws(Failure) -> Counts {
      var counts = try fixture.counts()
      try fixture.kernel.countDmabuf("the dma-buf", exported.dmabuf, into: &counts)
      return counts
    }
    let before = try counts()
    for (step, begin, name) in [
      (PBTEST_FAIL_BEGIN_ACCESS, Int32(1), "begin_cpu_access"), (PBTEST_FAIL_END_ACCESS, 0, "end_cpu_access"),
    ] {
      look.equal(errnoWord(cguest_dmabuf_sync(exported.dmabuf.number, begin)), "ok", "control: \(name)")
      try client.fail(buffer.handle, at: step, with: asked)
      look.equal(errnoWord(cguest_dmabuf_sync(exported.dmabuf.number, begin)), errnoName(asked), "\(name): errno")
      look.same(try counts(), before, "\(name): all as before")
      look.equal(errnoWord(cguest_dmabuf_sync(exported.dmabuf.number, begin)), "ok", "\(name): again")
    }
    try fixture.release(exported)
    fixture.close()
  }

  private static func mappedAgain(_ look: Recorder) throws(Failure) {
    for (name, flags, isKept) in [("kept", Int32(0), true), ("mapped anew", PBTEST_BO_NO_CACHED_MAP, false)] {
      let fixture = try Fixture(.drm(TestDriver.name), importer: TestDriver.name, flags: flags)
      let client = fixture.owner!
      let exported = try fixture.export()
      guard case .chardev(_, let buffer) = exported.home else { return }
      let imported = try fixture.imported(exported)
      let watch = try AllocationWatch(fixture.kernel)
      for round in 1...3 {
        var args = pbtest_remap()
        args.handle = imported.handle
        if cguest_pbtest_remap(fixture.importer!.file.number, &args) != 0 { throw .call("pbtest: map again") }
        // Freed memory is not reused so soon (KASAN's quarantine).
        look.equal(args.same != 0, isKept, "\(name), round \(round): the same list")
        look.equal(try fixture.kernel.object(buffer.handle, of: client).maps, 1, "\(name), round \(round): mapped")
      }
      let shared = Fixture.Shared(exported: exported, imported: imported, fixture: fixture)
      look.equal(try shared.wrongWay(), nil, "\(name): what cannot be used")
      try fixture.importer!.closeHandle(imported.handle)
      look.equal(try fixture.kernel.object(buffer.handle, of: client).maps, 0, "\(name), the import closed: mapped")
      try fixture.release(exported)
      try watch.end(look, name)
      fixture.close()
    }
  }

  private static func opening(_ look: Recorder) throws(Failure) {
    let fixture = try Fixture(.drm(TestDriver.name))
    let client = fixture.owner!
    let exported = try fixture.export()
    guard case .chardev(_, let buffer) = exported.home else { return }
    let other = try client.stranger()
    func counts() throws(Failure) -> Counts {
      var counts = try fixture.counts()
      try fixture.kernel.count("the second client", other, into: &counts)
      try fixture.kernel.countDmabuf("the dma-buf", exported.dmabuf, into: &counts)
      try fixture.kernel.count("the object", buffer.handle, of: client, into: &counts)
      return counts
    }
    let watch = try AllocationWatch(fixture.kernel)
    let before = try counts()
    try client.fail(buffer.handle, at: PBTEST_FAIL_OPEN, with: asked)
    look.equal(
      try errnoWord { () throws(Failure) in _ = try other.importBuffer(exported.dmabuf) }, errnoName(asked),
      "self-import: errno")
    look.same(try counts(), before, "self-import: all as before")
    let code = Mapping.refusal(of: other.file, offset: buffer.fakeOffset, pages: fixture.pages)
    look.equal(errnoName(code), "EACCES", "self-import: may not map")
    let handle = try other.importBuffer(exported.dmabuf)
    look.equal(
      Mapping.refusal(of: other.file, offset: buffer.fakeOffset, pages: fixture.pages), 0, "imported then: may map")
    try other.closeHandle(handle)
    look.same(try counts(), before, "the import closed: all as before")
    other.close()
    try fixture.release(exported)
    try watch.end(look, "self-import")
    fixture.close()
  }
}
