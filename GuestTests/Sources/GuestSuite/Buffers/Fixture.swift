// SPDX-License-Identifier: Apache-2.0

internal import CGuest
internal import CLibc

/// The open files of an exporter and an importer, for many buffers one after another: each is exported, imported at a
/// known place, and released.
final class Fixture {
  let pages = 3
  let exporter: Exporter
  let kernel: KernelView
  let owner: DrmClient?
  let importer: DrmClient?
  private let slot: ImportSlot?
  private let flags: Int32

  /// - Parameters:
  ///   - importer: nil for steps without an importer.
  ///   - flags: for the test driver's own buffers.
  init(_ exporter: Exporter, importer: String? = nil, flags: Int32 = 0) throws(Failure) {
    kernel = try TestDriver.ask()
    self.exporter = exporter
    self.flags = flags
    if case .drm(let driver) = exporter {
      owner = try driver == TestDriver.name ? TestDriver.client(0) : DrmClient(driver: driver)
    } else {
      owner = nil
    }
    let client = try importer.map { driver throws(Failure) in
      try driver == TestDriver.name ? TestDriver.client(1) : DrmClient(driver: driver)
    }
    self.importer = client
    // The test driver reports where its imports are.
    if let client, client.driver != TestDriver.name {
      slot = try ImportSlot(beside: client, pages: pages)
    } else {
      slot = nil
    }
  }

  func close() {
    slot?.close()
    owner?.close()
    importer?.close()
  }

  /// Everything that is counted while there is no buffer.
  func counts() throws(Failure) -> Counts {
    var counts = Counts()
    counts.addNextFile()
    if let owner { try kernel.count("the exporter", owner, into: &counts) }
    if let importer { try kernel.count("the importer", importer, into: &counts) }
    return counts
  }

  /// The same, plus the counts of an exported buffer's files and objects.
  func counts(of exported: ExportedBuffer) throws(Failure) -> Counts {
    try Shared(exported: exported, imported: nil, fixture: self).counts()
  }

  func create() throws(Failure) -> DumbBuffer {
    guard let owner else { throw .call("create a buffer", code: ENODEV) }
    if owner.driver == TestDriver.name { return try owner.createOwn(pages: pages, flags: flags) }
    return try owner.createDumb(pages: pages)
  }

  /// A buffer with its dma-buf. Closing its home closes no client that other buffers use.
  func export() throws(Failure) -> ExportedBuffer {
    guard let owner else { return try exporter.export(pages: pages) }
    let buffer = try create()
    return try ExportedBuffer(pages: pages, home: .chardev(owner, buffer), dmabuf: owner.export(buffer.handle))
  }

  func release(_ exported: ExportedBuffer) throws(Failure) {
    switch exported.home {
    case .chardev(let client, let buffer): try client.closeHandle(buffer.handle)
    case .memfd(let file): file.close()
    case .none: break
    }
    exported.dmabuf.close()
  }

  func imported(_ exported: ExportedBuffer) throws(Failure) -> DumbBuffer {
    guard let importer else { throw .call("import a buffer", code: ENODEV) }
    guard let slot else { return try importer.importOwn(exported.dmabuf) }
    return DumbBuffer(handle: try importer.importBuffer(exported.dmabuf), fakeOffset: slot.offset)
  }

  /// A buffer that was exported and imported.
  func share() throws(Failure) -> Shared {
    let exported = try export()
    return Shared(exported: exported, imported: try imported(exported), fixture: self)
  }

  struct Shared {
    let exported: ExportedBuffer
    let imported: DumbBuffer?
    let fixture: Fixture

    /// The counts of the buffer's files and objects, plus those of the fixture.
    func counts() throws(Failure) -> Counts {
      let kernel = fixture.kernel
      var counts = try fixture.counts()
      try kernel.countDmabuf("the dma-buf", exported.dmabuf, into: &counts)
      if case .chardev(let client, let buffer) = exported.home {
        try kernel.count("the exporter's object", buffer.handle, of: client, into: &counts)
      }
      if let importer = fixture.importer, let imported {
        try kernel.count("the importer's object", imported.handle, of: importer, into: &counts)
      }
      return counts
    }

    /// The same without what each VMA of a mapping adds: one that could not be cut may be left in more pieces than
    /// before, which is the kernel's choice. Each holds the object, and the file that it is linked to, whichever that is.
    func counts(without mapping: Mapping) throws(Failure) -> Counts {
      let kernel = fixture.kernel
      let pieces = try mapping.mapsEntries()
      let seen = try kernel.file(exported.dmabuf)
      var counts = Counts()
      let linked = pieces.filter { $0.inode == exported.inode }
      counts.add("references of the dma-buf without those of VMAs", seen.count - Int64(linked.count))
      counts.add("i_mmap_writable of the dma-buf without VMAs", seen.i_mmap_writable - Int64(seen.vmas))
      if case .chardev(let client, let buffer) = exported.home {
        let object = try kernel.object(buffer.handle, of: client)
        counts.add(
          "references of the exporter's object without those of VMAs", Int64(object.refcount) - Int64(pieces.count))
      }
      return counts
    }

    /// The files and offsets by which it can be mapped, with the names used in checks.
    var ways: [(name: String, file: OpenFile, offset: UInt64)] {
      var list: [(name: String, file: OpenFile, offset: UInt64)] = []
      if case .chardev(let client, let buffer) = exported.home {
        list.append(("chardev", client.file, buffer.fakeOffset))
      }
      list.append(("dma-buf", exported.dmabuf, 0))
      if let importer = fixture.importer, let imported {
        list.append(("forwarded", importer.file, imported.fakeOffset))
      }
      return list
    }

    func map(_ way: String) throws(Failure) -> Mapping {
      guard let found = ways.first(where: { $0.name == way }) else { throw .call("map by \(way)", code: ENXIO) }
      return try Mapping(way, of: found.file, offset: found.offset, pages: exported.pages)
    }

    /// Says what is wrong with a new mapping; nil if what is written through it is seen by another way. A mapping that
    /// was not made correctly can look like any memory.
    func wrongMapping(_ mapping: Mapping) throws(Failure) -> String? {
      func mark(_ page: Int) -> UInt8 { UInt8(0x70 + page) }
      // Before anything else is mapped, which might add what this mapping lacks.
      for page in 0..<mapping.pages where mapping.trySet(mark(page), page: page) != "written" {
        return "page \(page) cannot be written"
      }
      let other = try map((ways.first { $0.name != mapping.name } ?? ways[0]).name)
      defer { other.unmap() }
      let wrong = (0..<mapping.pages).filter { other.tryByte(page: $0) != "\(mark($0))" }
      return wrong.isEmpty ? nil : "pages \(wrong) are not the buffer's"
    }

    /// Says what is wrong; nil if the same bytes are seen by every way.
    func wrongWay() throws(Failure) -> String? {
      let mark = UInt8.random(in: 1...250)
      for (index, way) in ways.enumerated() {
        let mapping = try map(way.name)
        defer { mapping.unmap() }
        for page in [0, mapping.pages - 1] {
          if index == 0 {
            if mapping.trySet(mark, page: page) != "written" { return "\(way.name) cannot be written" }
          } else if mapping.tryByte(page: page) != "\(mark)" {
            return "\(way.name) shows other bytes"
          }
        }
      }
      return nil
    }

    func release() throws(Failure) {
      if let imported { try fixture.importer?.closeHandle(imported.handle) }
      try fixture.release(exported)
    }
  }
}
