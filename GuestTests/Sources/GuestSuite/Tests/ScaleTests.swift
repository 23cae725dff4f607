internal import Glibc

/// Drivers hold thousands of private objects; that is why these are not all file descriptors.
enum ScaleTests {
  /// Enough to outnumber everything else in the guest. Thousands hold as well, but take an emulated guest half a minute.
  private static let number = 300

  static func of(driver: String, importer: String) -> GuestTest {
    GuestTest(
      "scale/\(driver)-to-\(importer)/many-mappings",
      question: "Does it hold at hundreds of objects, with no fd kept for any of them?"
    ) { try many(driver, importer, $0) }
  }

  private static func many(_ driver: String, _ importerDriver: String, _ look: Recorder) throws {
    let exporter = try DrmClient(driver: driver)
    let importer = try DrmClient(driver: importerDriver)
    let fds = names(in: "/proc/self/fd").count
    // All room is taken first and given back one by one, and every import keeps its own until the end, so that there is
    // only ever one hole to import into.
    var rooms: [DumbBuffer] = []
    for _ in 0..<(number + 1) { rooms.append(try importer.createDumb(pages: 1)) }

    var forwarded: [Mapping] = []
    var inodes: [UInt64] = []
    var imported: [UInt32] = []
    for index in 0..<number {
      let buffer = try exporter.createDumb(pages: 1)
      let dmabuf = try exporter.export(buffer.handle)
      try importer.closeHandle(rooms[index].handle)
      let handle = try importer.importBuffer(dmabuf)
      let mapping = try Mapping("forwarded", of: importer.file, offset: rooms[index].fakeOffset, pages: 1)
      let direct = try Mapping("dma-buf", of: dmabuf, offset: 0, pages: 1)
      direct.set(UInt8(1 + index % 251), page: 0)
      direct.set(UInt8(1 + index / 251), page: 0, at: 1)
      direct.unmap()
      inodes.append(try dmabuf.inode())
      forwarded.append(mapping)
      dmabuf.close()
      imported.append(handle)
      try exporter.closeHandle(buffer.handle)
    }
    for handle in imported { try importer.closeHandle(handle) }
    look.equal(names(in: "/proc/self/fd").count, fds, "fds open while all are mapped")
    let wrong = forwarded.indices.filter {
      forwarded[$0].byte(page: 0) != UInt8(1 + $0 % 251) || forwarded[$0].byte(page: 0, at: 1) != UInt8(1 + $0 / 251)
    }
    look.equal(wrong.count, 0, "mappings that show another buffer's bytes")
    let mine = Set(inodes)
    let held = try counts().filter { mine.contains($0.key) }
    look.equal(mine.count, number, "dma-bufs made")
    look.equal(held.count, number, "dma-bufs alive while mapped")
    look.equal(held.values.filter { $0 != 1 }.count, 0, "dma-bufs held by more or less than their one mapping")
    for mapping in forwarded { mapping.unmap() }
    look.equal(try counts().keys.filter(mine.contains).count, 0, "dma-bufs alive once unmapped")
    importer.close()
    exporter.close()
  }

  /// The references of every dma-buf that there is, by inode.
  private static func counts() throws -> [UInt64: Int] {
    var map: [UInt64: Int] = [:]
    for buffer in BufInfo.parse(try readText(References.bufinfo)) { map[buffer.inode] = buffer.count }
    return map
  }
}
