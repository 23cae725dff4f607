// SPDX-License-Identifier: Apache-2.0

internal import CGuest
internal import CLibc

/// Each step of a buffer's life, with each of its allocations failing in turn: how a buffer is created, and how it is
/// shared.
enum FailingTests {
  static func create(_ exporter: Exporter) -> GuestTest {
    GuestTest(
      "failing/\(exporter.name)/create",
      question: "If an allocation fails while a buffer is created, is nothing left of it, and the next one intact?"
    ) { look throws(Failure) in try create(exporter, look) }
  }

  static func export(_ driver: String) -> GuestTest {
    GuestTest(
      "failing/\(driver)/export",
      question: "If an allocation fails while a buffer is exported, is its handle as good as before?"
    ) { look throws(Failure) in try export(driver, look) }
  }

  static func importing(_ pair: Pair) -> GuestTest {
    GuestTest(
      "failing/\(pair.name)/import",
      question: "If an allocation fails while a buffer is imported, is it detached again, and no handle left?"
    ) { look throws(Failure) in try importing(pair, look) }
  }

  static func selfImport(_ driver: String) -> GuestTest {
    GuestTest(
      "failing/\(driver)/self-import",
      question: "If an allocation fails while a device imports its own buffer, are the object's references as before?"
    ) { look throws(Failure) in try selfImport(driver, look) }
  }

  static let calls =
    [VirtioGpu.driver, "vgem"].map { driver in
      GuestTest(
        "failing/\(driver)/wait",
        question: "May the kernel wait for memory when it allocates the pages of a buffer?"
      ) { look throws(Failure) in try waiting(driver, look) }
    } + [
      GuestTest(
        "failing/udmabuf/access",
        question:
          "If udmabuf's list of pages cannot be allocated at the first access, does the next access make it?"
      ) { look throws(Failure) in try access(look) },
      GuestTest(
        "failing/system_heap/long-arguments",
        question: "If an allocation fails for arguments that do not fit the kernel's stack, is nothing created?"
      ) { look throws(Failure) in try longArguments(look) },
    ]

  /// An allocation that may not wait fails as soon as memory is short, where one that may makes the kernel reclaim some.
  private static func waiting(_ driver: String, _ look: Recorder) throws(Failure) {
    let fixture = try Fixture(.drm(driver))
    let client = fixture.owner!
    let faults = try FaultPoint()
    /// Makes and maps a buffer with the first, the second, … page that may fail failing, until none is left. Some drivers
    /// allocate the pages when they make it, others when it is mapped.
    func refusals(sparingWaiting spares: Bool) throws(Failure) -> [String] {
      try faults.choose(.pages, sparesWaiting: spares)
      var refused: [String] = []
      for number in 1...Sweep.most {
        var handle: UInt32 = 0
        let answer = try faults.failing(number) {
          var (size, offset): (UInt64, UInt64) = (0, 0)
          if cguest_drm_create_dumb(client.file.number, UInt32(fixture.pages), &handle, &size) != 0 { return errno }
          if cguest_drm_fake_offset(client.file.number, handle, &offset) != 0 { return errno }
          return Mapping.refusal(of: client.file, offset: offset, pages: fixture.pages)
        }
        // An access to the caller's memory that fails is EFAULT, and says nothing about the buffer's.
        if answer.code == ENOMEM { refused.append("place \(number)") }
        if handle != 0 { try client.closeHandle(handle) }
        if !answer.fired { break }
      }
      return refused
    }
    look.expect(!(try refusals(sparingWaiting: false)).isEmpty, "control: ENOMEM where an allocation of pages fails")
    // What else may not wait may fail, too, for example where a slab grows: the kernel has something else to try there.
    look.equal(try refusals(sparingWaiting: true), [], "ENOMEM where one fails that may not wait")
    try faults.choose(.objects)
    faults.close()
    fixture.close()
  }

  private static func access(_ look: Recorder) throws(Failure) {
    let fixture = try Fixture(.udmabuf)
    try Sweep(look: look, kernel: fixture.kernel, counts: fixture.counts).run("access") { () throws(Failure) in
      let exported = try fixture.export()
      func sync(_ begin: Int32) -> Int32 { code(cguest_dmabuf_sync(exported.dmabuf.number, begin)) }
      return Sweep.Attempt(
        step: { sync(1) },
        counts: { () throws(Failure) in
          var counts = try fixture.counts()
          try fixture.kernel.countDmabuf("the dma-buf", exported.dmabuf, into: &counts)
          return counts
        },
        undo: { () throws(Failure) in
          let answer = sync(0)
          if answer != 0 { throw .call("end the access", code: answer) }
        },
        wrong: {
          // Without a list there is no access to end.
          let answer = sync(0)
          return answer == EINVAL ? nil : "an access that did not begin ends: \(errnoName(answer))"
        },
        finish: { () throws(Failure) in try fixture.release(exported) })
    }
    fixture.close()
  }

  private static func longArguments(_ look: Recorder) throws(Failure) {
    let fixture = try Fixture(.systemHeap)
    let device = try Exporter.device("/dev/dma_heap/system", config: "CONFIG_DMABUF_HEAPS_SYSTEM")
    try Sweep(look: look, kernel: fixture.kernel, counts: fixture.counts).run("allocate") {
      made(
        fixture,
        {
          var args = cguest_heap(
            size: UInt64(fixture.pages * pageSize), fd: 0, fd_flags: UInt32(O_CLOEXEC | O_RDWR), heap_flags: 0,
            number: 0,
            direction: 3, bytes: 1024)
          return cguest_heap_call(device.number, &args)
        }, finish: {})
    }
    device.close()
    fixture.close()
  }

  private static func create(_ exporter: Exporter, _ look: Recorder) throws(Failure) {
    let fixture = try Fixture(exporter)
    let pages = fixture.pages
    let device: OpenFile?
    switch exporter {
    case .drm: device = nil
    case .udmabuf: device = try Exporter.device("/dev/udmabuf", config: "CONFIG_UDMABUF")
    case .systemHeap: device = try Exporter.device("/dev/dma_heap/system", config: "CONFIG_DMABUF_HEAPS_SYSTEM")
    }
    // The next buffer gets the lowest free number.
    let next = try fixture.owner?.createDumb(pages: 1).handle ?? 0
    try fixture.owner?.closeHandle(next)
    var sweep = Sweep(look: look, kernel: fixture.kernel, counts: fixture.counts)
    // A new file in shared memory fails with ENOSPC if there is no inode (mm/shmem.c).
    sweep.allowed.insert(ENOSPC)
    try sweep.run("create") {
      switch exporter {
      case .drm:
        let client = fixture.owner!
        var handle: UInt32 = 0
        return Sweep.Attempt(
          step: {
            var size: UInt64 = 0
            return code(cguest_drm_create_dumb(client.file.number, UInt32(pages), &handle, &size))
          }, counts: fixture.counts,
          undo: { () throws(Failure) in
            let mapping = try Mapping(
              "new", of: client.file, offset: client.fakeOffset(of: handle), pages: pages)
            if mapping.trySet(1, page: pages - 1) != "written" { throw .call("write to the buffer", code: EIO) }
            mapping.unmap()
            try client.closeHandle(handle)
          }, lost: { _ = cguest_drm_close_handle(client.file.number, next) })
      case .udmabuf:
        let memfd = OpenFile(number: cguest_sealed_memfd("patchbench", pages * pageSize))
        return made(
          fixture, { cguest_udmabuf(device!.number, memfd.number, pages * pageSize) }, finish: { memfd.close() })
      case .systemHeap:
        return made(fixture, { cguest_heap_alloc(device!.number, pages * pageSize) }, finish: {})
      }
    }
    device?.close()
    fixture.close()
  }

  /// An attempt at a call that returns an fd.
  private static func made(
    _ fixture: Fixture, _ call: @escaping () -> Int32, finish: @escaping () -> Void
  ) -> Sweep.Attempt {
    let next = cguest_next_fd()
    var number: Int32 = -1
    return Sweep.Attempt(
      step: {
        number = call()
        return code(number)
      }, counts: fixture.counts,
      undo: { () throws(Failure) in
        let file = OpenFile(number: number)
        let mapping = try Mapping("new", of: file, offset: 0, pages: fixture.pages)
        if mapping.trySet(1, page: fixture.pages - 1) != "written" {
          throw .call("write to the buffer", code: EIO)
        }
        mapping.unmap()
        file.close()
      }, lost: { _ = close(next) }, finish: finish)
  }

  private static func export(_ driver: String, _ look: Recorder) throws(Failure) {
    let fixture = try Fixture(.drm(driver))
    let client = fixture.owner!
    // The kernel remembers the object's dma-buf until the handle is closed, even if the fd could not be returned.
    func handles() throws(Failure) -> Counts {
      let seen = try fixture.kernel.client(client)
      var counts = Counts()
      counts.add("handles", Int64(seen.handles))
      counts.add("objects", Int64(seen.objects))
      counts.addNextFile()
      return counts
    }
    try Sweep(look: look, kernel: fixture.kernel, counts: fixture.counts).run("export") { () throws(Failure) in
      let buffer = try fixture.create()
      let next = cguest_next_fd()
      var number: Int32 = -1
      return Sweep.Attempt(
        step: {
          number = cguest_drm_export(client.file.number, buffer.handle)
          return code(number)
        }, counts: handles,
        made: { () throws(Failure) in
          var counts = try handles()
          try fixture.kernel.countDmabuf("the dma-buf", OpenFile(number: number), into: &counts)
          return counts
        },
        undo: { () throws(Failure) in
          let exported = OpenFile(number: number)
          let again = try client.export(buffer.handle)
          if try again.inode() != exported.inode() { throw .call("export the same dma-buf again", code: EXDEV) }
          again.close()
          let mapping = try Mapping("dma-buf", of: exported, offset: 0, pages: fixture.pages)
          if mapping.trySet(1, page: 1) != "written" { throw .call("write to the buffer", code: EIO) }
          mapping.unmap()
          exported.close()
        }, lost: { _ = close(next) },
        finish: { () throws(Failure) in try client.closeHandle(buffer.handle) })
    }
    fixture.close()
  }

  private static func importing(_ pair: Pair, _ look: Recorder) throws(Failure) {
    let fixture = try Fixture(pair.exporter, importer: pair.importer)
    let importer = fixture.importer!
    try Sweep(look: look, kernel: fixture.kernel, counts: fixture.counts).run("import") { () throws(Failure) in
      let exported = try fixture.export()
      var handle: UInt32 = 0
      return Sweep.Attempt(
        step: { code(cguest_drm_import(importer.file.number, exported.dmabuf.number, &handle)) },
        counts: { () throws(Failure) in
          var counts = try fixture.counts()
          try fixture.kernel.countDmabuf("the dma-buf", exported.dmabuf, into: &counts)
          return counts
        },
        made: { () throws(Failure) in
          let imported = DumbBuffer(handle: handle, fakeOffset: 0)
          return try Fixture.Shared(exported: exported, imported: imported, fixture: fixture).counts()
        },
        undo: { () throws(Failure) in
          if try importer.importBuffer(exported.dmabuf) != handle {
            throw .call("get the same handle again", code: EXDEV)
          }
          try importer.closeHandle(handle)
        },
        // Importing again returns the handle that the failed call did not report.
        lost: { () throws(Failure) in try importer.closeHandle(importer.importBuffer(exported.dmabuf)) },
        finish: { () throws(Failure) in try fixture.release(exported) })
    }
    fixture.close()
  }

  private static func selfImport(_ driver: String, _ look: Recorder) throws(Failure) {
    let fixture = try Fixture(.drm(driver))
    let owner = fixture.owner!
    let other = try owner.stranger()
    try Sweep(look: look, kernel: fixture.kernel, counts: fixture.counts).run("self-import") { () throws(Failure) in
      let exported = try fixture.export()
      guard case .chardev(_, let buffer) = exported.home else { throw .call("export", code: ENODEV) }
      var handle: UInt32 = 0
      func counts() throws(Failure) -> Counts {
        var counts = try fixture.counts()
        try fixture.kernel.count("the second client", other, into: &counts)
        try fixture.kernel.count("the object", buffer.handle, of: owner, into: &counts)
        try fixture.kernel.countDmabuf("the dma-buf", exported.dmabuf, into: &counts)
        return counts
      }
      return Sweep.Attempt(
        step: { code(cguest_drm_import(other.file.number, exported.dmabuf.number, &handle)) },
        counts: counts, made: counts,
        undo: { () throws(Failure) in try other.closeHandle(handle) },
        lost: { () throws(Failure) in try other.closeHandle(other.importBuffer(exported.dmabuf)) },
        finish: { () throws(Failure) in try fixture.release(exported) })
    }
    other.close()
    fixture.close()
  }
}
