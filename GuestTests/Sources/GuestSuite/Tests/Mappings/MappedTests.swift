// SPDX-License-Identifier: Apache-2.0

internal import CGuest
internal import CLibc

/// Forwarded mappings in the cases that mmap_region() treats specially.
enum MappedTests {
  static let all: [GuestTest] =
    Suite.failingPairs.flatMap { pair in
      [
        GuestTest(
          "mapped/\(pair.name)/locked",
          question:
            "If a process locks all its memory, are a buffer's pages left out of VmLck, however the buffer is mapped?"
        ) { look throws(Failure) in try locked(pair, look) },
        GuestTest(
          "mapped/\(pair.name)/write-exec",
          question: "If a process gave up writable and executable memory, is such a mapping of a buffer refused?"
        ) { look throws(Failure) in try writeExec(pair, look) },
        GuestTest(
          "mapped/\(pair.name)/renamed",
          question:
            "If an import gets a flink name, and the client that opens the name exports it, is it the same dma-buf?"
        ) { look throws(Failure) in try renamed(pair, look) },
        GuestTest(
          "failing/\(pair.name)/mmap-over",
          question:
            "If an allocation fails in mmap() over the middle of a forwarded mapping, is the rest of it intact?"
        ) { look throws(Failure) in try over(pair, look) },
      ]
    }
    + ["virtio_gpu", "vgem", "vkms", TestDriver.name].map { driver in
      GuestTest(
        "mapped/\(driver)/named-again",
        question:
          "If a buffer loses its last handle, and so its flink name, does the name of the next handle find the buffer?"
      ) { look throws(Failure) in try namedAgain(driver, look) }
    } + [
      GuestTest(
        "mapped/pbtest_plain/locked",
        question: "If a driver maps memory that can be locked, does it count in VmLck until it is unmapped?"
      ) { look throws(Failure) in try lockedPlain(look) },
      GuestTest(
        "mapped/memfd/hole",
        question:
          "If a hole is punched into a memfd, does each of its mappings lose those pages and no others?"
      ) { look throws(Failure) in try hole(look) },
      GuestTest(
        "fops/pbtest_bare/refused",
        question: "If an object can be neither mapped nor imported, are both refused, with nothing left behind?"
      ) { look throws(Failure) in try bare(look) },
    ]

  private static func lockedPages() throws(Failure) -> String {
    let lines = try readText("/proc/self/status").split(separator: "\n")
    return lines.first { $0.hasPrefix("VmLck:") }.map { String($0.dropFirst(6)).filter { $0 != " " && $0 != "\t" } }
      ?? "none"
  }

  private static func locked(_ pair: Pair, _ look: Recorder) throws(Failure) {
    let fixture = try Fixture(pair.exporter, importer: pair.importer)
    let shared = try fixture.share()
    let before = try shared.counts()
    for way in shared.ways {
      for (name, flags, future) in [("MAP_LOCKED", MAP_LOCKED, false), ("mlockall()", 0, true)] {
        if future, mlockall(Int32(MCL_FUTURE)) != 0 { throw .call("mlockall") }
        let address = mmap(
          nil, fixture.pages * pageSize, PROT_READ | PROT_WRITE, MAP_SHARED | flags, way.file.number, off_t(way.offset))
        let code = errno
        munlockall()
        look.equal(address == MAP_FAILED ? errnoName(code) : "mapped", "mapped", "\(way.name), \(name)")
        guard let address, address != MAP_FAILED else { continue }
        let mapping = Mapping(way.name, at: address, pages: fixture.pages)
        look.equal(try lockedPages(), "0kB", "\(way.name), \(name): locked")
        look.equal(mapping.trySet(3, page: 1), "written", "\(way.name), \(name): written")
        mapping.unmap()
        look.equal(try lockedPages(), "0kB", "\(way.name), \(name), unmapped: locked")
      }
    }
    look.same(try Counts.settled(at: before, shared.counts), before, "all as before")
    try shared.release()
    fixture.close()
  }

  private static func lockedPlain(_ look: Recorder) throws(Failure) {
    try TestDriver.require()
    let plain = try OpenFile("/dev/pbtest-plain")
    look.equal(try lockedPages(), "0kB", "before: locked")
    let address = mmap(nil, 3 * pageSize, PROT_READ, MAP_SHARED | MAP_LOCKED, plain.number, 0)
    look.equal(address == MAP_FAILED ? errnoName(errno) : "mapped", "mapped", "MAP_LOCKED")
    if let address, address != MAP_FAILED {
      look.equal(try lockedPages(), "12kB", "mapped: locked")
      munmap(address + pageSize, pageSize)
      look.equal(try lockedPages(), "8kB", "without its middle: locked")
      munmap(address, 3 * pageSize)
    }
    look.equal(try lockedPages(), "0kB", "unmapped: locked")
    plain.close()
  }

  private static func writeExec(_ pair: Pair, _ look: Recorder) throws(Failure) {
    let fixture = try Fixture(pair.exporter, importer: pair.importer)
    let shared = try fixture.share()
    let before = try shared.counts()
    for way in shared.ways {
      func answers(_ protection: Int32) -> String {
        let address = mmap(nil, pageSize, protection, MAP_SHARED, way.file.number, off_t(way.offset))
        if address == MAP_FAILED { return errnoName(errno) }
        munmap(address, pageSize)
        return "mapped"
      }
      let answer = try Child.answer {
        let free = answers(PROT_READ | PROT_WRITE | PROT_EXEC)
        if cguest_refuse_exec_gain() != 0 { return "\(free), \(errnoName(errno))" }
        return [free, answers(PROT_READ | PROT_WRITE | PROT_EXEC), answers(PROT_READ | PROT_WRITE)].joined(
          separator: ", ")
      }
      // Up to 6.2.
      if answer == "mapped, EINVAL" { throw .skip("this kernel has no PR_SET_MDWE") }
      look.equal(answer, "mapped, EACCES, mapped", "\(way.name): free, given up, without execution")
    }
    look.same(try Counts.settled(at: before, shared.counts), before, "all as before")
    try shared.release()
    fixture.close()
  }

  private static func renamed(_ pair: Pair, _ look: Recorder) throws(Failure) {
    let fixture = try Fixture(pair.exporter, importer: pair.importer)
    let shared = try fixture.share()
    let theirs = fixture.importer!
    var name: UInt32 = 0
    if cguest_drm_flink(theirs.file.number, shared.imported!.handle, &name) != 0 { throw .call("give a name") }
    let named = try shared.counts()
    let other = try theirs.stranger()
    var handle: UInt32 = 0
    if cguest_drm_open_name(other.file.number, name, &handle) != 0 { throw .call("open by name") }
    for round in 1...2 {
      let again = try other.export(handle)
      look.equal(try again.inode() == shared.exported.inode, true, "exported, round \(round): the same dma-buf")
      look.equal(try other.importBuffer(again) == handle, true, "and imported, round \(round): the same handle")
      again.close()
    }
    try other.closeHandle(handle)
    other.close()
    look.same(try Counts.settled(at: named, shared.counts), named, "closed again: all as before")
    look.equal(try shared.wrongWay(), nil, "what cannot be used")
    try shared.release()
    fixture.close()
    try look.references(shared.exported.inode, nil, "all closed")
  }

  private static func namedAgain(_ driver: String, _ look: Recorder) throws(Failure) {
    let fixture = try Fixture(.drm(driver))
    let client = fixture.owner!
    let buffer = try fixture.create()
    let dmabuf = try client.export(buffer.handle)
    let mapping = try Mapping("dma-buf", of: dmabuf, offset: 0, pages: fixture.pages)
    var handle = buffer.handle
    for round in UInt8(1)...3 {
      var name: UInt32 = 0
      if cguest_drm_flink(client.file.number, handle, &name) != 0 { throw .call("give a name") }
      let other = try client.stranger()
      var opened: UInt32 = 0
      let answer = errnoWord(cguest_drm_open_name(other.file.number, name, &opened))
      look.equal(answer, "ok", "round \(round): opened by its name")
      if answer == "ok" {
        let again = try other.export(opened)
        look.equal(try again.inode() == dmabuf.inode(), true, "round \(round): it leads to the buffer")
        again.close()
        try other.closeHandle(opened)
      }
      // The dma-buf keeps the buffer alive without a handle and without a name.
      try client.closeHandle(handle)
      look.equal(
        errnoWord(cguest_drm_open_name(other.file.number, name, &opened)), "ENOENT",
        "round \(round): the name, without a handle")
      other.close()
      handle = try client.importBuffer(dmabuf)
      look.equal(mapping.trySet(round, page: 1), "written", "round \(round): written")
    }
    mapping.unmap()
    try client.closeHandle(handle)
    let inode = try dmabuf.inode()
    dmabuf.close()
    fixture.close()
    try look.references(inode, nil, "all closed")
  }

  private static func over(_ pair: Pair, _ look: Recorder) throws(Failure) {
    let fixture = try Fixture(pair.exporter, importer: pair.importer)
    try Sweep(look: look, kernel: fixture.kernel, counts: fixture.counts).run("mmap over the middle") {
      () throws(Failure) in
      let shared = try fixture.share()
      let mapping = try shared.map("forwarded")
      mapping.mark()
      let way = shared.ways.last!
      let place = mapping.address + pageSize
      func marks() -> String? {
        // If the driver's own mmap failed, the old mapping is already gone there, which POSIX allows.
        let seen = (0..<mapping.pages).map { mapping.tryByte(page: $0) }
        let wrong = seen.indices.filter {
          seen[$0] != "\(Mapping.mark(of: $0))" && !($0 == 1 && seen[$0] == "SIGSEGV")
        }
        return wrong.isEmpty ? nil : "pages without their own mark: \(wrong.map { "\($0): \(seen[$0])" })"
      }
      return Sweep.Attempt(
        step: {
          let address = mmap(
            place, pageSize, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, way.file.number, off_t(way.offset))
          return address == MAP_FAILED ? errno : 0
        }, counts: { () throws(Failure) in try shared.counts(without: mapping) },
        undo: {
          // The middle page shows the buffer's first page as well.
          let seen = (0..<3).map { mapping.tryByte(page: $0) }
          let right = [0, 0, 2].map { "\(Mapping.mark(of: $0))" }
          if seen != right { look.equal(seen, right, "mapped over the middle: bytes") }
        },
        wrong: marks,
        finish: { () throws(Failure) in
          mapping.unmap()
          try shared.release()
        })
    }
    fixture.close()
  }

  /// Uses a memfd, the memory that udmabuf shares. Nothing punches holes into the buffers of a DRM driver.
  private static func hole(_ look: Recorder) throws(Failure) {
    let pages = 6
    let memfd = OpenFile(number: cguest_sealed_memfd("hole", pages * pageSize))
    // The second starts after the start of the first, the third starts inside the hole.
    let mappings = try [(0, 6), (1, 5), (3, 3)].map { first, count throws(Failure) in
      (first, try Mapping("from page \(first)", of: memfd, offset: UInt64(first * pageSize), pages: count))
    }
    for (first, mapping) in mappings {
      for page in 0..<mapping.pages { mapping.set(UInt8(0x20 + first + page), page: page) }
    }
    var empty: Set<Int> = []
    for (name, hole) in [("two pages", 2..<4), ("one page", 4..<5)] {
      if cguest_punch(memfd.number, UInt64(hole.lowerBound * pageSize), UInt64(hole.count * pageSize)) != 0 {
        throw .call("punch a hole")
      }
      empty.formUnion(hole)
      for (first, mapping) in mappings {
        // The others first: a fault maps neighbouring pages as well.
        let others = (first..<first + mapping.pages).filter { !hole.contains($0) }
        look.equal(
          others.map { mapping.touch(page: $0 - first).faults }, others.map { _ in 0 },
          "\(name), \(mapping.name): faults of the other pages")
        let all = first..<first + mapping.pages
        look.equal(
          all.map { mapping.tryByte(page: $0 - first) }, all.map { empty.contains($0) ? "0" : "\(0x20 + $0)" },
          "\(name), \(mapping.name): bytes")
      }
    }
    for (_, mapping) in mappings { mapping.unmap() }
    memfd.close()
  }

  private static func bare(_ look: Recorder) throws(Failure) {
    let fixture = try Fixture(.drm(TestDriver.name), importer: "vgem", flags: PBTEST_BO_BARE)
    let client = fixture.owner!
    let exported = try fixture.export()
    guard case .chardev(_, let buffer) = exported.home else { return }
    func counts() throws(Failure) -> Counts { try fixture.counts(of: exported) }
    let watch = try AllocationWatch(fixture.kernel)
    let before = try counts()
    for (name, file, offset) in [("chardev", client.file, buffer.fakeOffset), ("dma-buf", exported.dmabuf, 0)] {
      let code = Mapping.refusal(of: file, offset: offset, pages: fixture.pages)
      look.equal(errnoName(code), "EINVAL", "mmap by \(name): errno")
      look.same(try Counts.settled(at: before, counts), before, "mmap by \(name): all as before")
    }
    let answer = try errnoWord { () throws(Failure) in _ = try fixture.importer!.importBuffer(exported.dmabuf) }
    look.equal(answer, "ENOSYS", "import: errno")
    look.same(try Counts.settled(at: before, counts), before, "import: all as before")
    try watch.end(look, "refusals")
    try fixture.release(exported)
    fixture.close()
    try look.references(exported.inode, nil, "all closed")
  }
}
