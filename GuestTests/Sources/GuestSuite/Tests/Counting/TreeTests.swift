// SPDX-License-Identifier: Apache-2.0

internal import CGuest
internal import CLibc

/// The trees in which DRM looks things up: a client's dma-bufs and handles (drm_prime.c), the clients that may map an
/// object, and the objects of a device by their offsets (drm_vma_manager.c). With one or two entries, any search works.
enum TreeTests {
  private static let number = 10

  static let all = [
    GuestTest(
      "trees/system_heap-to-vgem/imports",
      question: "If one client imports many dma-bufs, does each keep its handle, in whatever order they are closed?"
    ) { look throws(Failure) in try imports(look) },
    GuestTest(
      "trees/vgem/exports",
      question: "If one client exports many objects, does each keep its dma-buf, in whatever order they are closed?"
    ) { look throws(Failure) in try exports(look) },
    GuestTest(
      "trees/vgem/clients",
      question: "If many clients share one object, can each map it as long as it has a handle, and no longer?"
    ) { look throws(Failure) in try clients(look) },
    GuestTest(
      "trees/vgem/offsets",
      question: "Does a lookup by offset find the object that holds the whole range, and no other?"
    ) { look throws(Failure) in try offsets(look) },
    GuestTest(
      "leaks/vgem/allowed-twice",
      question: "If a client opens an object again that it already has, is what was allocated for that freed?"
    ) { look throws(Failure) in try twice(look) },
    GuestTest(
      "trees/vgem/allowed-once",
      question:
        "If a driver allows clients to map an object repeatedly, does one revoke undo it, and for no other client?"
    ) { look throws(Failure) in try once(look) },
  ]

  /// Orders in which to close: as created, in reverse, and from the middle to both ends.
  private static let orders: [(name: String, order: [Int])] = [
    ("first to last", Array(0..<number)), ("last to first", (0..<number).reversed()),
    ("from the middle", (0..<number).sorted { abs($0 - number / 2) < abs($1 - number / 2) }),
  ]

  private static func imports(_ look: Recorder) throws(Failure) {
    let kernel = try TestDriver.ask()
    let client = try DrmClient(driver: "vgem")
    let start = try kernel.client(client)
    let buffers = try (0..<number).map { _ throws(Failure) in try Exporter.systemHeap.export(pages: 1) }
    for (name, order) in orders {
      // The order differs each time, and with it which entries are neighbours in the tree by handle.
      var handles = [UInt32](repeating: 0, count: number)
      for index in order { handles[index] = try client.importBuffer(buffers[index].dmabuf) }
      look.equal(Set(handles).count, number, "\(name): handles, all different")
      var left = order
      var wrong: [String] = []
      while true {
        let seen = try kernel.client(client)
        if Int(seen.dmabufs) != left.count || Int(seen.dmabuf_handles) != left.count {
          wrong.append("\(left.count) left: known are \(seen.dmabufs), by handle \(seen.dmabuf_handles)")
        }
        for index in left {
          if try client.importBuffer(buffers[index].dmabuf) != handles[index] {
            wrong.append("\(left.count) left: imported again, another handle")
          }
          let file = try client.export(handles[index])
          if try file.inode() != buffers[index].inode { wrong.append("\(left.count) left: another dma-buf") }
          file.close()
        }
        if left.isEmpty || wrong.count > 3 { break }
        let index = left.removeFirst()
        try client.closeHandle(handles[index])
        let dmabuf = try kernel.dmabuf(buffers[index].dmabuf)
        if dmabuf.attachments != 0 { wrong.append("\(left.count) left: one that was closed is still attached") }
      }
      look.equal(wrong, [], "\(name): what is wrong on the way")
    }
    let end = try kernel.client(client)
    look.equal(
      [end.handles, end.dmabufs, end.objects], [start.handles, start.dmabufs, start.objects], "nothing is left")
    client.close()
    look.equal(
      try buffers.map { buffer throws(Failure) in try kernel.file(buffer.dmabuf).count }, buffers.map { _ in 1 },
      "references of each dma-buf")
    for buffer in buffers { buffer.dmabuf.close() }
  }

  private static func exports(_ look: Recorder) throws(Failure) {
    let kernel = try TestDriver.ask()
    let client = try DrmClient(driver: "vgem")
    for (name, order) in orders {
      let handles = try (0..<number).map { _ throws(Failure) in try client.createDumb(pages: 1).handle }
      var files: [Int: OpenFile] = [:]
      for index in order { files[index] = try client.export(handles[index]) }
      var left = order
      var wrong: [String] = []
      while !left.isEmpty, wrong.count <= 3 {
        for index in left {
          let again = try client.export(handles[index])
          if try again.inode() != files[index]!.inode() { wrong.append("\(left.count) left: another dma-buf") }
          again.close()
          if try client.importBuffer(files[index]!) != handles[index] {
            wrong.append("\(left.count) left: imported, another handle")
          }
        }
        let index = left.removeFirst()
        try client.closeHandle(handles[index])
        if try kernel.file(files[index]!).count != 1 { wrong.append("\(left.count) left: one closed is still held") }
        let seen = try kernel.client(client)
        if Int(seen.dmabufs) != left.count || Int(seen.dmabuf_handles) != left.count {
          wrong.append("\(left.count) left: known are \(seen.dmabufs), by handle \(seen.dmabuf_handles)")
        }
      }
      look.equal(wrong, [], "\(name): what is wrong on the way")
      for file in files.values { file.close() }
    }
    look.equal(try kernel.client(client).objects, 0, "objects in the end")
    client.close()
  }

  private static func clients(_ look: Recorder) throws(Failure) {
    let kernel = try TestDriver.ask()
    let owner = try DrmClient(driver: "vgem")
    let buffer = try owner.createDumb(pages: 1)
    let dmabuf = try owner.export(buffer.handle)
    for (name, order) in orders {
      let others = try (0..<number).map { _ throws(Failure) in try owner.stranger() }
      let before = try kernel.object(buffer.handle, of: owner)
      var handles = [UInt32](repeating: 0, count: number)
      for index in order { handles[index] = try others[index].importBuffer(dmabuf) }
      let all = try kernel.object(buffer.handle, of: owner)
      look.equal([all.allowed, all.handle_count], [UInt32(number + 1), UInt32(number + 1)], "\(name): all imported")
      var left = order
      var wrong: [String] = []
      while !left.isEmpty {
        let index = left.removeFirst()
        try others[index].closeHandle(handles[index])
        for (other, client) in others.enumerated() {
          let code = Mapping.refusal(of: client.file, offset: buffer.fakeOffset, pages: 1)
          if code != (left.contains(other) ? 0 : EACCES) { wrong.append("\(left.count) left: \(errnoName(code))") }
        }
        let seen = try kernel.object(buffer.handle, of: owner)
        if Int(seen.allowed) != left.count + 1 { wrong.append("\(left.count) left: \(seen.allowed) files may") }
      }
      look.equal(wrong.prefix(4).map { $0 }, [], "\(name): what is wrong on the way")
      let after = try kernel.object(buffer.handle, of: owner)
      look.equal([after.refcount, after.allowances], [before.refcount, before.allowances], "\(name): all closed")
      for other in others { other.close() }
    }
    dmabuf.close()
    owner.close()
  }

  private static func offsets(_ look: Recorder) throws(Failure) {
    let kernel = try TestDriver.ask()
    let client = try DrmClient(driver: "vgem")
    let sizes = [1, 4, 2, 7, 3, 1, 5, 2, 6]
    var buffers = try sizes.map { size throws(Failure) in (size: size, buffer: try client.createDumb(pages: size)) }
    // A hole, so that not every page behind an object belongs to another one.
    let hole = buffers.remove(at: 4)
    try client.closeHandle(hole.buffer.handle)
    func find(_ start: UInt64, _ pages: Int) throws(Failure) -> UInt64? {
      var args = pbtest_lookup()
      args.fd = client.file.number
      args.start = start
      args.pages = UInt64(pages)
      if cguest_pbtest_lookup(kernel.file.number, &args) != 0 {
        if errno == ENOENT { return nil }
        throw .call("look up an offset")
      }
      return args.found_start
    }
    let places = buffers.map { ($0.size, $0.buffer.fakeOffset / UInt64(pageSize)) }
    var wrong: [String] = []
    for (size, start) in places {
      for first in 0..<size {
        for pages in 1...(size - first + 2) {
          let expected = first + pages <= size ? start : nil
          let seen = try find(start + UInt64(first), pages)
          if seen != expected { wrong.append("\(pages) pages from page \(first) of \(size)") }
        }
      }
    }
    look.equal(wrong, [], "ranges that led elsewhere than to the object that holds them")
    let empty = hole.buffer.fakeOffset / UInt64(pageSize)
    look.equal(try find(empty, 1), nil, "in a hole")
    look.equal(try find(places.map { $0.1 }.min()! - 1, 1), nil, "before the first")
    // mmap() takes only the start of a whole object.
    var mapped: [String] = []
    for (size, start) in places {
      for first in 0..<size {
        let offset = (start + UInt64(first)) * UInt64(pageSize)
        let code = Mapping.refusal(of: client.file, offset: offset, pages: size - first)
        if code != (first == 0 ? 0 : EINVAL) { mapped.append("page \(first) of \(size): \(errnoName(code))") }
        if Mapping.refusal(of: client.file, offset: offset, pages: size - first + 1) != EINVAL {
          mapped.append("beyond, from page \(first) of \(size)")
        }
      }
    }
    look.equal(mapped, [], "mmap() of parts and of more: what was answered otherwise")
    client.close()
  }

  private static func twice(_ look: Recorder) throws(Failure) {
    let kernel = try TestDriver.ask()
    let client = try DrmClient(driver: "vgem")
    let buffer = try client.createDumb(pages: 1)
    var name: UInt32 = 0
    if cguest_drm_flink(client.file.number, buffer.handle, &name) != 0 { throw .call("give a name") }
    let watch = try AllocationWatch(kernel)
    let before = try kernel.object(buffer.handle, of: client)
    var handles: [UInt32] = []
    for _ in 0..<3 {
      var handle: UInt32 = 0
      if cguest_drm_open_name(client.file.number, name, &handle) != 0 { throw .call("open by name") }
      handles.append(handle)
    }
    let open = try kernel.object(buffer.handle, of: client)
    look.equal(Set(handles + [buffer.handle]).count, 4, "handles, all different")
    look.equal([open.allowed, UInt32(open.allowances)], [1, 4], "one client, allowed four times")
    for handle in handles { try client.closeHandle(handle) }
    let after = try kernel.object(buffer.handle, of: client)
    look.equal(
      [UInt64(after.allowed), after.allowances, after.refcount], [1, before.allowances, before.refcount],
      "three closed: as before")
    look.equal(Mapping.refusal(of: client.file, offset: buffer.fakeOffset, pages: 1), 0, "the first may still map")
    try watch.end(look, "opened by name")
    client.close()
  }

  /// i915 uses drm_vma_node_allow_once() each time a client asks for a fake offset.
  private static func once(_ look: Recorder) throws(Failure) {
    let kernel = try TestDriver.ask()
    let owner = try DrmClient(driver: "vgem")
    let buffer = try owner.createDumb(pages: 1)
    let others = try (0..<5).map { _ throws(Failure) in try owner.stranger() }
    func tell(_ how: Int32, _ other: DrmClient) throws(Failure) {
      let args = pbtest_allow(
        fd: owner.file.number, handle: buffer.handle, other: other.file.number, how: UInt32(how))
      if withUnsafePointer(to: args, { cguest_pbtest_allow(kernel.file.number, $0) }) == 0 { return }
      if errno == ENOTTY { throw .skip("this kernel has no drm_vma_node_allow_once()") }
      throw .call("allow a client")
    }
    func mayMap() -> [Bool] {
      ([owner] + others).map { Mapping.refusal(of: $0.file, offset: buffer.fakeOffset, pages: 1) == 0 }
    }
    func seen() throws(Failure) -> [UInt64] {
      let object = try kernel.object(buffer.handle, of: owner)
      return [UInt64(object.allowed), object.allowances]
    }
    let watch = try AllocationWatch(kernel)
    for other in others { try tell(PBTEST_ALLOW_REVOKE, other) }
    look.equal(try seen(), [1, 1], "taken back from who did not have it: who may, and how often")
    for _ in 0..<3 { for other in others { try tell(PBTEST_ALLOW_ONCE, other) } }
    look.equal(try seen(), [6, 6], "allowed, three times each: who may, and how often")
    look.equal(mayMap(), [true, true, true, true, true, true], "allowed: may map")
    // From the middle to both ends.
    var left = Set(others.indices)
    for index in [2, 0, 4, 1, 3] {
      try tell(PBTEST_ALLOW_REVOKE, others[index])
      left.remove(index)
      look.equal(mayMap(), [true] + others.indices.map(left.contains), "taken back from \(5 - left.count): may map")
      try tell(PBTEST_ALLOW_REVOKE, others[index])
      look.equal(
        try seen(), [UInt64(1 + left.count), UInt64(1 + left.count)],
        "once more from \(5 - left.count): who may, and how often")
    }
    try watch.end(look, "allowed and taken back")
    for other in others { other.close() }
    try owner.closeHandle(buffer.handle)
    owner.close()
  }
}
