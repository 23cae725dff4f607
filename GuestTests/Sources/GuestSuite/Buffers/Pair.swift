// SPDX-License-Identifier: Apache-2.0

internal import CLibc

/// An exporter and the driver that imports its buffers and forwards their mappings.
struct Pair: Hashable, Sendable {
  var exporter: Exporter
  var importer: String

  /// `virtio_gpu-to-vgem`
  var name: String { "\(exporter.name)-to-\(importer)" }

  func share(pages: Int = SharedBuffer.usualPages) throws(Failure) -> SharedBuffer {
    let client = try DrmClient(driver: importer)
    return try SharedBuffer(exporter.export(pages: pages), importer: client)
  }
}

/// A buffer that was exported and imported: everything that leads to its memory.
struct SharedBuffer {
  /// Enough that the first, a middle and the last page are different pages.
  static let usualPages = 16

  let exported: ExportedBuffer
  let importer: DrmClient
  let handle: UInt32
  /// The fake offset at which mmap() of the importer's chardev is forwarded to the dma-buf.
  let forwardedOffset: UInt64
  /// The references to the dma-buf before it was imported.
  let countBeforeImport: Int?

  var pages: Int { exported.pages }
  var inode: UInt64 { exported.inode }
  /// The pages whose bytes and faults are checked.
  var probes: [Int] { Array(Set([0, pages / 2, pages - 1])).sorted() }

  /// Imports a buffer such that its fake offset is known. The kernel does not report the fake offset of an imported
  /// object. So three buffers of the same size are created side by side, and the middle one is freed: the import goes
  /// into the smallest hole that fits.
  init(_ exported: ExportedBuffer, importer: DrmClient) throws(Failure) {
    self.exported = exported
    self.importer = importer
    countBeforeImport = try References.count(inode: exported.inode)
    // The test driver reports where its imports are.
    if importer.driver == TestDriver.name {
      let imported = try importer.importOwn(exported.dmabuf)
      handle = imported.handle
      forwardedOffset = imported.fakeOffset
      return
    }
    let before = try importer.createDumb(pages: exported.pages)
    let room = try importer.createDumb(pages: exported.pages)
    let after = try importer.createDumb(pages: exported.pages)
    try importer.closeHandle(room.handle)
    handle = try importer.importBuffer(exported.dmabuf)
    forwardedOffset = room.fakeOffset
    try importer.closeHandle(before.handle)
    try importer.closeHandle(after.handle)

    // A client without a handle can tell whether an object is there, without using the path under test: drm_gem_mmap()
    // looks the object up first (EINVAL if there is none) and checks access next. The access tests cover that this
    // answer is EACCES.
    let stranger = try importer.stranger()
    defer { stranger.close() }
    let answer = Mapping.refusal(of: stranger.file, offset: forwardedOffset, pages: exported.pages)
    if answer == EINVAL { throw .call("find the imported object's fake offset", code: answer) }
  }

  /// Alias 3: the importer's chardev at the imported object's fake offset.
  func mapForwarded() throws(Failure) -> Mapping {
    try Mapping("forwarded", of: importer.file, offset: forwardedOffset, pages: pages)
  }

  /// Every alias that this exporter's buffers have, in the order 1, 2, 3.
  func mapAll() throws(Failure) -> [Mapping] {
    var list: [Mapping] = []
    if let home = try exported.mapAtHome() { list.append(home) }
    list.append(try exported.mapDmabuf())
    list.append(try mapForwarded())
    return list
  }

  /// Closes both handles: the exporter's and the importer's.
  func closeHandles() throws(Failure) {
    try importer.closeHandle(handle)
    if case .chardev(let client, let buffer) = exported.home { try client.closeHandle(buffer.handle) }
  }

  /// Closes every file, without closing any handle first: the release of the chardevs has to do that.
  func closeAll() {
    importer.close()
    exported.closeHome()
    exported.dmabuf.close()
  }
}
