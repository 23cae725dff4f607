// SPDX-License-Identifier: Apache-2.0

internal import CGuest
internal import CLibc
internal import GuestProtocol

/// Mappings that outlive everything they came from, and mappings that mremap() moves.
enum LifetimeTests {
  static func of(_ pair: Pair) -> [GuestTest] {
    [
      GuestTest(
        "lifetime/\(pair.name)/outlives-handles",
        question: "Does a mapping outlive the dma-buf's fd and every handle, and free the buffer when it is unmapped?"
      ) { look throws(Failure) in try outlives(pair, look) },
      GuestTest(
        "lifetime/\(pair.name)/mapped-late",
        question:
          "Can a buffer be mapped once the exporter's handle is closed, but not the importer's (2025: dma_buf NULL)?"
      ) { look throws(Failure) in try mappedLate(pair, look) },
      GuestTest(
        "lifetime/\(pair.name)/moved",
        question: "Does a forwarded mapping keep the exporter's offset after mremap() moves it?"
      ) { look throws(Failure) in try moved(pair, look) },
    ]
  }

  /// Only virtio-gpu: it frees an object once the host has answered, so for a moment the object is dead but still
  /// found.
  static let deadObject = GuestTest(
    "lifetime/\(VirtioGpu.driver)/dead-object",
    question: "Does mmap() ignore an object that is being freed but still has its fake offset?"
  ) { look throws(Failure) in
    let client = try DrmClient(driver: VirtioGpu.driver)
    var answers: Set<String> = []
    var met = 0
    for _ in 0..<20 {
      let buffer = try client.createDumb(pages: 4)
      try client.closeHandle(buffer.handle)
      answers.insert(errnoName(Mapping.refusal(of: client.file, offset: buffer.fakeOffset, pages: 4)))
      // If the next buffer is not placed where this one was, this one was not free yet, and was not free a moment ago
      // either.
      let next = try client.createDumb(pages: 4)
      if next.fakeOffset != buffer.fakeOffset { met += 1 }
      try client.closeHandle(next.handle)
      // Wait until it is gone as well.
      usleep(2_000)
    }
    look.equal(answers.sorted(), ["EINVAL"], "what mmap() says to a handle just closed")
    client.close()
    if met == 0 { throw .skip("not reached: every object was gone before mmap() could look it up") }
  }

  static let dying = GuestTest(
    "lifetime/pbtest/dying",
    question: "Once an object's last reference is dropped, does mmap() ignore it while it is still being freed?"
  ) { look throws(Failure) in
    let kernel = try TestDriver.ask()
    let client = try TestDriver.client(0)
    let before = try kernel.client(client)
    var met = 0
    var alive: Set<Int32> = []
    var others: Set<Int32> = []
    // The number of rounds is down to chance, so nothing is recorded before the last one.
    for _ in 1...10 where met < 3 {
      let buffer = try client.createOwn(pages: 2, flags: PBTEST_BO_SLOW_FREE)
      alive.insert(Mapping.refusal(of: client.file, offset: buffer.fakeOffset, pages: 2))
      let child = cguest_fork_child()
      if child < 0 { throw .call("fork") }
      if child == 0 { _exit(cguest_drm_close_handle(client.file.number, buffer.handle) == 0 ? 0 : 1) }
      // The handle goes first, then the right to map, then the last reference, and the fake offset last. So mmap()
      // first answers as for a live object. From some moment on it must answer as for no object, although the object
      // still exists.
      var code: Int32 = 0
      repeat {
        code = Mapping.refusal(of: client.file, offset: buffer.fakeOffset, pages: 2)
        if code == EINVAL { break }
        others.insert(code)
      } while try kernel.client(client).objects > before.objects
      if code == EINVAL, try kernel.client(client).objects > before.objects { met += 1 }
      waitpid(child, nil, 0)
    }
    look.equal(alive.sorted().map(errnoName), [errnoName(0)], "alive: what mmap() answers")
    look.equal(
      others.subtracting([0, EACCES]).sorted().map(errnoName), [], "other answers than those of a live object before")
    look.expect(met > 0, "control: an object was asked for while it was dying")
    let after = try kernel.client(client)
    look.equal([after.handles, after.objects], [before.handles, before.objects], "all closed: nothing is left")
    client.close()
  }

  private static func outlives(_ pair: Pair, _ look: Recorder) throws(Failure) {
    let shared = try pair.share()
    let aliases = try shared.mapAll()
    for page in 0..<shared.pages { aliases[0].set(UInt8(1 + page), page: page) }
    try shared.closeHandles()
    shared.closeAll()
    // Alias 1 keeps its chardev open, but no handle is left in it. The other two hold one reference each to the
    // dma-buf's file.
    try look.held(shared.inode, 2, "every fd and handle closed: the two mappings are left")
    for alias in aliases { marks(of: alias, look) }

    for page in shared.probes {
      aliases[aliases.count - 1].set(UInt8(0xa0 + page), page: page)
      for alias in aliases {
        look.equal(alias.byte(page: page), UInt8(0xa0 + page), "page \(page) written last, read through \(alias.name)")
      }
    }
    // The forwarded mapping goes last: it alone must keep the memory.
    for alias in aliases.dropLast() { alias.unmap() }
    try look.held(shared.inode, 1, "only forwarded is left")
    let last = aliases[aliases.count - 1]
    last.set(0x5c, page: 1)
    look.equal(last.byte(page: 1), 0x5c, "forwarded alone: still writable")
    look.equal(last.byte(page: 0), 0xa0, "forwarded alone: still the same bytes")
    last.unmap()
    try look.references(shared.inode, nil, "forwarded unmapped")
  }

  private static func mappedLate(_ pair: Pair, _ look: Recorder) throws(Failure) {
    let shared = try pair.share()
    try shared.exported.mapDmabuf().mark()
    // Closing the exporter's last handle drops the object's own link to the dma-buf. Only the importer's is left.
    if case .chardev(let client, let buffer) = shared.exported.home {
      try client.closeHandle(buffer.handle)
      let code = Mapping.refusal(of: client.file, offset: buffer.fakeOffset, pages: shared.pages)
      look.equal(errnoName(code), "EACCES", "the exporter's handle closed: its chardev")
      client.close()
    } else {
      shared.exported.closeHome()
    }
    for map in [shared.exported.mapDmabuf, shared.mapForwarded] {
      let mapping = try map()
      marks(of: mapping, look)
      mapping.unmap()
    }
    let last = try shared.mapForwarded()
    try shared.importer.closeHandle(shared.handle)
    let code = Mapping.refusal(of: shared.importer.file, offset: shared.forwardedOffset, pages: shared.pages)
    look.equal(errnoName(code), "EINVAL", "the importer's handle closed: its chardev, where the object was")
    look.equal(last.byte(page: 2), 3, "mapped before: still the same bytes")
    try look.held(shared.inode, 3, "the fd and two mappings are left")
    last.unmap()
    try look.held(shared.inode, 2, "the fd and one mapping are left")
    shared.importer.close()
    shared.exported.dmabuf.close()
    try look.held(shared.inode, 1, "one mapping is left")
  }

  private static func moved(_ pair: Pair, _ look: Recorder) throws(Failure) {
    let shared = try pair.share()
    for original in [try shared.exported.mapDmabuf(), try shared.mapForwarded()] {
      for page in 0..<shared.pages { original.set(UInt8(1 + page), page: page) }
      let base = try References.count(inode: shared.inode)
      let length = shared.pages * pageSize
      guard let space = reserve(length) else { throw .call("reserve addresses") }
      let before = try original.mapsEntry()
      if cguest_move(original.address, length, space) != 0 { throw .call("mremap of \(original.name)") }
      let mapping = Mapping(original.name, at: space, pages: shared.pages)
      try look.references(shared.inode, base, "\(mapping.name): references once moved")
      let entry = try mapping.mapsEntry()
      look.equal(entry?.path, before?.path, "\(mapping.name): vm_file once moved")
      // With a wrong offset a mapping would hide from unmap_mapping_range().
      look.equal(entry.map { hex($0.offset) }, before.map { hex($0.offset) }, "\(mapping.name): vm_pgoff once moved")
      marks(of: mapping, look)
      mapping.unmap()
      try look.held(shared.inode, base.map { $0 - 1 }, "\(mapping.name): references once unmapped")
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
