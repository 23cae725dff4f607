// SPDX-License-Identifier: Apache-2.0

internal import CGuest
internal import CLibc

/// Which pages a buffer gets. GEM pins a buffer's pages for as long as it is mapped, so they must not lie where the
/// kernel wants to move pages: a long-lived pin there keeps memory from being given to CMA or unplugged.
enum PlacementTests {
  static let all = [VirtioGpu.driver, "vgem"].map { driver in
    GuestTest(
      "mapped/\(driver)/unmovable",
      question: "Do a buffer's pages, which stay pinned, come from memory that is not for movable pages?"
    ) { look throws(Failure) in try placed(driver, look) }
  }

  private static let pages = 16

  private static func placed(_ driver: String, _ look: Recorder) throws(Failure) {
    let client = try DrmClient(driver: driver)
    let watch = try PageWatch()
    let memfd = OpenFile(number: cguest_plain_memfd(UInt64(pages * pageSize)))
    if memfd.number < 0 { throw .call("make a memfd") }
    let ordinary = try watch.taken { () throws(Failure) in
      let mapping = try Mapping("memfd", of: memfd, offset: 0, pages: pages)
      for page in 0..<pages { mapping.set(1, page: page) }
      mapping.unmap()
    }
    look.expect(
      ordinary.movable >= pages && ordinary.unmovable == 0, "control: a memfd's pages are movable",
      "\(ordinary.movable), and \(ordinary.unmovable) that are not")
    memfd.close()
    // virtio-gpu allocates its pages when the buffer is made, vgem when it is mapped.
    let buffers = try watch.taken { () throws(Failure) in
      let buffer = try client.createDumb(pages: pages)
      try Mapping("chardev", of: client.file, offset: buffer.fakeOffset, pages: pages).unmap()
    }
    look.expect(
      buffers.unmovable >= pages, "pages for users that are not movable, for a buffer of \(pages)",
      "\(buffers.unmovable), and \(buffers.movable) that are")
    client.close()
  }
}

/// Counts the pages for user space that this task takes from the page allocator, by its event.
private struct PageWatch {
  struct Taken {
    var movable = 0
    var unmovable = 0
  }

  private static let instance = "pages"
  private static let folder = Tracer.folder(instance)
  private static let event = "\(folder)/events/kmem/mm_page_alloc"

  init() throws(Failure) {
    try Tracer.make(Self.instance) { () throws(Failure) in
      try writeText("64", to: "\(Self.folder)/buffer_size_kb")
      try writeText("1", to: "\(Self.event)/enable")
    }
    try Self.clear("set_event_pid")
    try writeText("\(getpid())", to: "\(Self.folder)/set_event_pid")
  }

  /// Counts what is taken meanwhile.
  func taken(_ steps: () throws(Failure) -> Void) throws(Failure) -> Taken {
    try Self.clear("trace")
    try writeText("1", to: "\(Self.folder)/tracing_on")
    try steps()
    try writeText("0", to: "\(Self.folder)/tracing_on")
    var taken = Taken()
    for line in try readText("\(Self.folder)/trace").split(separator: "\n") {
      let words = line.split(separator: " ")
      // Those for the kernel itself, such as slabs and page tables, have other flags.
      if !words.contains(where: { $0.hasPrefix("gfp_flags=GFP_HIGHUSER") }) { continue }
      if words.contains("migratetype=1"[...]) { taken.movable += 1 } else { taken.unmovable += 1 }
    }
    return taken
  }

  private static func clear(_ file: String) throws(Failure) {
    try OpenFile("\(folder)/\(file)", flags: O_WRONLY | O_TRUNC).close()
  }
}
