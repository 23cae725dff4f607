// SPDX-License-Identifier: Apache-2.0

internal import CGuest
internal import CLibc

/// The driver that allocates a buffer and makes the dma-buf.
enum Exporter: Hashable, Sendable {
  /// A DRM driver, by its name.
  case drm(String)
  /// udmabuf, which makes a dma-buf of a memfd.
  case udmabuf
  /// The system dma-heap, whose buffers have no file besides the dma-buf.
  case systemHeap

  /// The exporter's name in the names of tests.
  var name: String {
    switch self {
    case .drm(let driver): driver
    case .udmabuf: "udmabuf"
    case .systemHeap: "system_heap"
    }
  }

  func export(pages: Int) throws(Failure) -> ExportedBuffer {
    switch self {
    case .drm(let driver):
      let client = try DrmClient(driver: driver)
      let buffer = try client.createDumb(pages: pages)
      return try ExportedBuffer(pages: pages, home: .chardev(client, buffer), dmabuf: client.export(buffer.handle))
    case .udmabuf:
      let device = try Self.device("/dev/udmabuf", config: "CONFIG_UDMABUF")
      defer { device.close() }
      let memfd = OpenFile(number: cguest_sealed_memfd("patchbench", pages * pageSize))
      if memfd.number < 0 { throw .call("make a sealed memfd") }
      let number = cguest_udmabuf(device.number, memfd.number, pages * pageSize)
      if number < 0 { throw .call("udmabuf: export") }
      return try ExportedBuffer(pages: pages, home: .memfd(memfd), dmabuf: OpenFile(number: number))
    case .systemHeap:
      let heap = try Self.device("/dev/dma_heap/system", config: "CONFIG_DMABUF_HEAPS_SYSTEM")
      defer { heap.close() }
      let number = cguest_heap_alloc(heap.number, pages * pageSize)
      if number < 0 { throw .call("system heap: allocate") }
      return try ExportedBuffer(pages: pages, home: .none, dmabuf: OpenFile(number: number))
    }
  }

  /// Exports a buffer whose dma-buf is read-only. Skips the test if this exporter has none.
  func exportReadOnly(pages: Int) throws(Failure) -> ExportedBuffer {
    switch self {
    case .drm(let driver):
      let client = try DrmClient(driver: driver)
      let buffer = try client.createDumb(pages: pages)
      let number = cguest_drm_export_readonly(client.file.number, buffer.handle)
      if number < 0 { throw .call("\(driver): export read only") }
      return try ExportedBuffer(pages: pages, home: .chardev(client, buffer), dmabuf: OpenFile(number: number))
    case .udmabuf: throw .skip("udmabuf makes no read-only dma-bufs")
    case .systemHeap:
      let heap = try Self.device("/dev/dma_heap/system", config: "CONFIG_DMABUF_HEAPS_SYSTEM")
      defer { heap.close() }
      let number = cguest_heap_alloc_readonly(heap.number, pages * pageSize)
      if number < 0 { throw .call("system heap: allocate read only") }
      return try ExportedBuffer(pages: pages, home: .none, dmabuf: OpenFile(number: number))
    }
  }

  /// Opens the chardev of an exporter.
  static func device(_ path: String, config: String) throws(Failure) -> OpenFile {
    do {
      return try OpenFile(path)
    } catch {
      throw error.code == ENOENT ? .skip("no \(path) in this guest (\(config))") : error
    }
  }
}

/// A buffer with its dma-buf, seen from the exporter's side.
struct ExportedBuffer {
  /// The file, besides the dma-buf, in which the buffer lives.
  enum Home {
    case chardev(DrmClient, DumbBuffer)
    case memfd(OpenFile)
    case none
  }

  let pages: Int
  let home: Home
  let dmabuf: OpenFile
  let inode: UInt64

  init(pages: Int, home: Home, dmabuf: OpenFile) throws(Failure) {
    self.pages = pages
    self.home = home
    self.dmabuf = dmabuf
    inode = try dmabuf.inode()
  }

  /// The offset that every mapping through the dma-buf must have: the exporter's own fake offset, so that one
  /// `unmap_mapping_range()` finds them all.
  var canonicalOffset: UInt64 {
    if case .chardev(_, let buffer) = home { buffer.fakeOffset } else { 0 }
  }

  /// Alias 1, which the heap's buffers do not have.
  func mapAtHome() throws(Failure) -> Mapping? {
    switch home {
    case .chardev(let client, let buffer):
      try Mapping("chardev", of: client.file, offset: buffer.fakeOffset, pages: pages)
    case .memfd(let file): try Mapping("memfd", of: file, offset: 0, pages: pages)
    case .none: nil
    }
  }

  /// Alias 2.
  func mapDmabuf() throws(Failure) -> Mapping {
    try Mapping("dma-buf", of: dmabuf, offset: 0, pages: pages)
  }

  /// The name that maps shows for the file of alias 1.
  var homePath: String {
    switch home {
    case .chardev(let client, _): client.path
    case .memfd: "/memfd:patchbench (deleted)"
    case .none: ""
    }
  }

  /// Closes everything that the exporter's side holds open, except the dma-buf's fd.
  func closeHome() {
    switch home {
    case .chardev(let client, _): client.close()
    case .memfd(let file): file.close()
    case .none: break
    }
  }
}
