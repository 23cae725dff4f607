// SPDX-License-Identifier: Apache-2.0

internal import GuestProtocol

/// If a device imports its own buffer, it gets the object itself back: nothing is forwarded, and nothing may be
/// swapped.
enum SelfImportTests {
  static func of(_ driver: String) -> GuestTest {
    GuestTest(
      "selfimport/\(driver)/same-object",
      question: "Can a device that imports its own buffer still map it by its own chardev, without taking a lock twice?"
    ) { look throws(Failure) in try sameObject(driver, look) }
  }

  private static func sameObject(_ driver: String, _ look: Recorder) throws(Failure) {
    let exported = try Exporter.drm(driver).export(pages: SharedBuffer.usualPages)
    guard case .chardev(let owner, let buffer) = exported.home else { return }
    let other = try owner.stranger()
    let alone = try References.count(inode: exported.inode)
    let handle = try other.importBuffer(exported.dmabuf)
    // An import of another device's buffer has no fake offset to ask for. This object has one.
    look.equal(try other.fakeOffset(of: handle), buffer.fakeOffset, "the import has the buffer's own fake offset")
    let base = try References.count(inode: exported.inode)
    look.equal(base, alone.map { $0 + 1 }, "dma-buf: the second client's handle holds one reference")

    let mine = try Mapping("owner", of: owner.file, offset: buffer.fakeOffset, pages: exported.pages)
    let theirs = try Mapping("second client", of: other.file, offset: buffer.fakeOffset, pages: exported.pages)
    let direct = try exported.mapDmabuf()
    try look.held(exported.inode, base.map { $0 + 1 }, "all mapped: only the dma-buf's own mapping counts")
    for (mapping, path) in [(mine, owner.path), (theirs, owner.path), (direct, "/dmabuf:")] {
      let entry = try mapping.mapsEntry()
      let isHome = path == owner.path
      look.equal(entry?.path, path, "\(mapping.name): vm_file", by: isHome ? nil : .file)
      look.equal(entry?.offset, buffer.fakeOffset, "\(mapping.name): vm_pgoff", by: isHome ? nil : .offset)
    }
    for (index, writer) in [mine, theirs, direct].enumerated() {
      writer.set(UInt8(0x60 + index), page: 3)
      for reader in [mine, theirs, direct] {
        let seen = reader.byte(page: 3)
        look.equal(seen, UInt8(0x60 + index), "written through \(writer.name), read through \(reader.name)")
      }
    }

    try other.closeHandle(handle)
    theirs.set(0x6f, page: 4)
    look.equal(mine.byte(page: 4), 0x6f, "the second client's mapping outlives its handle")
    for mapping in [mine, theirs, direct] { mapping.unmap() }
    other.close()
    try look.references(exported.inode, alone, "the second client gone")
    owner.close()
    try look.references(exported.inode, 1, "the owner gone: only the fd is left")
    exported.dmabuf.close()
    try look.references(exported.inode, nil, "the fd closed")
  }
}
