// SPDX-License-Identifier: Apache-2.0

internal import CGuest
internal import CLibc

/// The same for everything that is done with a buffer's mappings.
enum FailingMapTests {
  static func mmap(_ pair: Pair, _ way: String) -> GuestTest {
    GuestTest(
      "failing/\(pair.name)/mmap-\(way)",
      question:
        "If an allocation fails in mmap(), is every count as before, and does mapping the buffer work the next time?"
    ) { look throws(Failure) in try map(fixture(pair), way, look) }
  }

  static func touch(_ pair: Pair) -> GuestTest {
    GuestTest(
      "failing/\(pair.name)/first-touch",
      question: "If an allocation fails on the first touch of a page, is the page there all the same?"
    ) { look throws(Failure) in try touch(pair, look) }
  }

  static func split(_ pair: Pair) -> GuestTest {
    GuestTest(
      "failing/\(pair.name)/split",
      question: "If an allocation fails while a forwarded mapping is cut, is it still whole?"
    ) { look throws(Failure) in try split(pair, look) }
  }

  static func mremap(_ pair: Pair) -> GuestTest {
    GuestTest(
      "failing/\(pair.name)/mremap",
      question: "If an allocation fails while a forwarded mapping moves, is it still where it was?"
    ) { look throws(Failure) in try mremap(pair, look) }
  }

  static func closing(_ pair: Pair) -> GuestTest {
    GuestTest(
      "failing/\(pair.name)/closing",
      question: "If an allocation fails while everything is closed, in one order or another, is all of it freed?"
    ) { look throws(Failure) in try closing(pair, look) }
  }

  private static func fixture(_ pair: Pair) throws(Failure) -> Fixture {
    try Fixture(pair.exporter, importer: pair.importer)
  }

  /// Closes the fixture at the end.
  static func map(_ fixture: Fixture, _ name: String, _ look: Recorder) throws(Failure) {
    try Sweep(look: look, kernel: fixture.kernel, counts: fixture.counts).run(name) { () throws(Failure) in
      // Imported only for the way that needs it: an import allocates the pages that this mmap() is to allocate.
      let exported = try fixture.export()
      let imported = try name == "forwarded" ? fixture.imported(exported) : nil
      let shared = Fixture.Shared(exported: exported, imported: imported, fixture: fixture)
      guard let way = shared.ways.first(where: { $0.name == name }) else {
        throw .call("map by \(name)", code: ENXIO)
      }
      var address: UnsafeMutableRawPointer?
      let length = fixture.pages * pageSize
      return Sweep.Attempt(
        step: {
          address = CLibc.mmap(nil, length, PROT_READ | PROT_WRITE, MAP_SHARED, way.file.number, off_t(way.offset))
          return address == MAP_FAILED ? errno : 0
        }, counts: shared.counts, made: shared.counts,
        undo: { () throws(Failure) in
          let mapping = Mapping(name, at: address!, pages: fixture.pages)
          if let wrong = try shared.wrongMapping(mapping) {
            throw .call("\(name): mapped, but \(wrong)", code: EIO)
          }
          mapping.unmap()
        }, wrong: shared.wrongWay, finish: shared.release)
    }
    fixture.close()
  }

  private static func touch(_ pair: Pair, _ look: Recorder) throws(Failure) {
    let fixture = try fixture(pair)
    var sweep = Sweep(look: look, kernel: fixture.kernel, counts: fixture.counts)
    // The kernel retries the access.
    sweep.isRefused = false
    try sweep.run("first touch") { () throws(Failure) in
      let shared = try fixture.share()
      let mappings = try shared.ways.map { way throws(Failure) in try shared.map(way.name) }
      return Sweep.Attempt(
        step: {
          for mapping in mappings {
            var value: UInt8 = 0
            if cguest_try_read(mapping.address + pageSize, &value) != 0 || value != 0 { return EIO }
            if cguest_try_write(mapping.address, 7) != 0 { return EIO }
          }
          return 0
        },
        undo: {
          let faults = mappings.flatMap { mapping in (0..<2).map { mapping.touch(page: $0).faults } }
          if faults.contains(where: { $0 != 0 }) { look.equal(faults, faults.map { _ in 0 }, "touched again: faults") }
        },
        finish: { () throws(Failure) in
          for mapping in mappings { mapping.unmap() }
          try shared.release()
        })
    }
    fixture.close()
  }

  private static func split(_ pair: Pair, _ look: Recorder) throws(Failure) {
    let fixture = try fixture(pair)
    for (name, cut) in [
      ("unmap the middle", { (mapping: Mapping) in munmap(mapping.address + pageSize, pageSize) }),
      ("protect the middle", { (mapping: Mapping) in mprotect(mapping.address + pageSize, pageSize, PROT_READ) }),
    ] {
      try Sweep(look: look, kernel: fixture.kernel, counts: fixture.counts).run(name) { () throws(Failure) in
        let shared = try fixture.share()
        let mapping = try shared.map("forwarded")
        mapping.mark()
        return Sweep.Attempt(
          step: { code(cut(mapping)) }, counts: { () throws(Failure) in try shared.counts(without: mapping) },
          undo: { () throws(Failure) in
            for page in [0, 2] where mapping.trySet(9, page: page) != "written" {
              throw .call("write beside the cut", code: EIO)
            }
          },
          wrong: { unmarked(mapping) },
          finish: { () throws(Failure) in
            mapping.unmap()
            try shared.release()
          })
      }
    }
    fixture.close()
  }

  private static func unmarked(_ mapping: Mapping) -> String? {
    let wrong = (0..<mapping.pages).filter { mapping.tryByte(page: $0) != "\(Mapping.mark(of: $0))" }
    return wrong.isEmpty ? nil : "pages without their own mark: \(wrong)"
  }

  private static func mremap(_ pair: Pair, _ look: Recorder) throws(Failure) {
    let fixture = try fixture(pair)
    let length = fixture.pages * pageSize
    try Sweep(look: look, kernel: fixture.kernel, counts: fixture.counts).run("mremap") { () throws(Failure) in
      let shared = try fixture.share()
      let mapping = try shared.map("forwarded")
      mapping.mark()
      // Far from everything else, so that its page tables have to be allocated.
      let space = UnsafeMutableRawPointer(bitPattern: 0x2000_0000_0000)!
      return Sweep.Attempt(
        step: { code(cguest_move(mapping.address, length, space)) }, counts: shared.counts,
        undo: {
          let moved = Mapping("moved", at: space, pages: mapping.pages)
          if let wrong = unmarked(moved) { look.expect(false, "mremap: moved", wrong) }
          moved.unmap()
        },
        wrong: { unmarked(mapping) },
        finish: { () throws(Failure) in
          mapping.unmap()
          try shared.release()
        })
    }
    fixture.close()
  }

  private static func closing(_ pair: Pair, _ look: Recorder) throws(Failure) {
    let fixture = try fixture(pair)
    let orders = [
      ("handles first", [0, 1, 2, 3, 4]), ("mappings first", [3, 4, 2, 0, 1]), ("the fd first", [2, 4, 1, 3, 0]),
    ]
    // Every order if both sides are DRM drivers, with and without pages that move. One order for each of the others.
    let chosen =
      switch pair.exporter {
      case .drm(VirtioGpu.driver), .udmabuf: orders.prefix(1)
      case .systemHeap: orders.suffix(1)
      case .drm: orders[...]
      }
    for (name, order) in chosen {
      var sweep = Sweep(look: look, kernel: fixture.kernel, counts: fixture.counts)
      // Closing a file allocates nothing, and some of the other steps allocate nothing on some kernels.
      sweep.isRefused = false
      try sweep.run("closed, \(name)") { () throws(Failure) in
        let shared = try fixture.share()
        let mappings = try ["dma-buf", "forwarded"].map { way throws(Failure) in try shared.map(way) }
        // 6.1's udmabuf maps the memfd's own pages, and closing a memfd while one of its pages is mapped is a separate
        // bug there.
        if case .memfd = shared.exported.home {} else { for mapping in mappings { _ = mapping.tryByte(page: 1) } }
        var closers: [() -> Int32] = [
          { 0 }, { code(cguest_drm_close_handle(fixture.importer!.file.number, shared.imported!.handle)) },
          { code(close(shared.exported.dmabuf.number)) },
        ]
        closers += mappings.map { mapping in { code(munmap(mapping.address, mapping.pages * pageSize)) } }
        switch shared.exported.home {
        case .chardev(let client, let buffer):
          closers[0] = { code(cguest_drm_close_handle(client.file.number, buffer.handle)) }
        case .memfd(let file): closers[0] = { code(close(file.number)) }
        case .none: break
        }
        // Retries only what was refused.
        var open = order
        return Sweep.Attempt(
          step: {
            var first: Int32 = 0
            open = open.filter {
              let answer = closers[$0]()
              if first == 0 { first = answer }
              return answer != 0
            }
            return first
          })
      }
    }
    fixture.close()
  }
}
