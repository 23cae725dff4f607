// SPDX-License-Identifier: Apache-2.0

internal import CGuest
internal import CLibc
internal import GuestProtocol

/// Drivers hold thousands of private objects, which is why these are not all file descriptors.
enum ScaleTests {
  /// Buffers of each of two processes, which work at the same time because there are two CPUs. They come from the heap,
  /// which makes a buffer and its dma-buf in a single call. Each is still an object of the importer.
  ///
  /// Looking at all of them costs more than making them: for a text that does not fit, `seq_read_iter()` doubles its
  /// buffer and has the whole list written again. With twice as many this one test took an eighth of the suite's time.
  private static let number = 1250
  /// File descriptors that may be open in addition to those at the start: one dma-buf, and one text that is read.
  private static let handful: rlim_t = 3

  static let all = GuestTest(
    "scale/system_heap/many-mappings",
    question: "Does everything work with thousands of objects, and no fd kept for any of them?"
  ) { look throws(Failure) in try many(look) }

  private static func many(_ look: Recorder) throws(Failure) {
    let others = Set(try alive().map { $0.inode })
    var ready: [Int32] = [-1, -1]
    var go: [Int32] = [-1, -1]
    if pipe(&ready) != 0 || pipe(&go) != 0 { throw .call("pipe") }
    let child = cguest_fork_child()
    if child < 0 { throw .call("fork") }
    if child == 0 {
      close(go[1])
      let half = Recorder()
      let mapped = Result { () throws(Failure) in try map(importer: "vkms", half) }
      OpenFile(number: ready[1]).write(summary(of: half, mapped) + "\n")
      // Until the other half has been counted as well.
      _ = OpenFile(number: go[0]).readAll()
      if case .success(let mappings) = mapped { unmap(mappings) }
      _exit(0)
    }
    close(ready[1])
    close(go[0])
    let mapped = try map(importer: "vgem", look)
    var line: [UInt8] = []
    var byte: UInt8 = 0
    while read(ready[0], &byte, 1) == 1, byte != UInt8(ascii: "\n") { line.append(byte) }
    look.equal(String(decoding: line, as: UTF8.self), "as it should be", "the other process's half, by vkms")

    let held = try alive().filter { !others.contains($0.inode) }
    look.equal(held.count, 2 * number, "dma-bufs alive while mapped")
    look.equal(held.filter { $0.count != 1 }.count, 0, "dma-bufs held by more or less than their one mapping")
    close(go[1])
    unmap(mapped)
    waitpid(child, nil, 0)
    look.equal(try alive().filter { !others.contains($0.inode) }.count, 0, "dma-bufs alive once unmapped")
  }

  private static func summary(of half: Recorder, _ mapped: Result<[Mapping], Failure>) -> String {
    if case .failure(let failure) = mapped { return "\(failure)" }
    let failed = half.checks.filter { !$0.passed }
    return failed.isEmpty ? "as it should be" : failed.map { "\($0.name): \($0.detail)" }.joined(separator: "; ")
  }

  /// Creates, imports and maps one process's half, and closes everything but the mappings.
  private static func map(importer driver: String, _ look: Recorder) throws(Failure) -> [Mapping] {
    let importer = try DrmClient(driver: driver)
    let heap = try Exporter.device("/dev/dma_heap/system", config: "CONFIG_DMABUF_HEAPS_SYSTEM")
    let fds = names(in: "/proc/self/fd").count
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    limit.rlim_cur = rlim_t(fds) + handful
    if setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) != 0 { throw .call("setrlimit") }

    // With nothing else on the device, each import lies one page behind the previous one. The buffers at either end
    // prove this, and a mapping at any other place would be refused.
    let first = try importer.createDumb(pages: 1)
    var forwarded: [Mapping] = []
    var unlike = 0
    for index in 0..<number {
      let dmabuf = OpenFile(number: cguest_heap_alloc(heap.number, pageSize))
      if dmabuf.number < 0 { throw .call("system heap: allocate") }
      _ = try importer.importBuffer(dmabuf)
      let offset = first.fakeOffset + UInt64((index + 1) * pageSize)
      let mapping = try Mapping("forwarded", of: importer.file, offset: offset, pages: 1)
      mapping.set(UInt8(1 + index % 251), page: 0)
      mapping.set(UInt8(1 + index / 251), page: 0, at: 1)
      // Only now and then, since it costs as much as the rest: check that this dma-buf is the one that was mapped.
      if index % 250 == 0 {
        let direct = try Mapping("dma-buf", of: dmabuf, offset: 0, pages: 1)
        if !shows(direct, index) { unlike += 1 }
        direct.unmap()
      }
      forwarded.append(mapping)
      dmabuf.close()
    }
    let last = try importer.createDumb(pages: 1)
    look.equal(last.fakeOffset, first.fakeOffset + UInt64((number + 1) * pageSize), "imports between first and last")
    look.equal(unlike, 0, "mappings that show another buffer's bytes than the dma-buf")
    look.equal(names(in: "/proc/self/fd").count, fds, "fds open while all are mapped")
    // Once the chardev has closed the handles, only the mappings are left.
    importer.close()
    heap.close()
    look.equal(forwarded.indices.filter { !shows(forwarded[$0], $0) }.count, 0, "mappings that show another's bytes")
    return forwarded
  }

  /// Unmaps all in one call if they are adjacent, which they are if the kernel placed them one after another. That
  /// halves the cost.
  private static func unmap(_ mappings: [Mapping]) {
    let starts = mappings.map { $0.start }
    guard let low = starts.min(), let high = starts.max(),
      Int(high - low) == (mappings.count - 1) * pageSize, let first = mappings.first(where: { $0.start == low })
    else {
      for mapping in mappings { mapping.unmap() }
      return
    }
    munmap(first.address, mappings.count * pageSize)
  }

  private static func alive() throws(Failure) -> [BufInfo] { BufInfo.parse(try readText(References.bufinfo)) }

  private static func shows(_ mapping: Mapping, _ index: Int) -> Bool {
    mapping.byte(page: 0) == UInt8(1 + index % 251) && mapping.byte(page: 0, at: 1) == UInt8(1 + index / 251)
  }
}
