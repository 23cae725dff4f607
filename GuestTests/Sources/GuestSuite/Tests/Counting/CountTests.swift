// SPDX-License-Identifier: Apache-2.0

internal import CGuest
internal import CLibc
internal import GuestProtocol

/// The exact references to the dma-buf's file at every step.
enum CountTests {
  static func of(_ pair: Pair) -> [GuestTest] {
    [
      GuestTest(
        "counts/\(pair.name)/mmap-munmap",
        question: "Does a forwarded mapping hold exactly one reference to the dma-buf and none to the importer's file?"
      ) { look throws(Failure) in try mapAndUnmap(pair, look) },
      GuestTest(
        "counts/\(pair.name)/split-fork",
        question: "Do the copies that the kernel makes of a forwarded mapping each hold their own reference?"
      ) { look throws(Failure) in try copies(pair, look) },
    ]
  }

  private static func mapAndUnmap(_ pair: Pair, _ look: Recorder) throws(Failure) {
    let shared = try pair.share()
    guard let base = try References.count(inode: shared.inode) else {
      throw .call("find the dma-buf in bufinfo", code: ENOENT)
    }
    look.equal(try References.count(descriptor: shared.exported.dmabuf), base, "fdinfo and bufinfo agree")
    let second = OpenFile(number: dup(shared.exported.dmabuf.number))
    try look.references(shared.inode, base + 1, "control: a second fd counts")
    second.close()
    try look.references(shared.inode, base, "control: and no longer once closed")

    let home = try shared.exported.mapAtHome()
    try look.held(shared.inode, base, "alias 1 mapped")
    let direct = try shared.exported.mapDmabuf()
    try look.held(shared.inode, base + 1, "dma-buf mapped")
    let forwarded = try shared.mapForwarded()
    try look.held(shared.inode, base + 2, "forwarded mapped")
    let again = try shared.mapForwarded()
    try look.held(shared.inode, base + 3, "forwarded mapped again")
    again.unmap()
    try look.held(shared.inode, base + 2, "the second one unmapped")
    forwarded.unmap()
    try look.held(shared.inode, base + 1, "forwarded unmapped")
    direct.unmap()
    try look.references(shared.inode, base, "dma-buf unmapped")
    home?.unmap()
    try look.references(shared.inode, base, "alias 1 unmapped")

    for _ in 0..<50 { try shared.mapForwarded().unmap() }
    try look.references(shared.inode, base, "forwarded mapped and unmapped 50 times")
    try tearDown(shared, look)
  }

  /// Closes one thing after another. The chardevs are closed with their handles open: that releases what the import
  /// held only if no mapping kept a reference to the importer's file.
  static func tearDown(_ shared: SharedBuffer, _ look: Recorder) throws(Failure) {
    shared.importer.close()
    try look.references(shared.inode, shared.countBeforeImport, "the importer's chardev closed: as before the import")
    shared.exported.closeHome()
    try look.references(shared.inode, 1, "the exporter's side closed: only the fd is left")
    shared.exported.dmabuf.close()
    try look.references(shared.inode, nil, "the fd closed")
  }

  private static func copies(_ pair: Pair, _ look: Recorder) throws(Failure) {
    let shared = try pair.share()
    // Without the fd, so that a fork copies only mappings of the dma-buf.
    let forwarded = try shared.mapForwarded()
    shared.exported.dmabuf.close()
    guard let base = try References.count(inode: shared.inode) else {
      throw .call("find the dma-buf in bufinfo", code: ENOENT)
    }
    for page in 0..<shared.pages { forwarded.set(UInt8(1 + page), page: page) }

    var control: Int32 = -1
    let holder = cguest_fork_holder(&control)
    if holder < 0 { throw .call("fork") }
    try look.held(shared.inode, base + 1, "a child forked")
    _ = cguest_release_holder(holder, control)
    try look.references(shared.inode, base, "the child ended")

    let middle = shared.pages / 2
    forwarded.unmap(page: middle, count: 1)
    try look.held(shared.inode, base + 1, "its middle page unmapped: two mappings")
    let tail = Mapping("tail", at: forwarded.address + (middle + 1) * pageSize, pages: shared.pages - middle - 1)
    let offset = try forwarded.mapsEntry().map { hex($0.offset + UInt64((middle + 1) * pageSize)) }
    look.equal(try tail.mapsEntry().map { hex($0.offset) }, offset, "tail: vm_pgoff, from that of the head")
    look.equal(forwarded.byte(page: 0), 1, "head: first page")
    look.equal(tail.byte(page: tail.pages - 1), UInt8(shared.pages), "tail: last page")
    tail.unmap()
    try look.references(shared.inode, base, "the tail unmapped")
    forwarded.unmap(page: 0, count: middle)
    try look.held(shared.inode, base - 1, "the head unmapped")
    shared.importer.close()
    shared.exported.closeHome()
    try look.references(shared.inode, nil, "the chardevs closed")
  }
}
