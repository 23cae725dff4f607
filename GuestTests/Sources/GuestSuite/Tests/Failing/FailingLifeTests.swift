// SPDX-License-Identifier: Apache-2.0

internal import CGuest
internal import CLibc

/// More failures in a buffer's life: a fork, a move or an unplug that fails; a signal during a wait; user memory that
/// cannot be read or written.
enum FailingLifeTests {
  static let all: [GuestTest] =
    [
      GuestTest(
        "failing/vgem-to-vkms/fork",
        question: "If an allocation fails while a process with forwarded mappings forks, are all references as before?"
      ) { look throws(Failure) in try fork(look) },
      GuestTest(
        "failing/pbtest-to-vgem/move",
        question: "If an allocation fails while a buffer moves, do the buffer and its aliases stay where they were?"
      ) { look throws(Failure) in try move(look) },
      GuestTest(
        "failing/pbtest-to-vgem/unplug",
        question: "If an allocation fails while a device is unplugged, is every alias still found?"
      ) { look throws(Failure) in try unplug(look) },
      GuestTest(
        "failing/pbtest-to-vgem/signal",
        question:
          "If a signal comes while mmap() or a move waits for a lock, is that reported, and nothing left behind?"
      ) { look throws(Failure) in try signal(look) },
      GuestTest(
        "failing/vgem/signal",
        question: "If a signal comes while begin_cpu_access waits for a fence, is that reported, and can it be retried?"
      ) { look throws(Failure) in try fence(look) },
    ]
    + [Exporter.drm(VirtioGpu.driver), .drm("vgem"), .udmabuf, .systemHeap].map { exporter in
      GuestTest(
        "failing/\(exporter.name)/user-memory",
        question:
          "If a call's arguments cannot be read, or its results not written, is it EFAULT, with nothing lost for good?"
      ) { look throws(Failure) in try userMemory(exporter, look) }
    }
    + [Exporter.drm(VirtioGpu.driver), .drm("vgem"), .udmabuf, .systemHeap].map { exporter in
      GuestTest(
        "vmap/\(exporter.name)-to-pbtest/bytes",
        question: "Does the kernel's own mapping of a buffer show what user space wrote, and leave no trace?"
      ) { look throws(Failure) in try vmap(exporter, look) }
    }

  private static func fork(_ look: Recorder) throws(Failure) {
    let fixture = try Fixture(.drm("vgem"), importer: "vkms")
    let shared = try fixture.share()
    // Below all others: a fork copies every mapping of the process, and copies the lowest first.
    let mappings = try shared.ways.enumerated().map { index, way throws(Failure) in
      let mapping = try shared.map(way.name)
      let place = UnsafeMutableRawPointer(bitPattern: 0x10_0000 + index * 0x1_0000)!
      if cguest_move(mapping.address, fixture.pages * pageSize, place) < 0 { throw .call("move down") }
      return Mapping(way.name, at: place, pages: fixture.pages)
    }
    for mapping in mappings { mapping.mark() }
    let lowest = MapsEntry.all(in: try readText("/proc/self/maps")).prefix(mappings.count).map { $0.start }
    look.equal(lowest, mappings.map { $0.start }, "control: the buffer's mappings are the first of the process")
    var sweep = Sweep(look: look, kernel: fixture.kernel, counts: shared.counts)
    sweep.most = 40
    sweep.comesToItsEnd = false
    try sweep.run("fork") {
      var child: Int32 = -1
      return Sweep.Attempt(
        step: {
          child = cguest_fork_and_exit()
          return code(child)
        }, counts: shared.counts, undo: { waitpid(child, nil, 0) },
        wrong: {
          let wrong = mappings.filter { $0.tryByte(page: 1) != "\(Mapping.mark(of: 1))" }.map { $0.name }
          return wrong.isEmpty ? nil : "\(wrong)"
        })
    }
    for mapping in mappings { mapping.unmap() }
    try shared.release()
    fixture.close()
  }

  private static func move(_ look: Recorder) throws(Failure) {
    let fixture = try Fixture(.drm(TestDriver.name), importer: "vgem")
    let client = fixture.owner!
    try Sweep(look: look, kernel: fixture.kernel, counts: fixture.counts).run("move") { () throws(Failure) in
      let shared = try fixture.share()
      guard case .chardev(_, let buffer) = shared.exported.home else { throw .call("export", code: ENODEV) }
      let mappings = try shared.ways.map { way throws(Failure) in try shared.map(way.name) }
      for mapping in mappings { mapping.mark() }
      var args = pbtest_move()
      args.handle = buffer.handle
      func unmarked() -> String? {
        let wrong = mappings.filter { $0.tryByte(page: 1) != "\(Mapping.mark(of: 1))" }.map { $0.name }
        return wrong.isEmpty ? nil : "other bytes by \(wrong)"
      }
      return Sweep.Attempt(
        step: { code(cguest_pbtest_move(client.file.number, &args)) }, counts: shared.counts,
        undo: {
          if args.generation < 2 { look.equal(args.generation, 2, "move: generation") }
          if let wrong = unmarked() { look.expect(false, "moved", wrong) }
        }, wrong: unmarked,
        finish: { () throws(Failure) in
          for mapping in mappings { mapping.unmap() }
          try shared.release()
        })
    }
    fixture.close()
  }

  /// Each attempt unplugs the device, so the parts of a fixture do not outlive it.
  private static func unplug(_ look: Recorder) throws(Failure) {
    try TestDriver.require()
    let faults = try FaultPoint()
    defer { faults.close() }
    let unbind = try OpenFile("/sys/bus/platform/drivers/\(TestDriver.name)/unbind", flags: O_WRONLY)
    let device = "\(TestDriver.name).0"
    let alive = BufInfo.parse(try readText(References.bufinfo)).count
    for kind in FaultPoint.Kind.allCases { try unplug(device, unbind, kind, faults, look) }
    look.equal(BufInfo.parse(try readText(References.bufinfo)).count, alive, "dma-bufs alive in the end")
    unbind.close()
  }

  private static func unplug(
    _ device: String, _ unbind: OpenFile, _ kind: FaultPoint.Kind, _ faults: FaultPoint, _ look: Recorder
  ) throws(Failure) {
    try faults.choose(kind)
    var wrong: [String] = []
    var hasEnded = false
    for number in 1...Sweep.most where !hasEnded && wrong.isEmpty {
      let fixture = try Fixture(.drm(TestDriver.name), importer: "vgem")
      let shared = try fixture.share()
      let mappings = try shared.ways.map { way throws(Failure) in try shared.map(way.name) }
      for mapping in mappings { mapping.mark() }
      let (code, fired) = try faults.failing(number) {
        GuestSuite.code(Int32(CLibc.write(unbind.number, device, device.utf8.count)))
      }
      hasEnded = !fired
      if code != 0 {
        if code != ENOMEM && code != EFAULT { wrong.append("\(number): \(errnoName(code))") }
        if CLibc.write(unbind.number, device, device.utf8.count) < 0 { wrong.append("\(number): cannot be done again") }
      }
      // Once the device is gone, the driver answers every fault with SIGBUS.
      for mapping in mappings where mapping.tryByte(page: 1) != "SIGBUS" {
        wrong.append("\(number): \(mapping.name) is mapped")
      }
      for mapping in mappings { mapping.unmap() }
      // A device that is gone takes no calls, but its files can be closed.
      try fixture.importer!.closeHandle(shared.imported!.handle)
      shared.exported.dmabuf.close()
      fixture.close()
      try TestDriver.bind(0)
      if try References.count(inode: shared.exported.inode) != nil {
        wrong.append("\(number): the dma-buf is still there")
      }
    }
    look.equal(wrong, [], "\(kind.rawValue): what was wrong, by the place that failed")
    look.expect(
      hasEnded || !wrong.isEmpty, "\(kind.rawValue): done without a failure within \(Sweep.most) places to fail at")
  }

  /// Holds a buffer's reservation lock while the body runs.
  private static func holding(
    _ handle: UInt32, of client: DrmClient, _ dmabuf: OpenFile, _ kernel: KernelView, _ body: () throws(Failure) -> Void
  ) throws(Failure) {
    let child = cguest_fork_child()
    if child < 0 { throw .call("fork") }
    if child == 0 {
      var args = pbtest_hold()
      args.handle = handle
      args.milliseconds = 600_000
      _ = cguest_pbtest_hold(client.file.number, &args)
      _exit(0)
    }
    defer {
      kill(child, SIGKILL)
      waitpid(child, nil, 0)
    }
    // Once it has the lock, it holds it for as long as all of this may take.
    var isHeld = false
    for _ in 0..<10_000 where !isHeld {
      isHeld = try kernel.dmabuf(dmabuf).locked != 0
      if !isHeld { usleep(1_000) }
    }
    if !isHeld { throw .call("have the lock held", code: ETIMEDOUT) }
    try body()
  }

  private static func signal(_ look: Recorder) throws(Failure) {
    let fixture = try Fixture(.drm(TestDriver.name), importer: "vgem")
    let shared = try fixture.share()
    guard case .chardev(let client, let buffer) = shared.exported.home else { return }
    // From here on the child holds a second copy of everything that is open.
    let before = try shared.counts()
    var answers: [(String, Int32)] = []
    try holding(buffer.handle, of: client, shared.exported.dmabuf, fixture.kernel) {
      _ = cguest_pester(20)
      for way in shared.ways {
        answers.append(
          ("mmap by \(way.name)", Mapping.refusal(of: way.file, offset: way.offset, pages: fixture.pages)))
      }
      var args = pbtest_move()
      args.handle = buffer.handle
      answers.append(("move", code(cguest_pbtest_move(client.file.number, &args))))
      _ = cguest_pester(0)
    }
    for (name, code) in answers { look.equal(errnoName(code), "EINTR", "\(name): errno") }
    let after = try Counts.settled(at: before, shared.counts)
    look.same(after, before, "all as before")
    look.equal(try shared.wrongWay(), nil, "afterwards: what cannot be used")
    look.equal(try client.move(buffer.handle), 2, "afterwards: moved for the first time")
    try shared.release()
    fixture.close()
  }

  private static func fence(_ look: Recorder) throws(Failure) {
    let fixture = try Fixture(.drm("vgem"))
    let exported = try fixture.export()
    guard case .chardev(let client, let buffer) = exported.home else { return }
    var fence: UInt32 = 0
    if cguest_vgem_attach(client.file.number, buffer.handle, &fence) != 0 { throw .call("attach a fence") }
    let before = try fixture.kernel.file(exported.dmabuf)
    _ = cguest_pester(20)
    for round in 1...3 {
      look.equal(errnoWord(cguest_dmabuf_sync(exported.dmabuf.number, 1)), "EINTR", "access begins, round \(round)")
    }
    _ = cguest_pester(0)
    look.equal(try fixture.kernel.file(exported.dmabuf).count, before.count, "references afterwards")
    look.equal(try fixture.kernel.dmabuf(exported.dmabuf).locked, 0, "the reservation lock is free")
    if cguest_vgem_signal(client.file.number, fence) != 0 { throw .call("signal a fence") }
    look.equal(errnoWord(cguest_dmabuf_sync(exported.dmabuf.number, 1)), "ok", "signalled: access begins")
    look.equal(errnoWord(cguest_dmabuf_sync(exported.dmabuf.number, 0)), "ok", "and ends")
    let inode = exported.inode
    try fixture.release(exported)
    try look.references(inode, nil, "all closed")
    fixture.close()
  }

  private static func userMemory(_ exporter: Exporter, _ look: Recorder) throws(Failure) {
    let fixture = try Fixture(exporter, importer: "vkms")
    let exported = try fixture.export()
    // A page with arguments in it that can be read but not written.
    let page = try reserveAddresses(pages: 1)
    defer { munmap(page, pageSize) }
    var calls: [(name: String, file: OpenFile, call: cguest_call, first: Int64, writes: Bool)] = [
      ("import", fixture.importer!.file, CGUEST_CALL_IMPORT, Int64(exported.dmabuf.number), true),
      ("access", exported.dmabuf, CGUEST_CALL_SYNC, 0, false),
    ]
    var devices: [OpenFile] = []
    switch exported.home {
    case .chardev(let client, let buffer):
      calls += [
        ("create", client.file, CGUEST_CALL_CREATE_DUMB, 0, true),
        ("fake offset", client.file, CGUEST_CALL_MAP_DUMB, Int64(buffer.handle), true),
        ("export", client.file, CGUEST_CALL_EXPORT, Int64(buffer.handle), true),
        ("close", client.file, CGUEST_CALL_CLOSE, Int64(buffer.handle), false),
      ]
    case .memfd(let memfd):
      devices.append(try Exporter.device("/dev/udmabuf", config: "CONFIG_UDMABUF"))
      calls.append(("create", devices[0], CGUEST_CALL_UDMABUF, Int64(memfd.number), false))
    case .none:
      devices.append(try Exporter.device("/dev/dma_heap/system", config: "CONFIG_DMABUF_HEAPS_SYSTEM"))
      calls.append(("create", devices[0], CGUEST_CALL_HEAP, 0, true))
    }
    func counts() throws(Failure) -> Counts {
      var counts = try fixture.counts()
      counts.addDmabufsAlive(try readText(References.bufinfo))
      try fixture.kernel.countDmabuf("the dma-buf", exported.dmabuf, into: &counts)
      return counts
    }
    let before = try counts()
    for one in calls {
      let answer = errnoWord(cguest_raw_call(one.file.number, one.call, cguest_bad_pointer()))
      look.equal(answer, "EFAULT", "\(one.name): arguments that cannot be read")
      let after = try Counts.settled(at: before, counts)
      look.same(after, before, "\(one.name): arguments that cannot be read: all as before")
    }
    look.equal(
      errnoWord(cguest_dmabuf_name(exported.dmabuf.number, cguest_bad_pointer())), "EFAULT",
      "name: a text that cannot be read")
    for one in calls where one.writes {
      mprotect(page, pageSize, PROT_READ | PROT_WRITE)
      cguest_fill_call(one.call, page, one.first, UInt32(fixture.pages))
      mprotect(page, pageSize, PROT_READ)
      let next = cguest_next_fd()
      // If a call succeeded but could not write its result, what it made stays: the kernel cannot undo it.
      let handles = try fixture.owner.map { owner throws(Failure) in try fixture.kernel.client(owner).handles } ?? 0
      let answer = errnoWord(cguest_raw_call(one.file.number, one.call, page))
      look.equal(answer, "EFAULT", "\(one.name): results that cannot be written")
      switch one.call {
      case CGUEST_CALL_IMPORT:
        try fixture.importer!.closeHandle(fixture.importer!.importBuffer(exported.dmabuf))
      case CGUEST_CALL_CREATE_DUMB:
        look.equal(
          try fixture.kernel.client(fixture.owner!).handles, handles + 1, "\(one.name): the handle is the client's")
        // The next buffer gets the lowest free number, so the lost one is the number before it.
        let next = try fixture.owner!.createDumb(pages: 1).handle
        try fixture.owner!.closeHandle(next - 1)
        try fixture.owner!.closeHandle(next)
      case CGUEST_CALL_EXPORT, CGUEST_CALL_HEAP: close(next)
      default: break
      }
      let after = try Counts.settled(at: before, counts)
      look.same(after, before, "\(one.name): results that cannot be written: all as before")
    }
    for device in devices { device.close() }
    try fixture.release(exported)
    fixture.close()
    try look.references(exported.inode, nil, "all closed")
  }

  private static func vmap(_ exporter: Exporter, _ look: Recorder) throws(Failure) {
    let fixture = try Fixture(exporter, importer: TestDriver.name)
    let shared = try fixture.share()
    let mapping = try shared.map("dma-buf")
    for page in 0..<fixture.pages { mapping.set(UInt8(0x42 + page), page: page, at: 5) }
    mapping.unmap()
    let before = try shared.counts()
    var seen: [UInt32] = []
    for page in 0..<fixture.pages {
      var args = pbtest_peek()
      args.handle = shared.imported!.handle
      args.offset = UInt64(page * pageSize + 5)
      if cguest_pbtest_peek(fixture.importer!.file.number, &args) != 0 {
        // Up to 6.1.
        if exporter == .udmabuf, errno == EINVAL { throw .skip("udmabuf has no vmap in this kernel") }
        throw .call("read through the kernel")
      }
      seen.append(args.value)
    }
    look.equal(seen, [0x42, 0x43, 0x44], "the bytes read")
    look.same(try shared.counts(), before, "all as before")
    try shared.release()
    fixture.close()
  }
}
