// SPDX-License-Identifier: Apache-2.0

internal import CGuest
internal import CLibc
internal import GuestProtocol

/// Whether moving a buffer moves all of its own aliases, and no other buffer's. No stock driver in a guest both moves
/// its buffers and shares them, so all of this needs the test driver.
enum MoveTests {
  /// The drivers that forward. The last is the second device of the test driver.
  private static let importers = ["vgem", "vkms", TestDriver.name]

  static let all: [GuestTest] =
    [
      GuestTest(
        "selfcheck/pbtest/move-without-zap",
        question: "If a move misses a mapping, is that mapping seen to still hold the old page?"
      ) { look throws(Failure) in try forgotten(look) }
    ]
    + importers.flatMap { importer in
      [
        GuestTest(
          "move/pbtest-to-\(importer)/one-buffer",
          question: "If one buffer moves, does each of its aliases fault once, and no mapping of its neighbours?"
        ) { look throws(Failure) in try oneOfThree(importer, look) },
        GuestTest(
          "move/pbtest-to-\(importer)/canonical",
          question: "Is every alias on the address space and at the offset by which the exporter zaps it?"
        ) { look throws(Failure) in try canonical(importer, look) },
      ]
    } + [
      GuestTest(
        "move/pbtest-to-vgem/unplug",
        question: "Does the unplug of a device that shares its address space find every alias?"
      ) { look throws(Failure) in try unplug(look) }
    ]

  /// Shares a buffer of the first device with an importer.
  static func share(
    _ exporter: DrmClient, with importer: String, pages: Int = 4, flags: Int32 = 0
  ) throws(Failure) -> SharedBuffer {
    let buffer = try exporter.createOwn(pages: pages, flags: flags)
    let exported = try ExportedBuffer(
      pages: pages, home: .chardev(exporter, buffer), dmabuf: exporter.export(buffer.handle))
    let client = try importer == TestDriver.name ? TestDriver.client(1) : DrmClient(driver: importer)
    return try SharedBuffer(exported, importer: client)
  }

  /// A move without a zap looks like a driver whose zap misses a mapping. The oracles must notice it.
  private static func forgotten(_ look: Recorder) throws(Failure) {
    let client = try TestDriver.client(0)
    let buffer = try client.createOwn(pages: 1)
    let mapping = try Mapping("chardev", of: client.file, offset: buffer.fakeOffset, pages: 1)
    mapping.set(0x11, page: 0)
    look.equal(try client.move(buffer.handle, flags: PBTEST_MOVE_NO_ZAP), 2, "moved without a zap: generation")
    look.equal(mapping.touch(page: 0).faults, 0, "moved without a zap: faults on touch")
    look.equal(mapping.byte(page: 0), UInt8(PBTEST_POISON), "moved without a zap: the old page, poisoned")
    look.equal(try client.move(buffer.handle), 3, "moved: generation")
    look.equal(mapping.touch(page: 0).faults, 1, "moved: faults on touch")
    look.equal(mapping.byte(page: 0), 0x11, "moved: the new page")
    mapping.unmap()
    client.close()
  }

  private static func oneOfThree(_ importer: String, _ look: Recorder) throws(Failure) {
    let kernel = try TestDriver.ask()
    let client = try TestDriver.client(0)
    let buffers = try (0..<3).map { _ throws(Failure) in try share(client, with: importer) }
    let size = UInt64(buffers[0].pages * pageSize)
    let offsets = buffers.map { $0.exported.canonicalOffset }.sorted()
    look.equal(
      [offsets[1] - offsets[0], offsets[2] - offsets[1]], [size, size], "control: the three are neighbours")
    // The one between the other two.
    let middle = buffers.first { $0.exported.canonicalOffset == offsets[1] }!
    var aliases: [(mapping: Mapping, moves: Bool, name: String)] = []
    for buffer in buffers {
      let moves = buffer.inode == middle.inode
      for alias in try buffer.mapAll() {
        aliases.append((alias, moves, "\(moves ? "the one that moves" : "neighbour"), \(alias.name)"))
      }
      for page in 0..<buffer.pages { aliases.last!.mapping.set(UInt8(0x40 + page), page: page) }
    }
    for alias in aliases { for page in 0..<alias.mapping.pages { _ = alias.mapping.touch(page: page) } }

    guard case .chardev(_, let buffer) = middle.exported.home else { return }
    let before = try kernel.vma(aliases.first { $0.moves }!.mapping)
    look.expect(before.has(PBTEST_VMA_PRESENT), "control: the page is there before the move")
    look.equal(try client.move(buffer.handle), 2, "the move")
    var faults: [String: [Int]] = [:]
    for alias in aliases {
      faults[alias.name, default: []] += (0..<alias.mapping.pages).map { alias.mapping.touch(page: $0).faults }
    }
    for (name, seen) in faults.sorted(by: { $0.key < $1.key }) {
      let expected = name.hasPrefix("neighbour") ? 0 : 1
      look.equal(seen, seen.map { _ in expected }, "\(name): faults of each page after the move")
    }
    let after = try kernel.vma(aliases.first { $0.moves }!.mapping)
    look.expect(after.pfn != before.pfn, "control: the page is another one after the move")
    let wrong = aliases.filter { alias in
      (0..<alias.mapping.pages).contains { alias.mapping.byte(page: $0) != UInt8(0x40 + $0) }
    }
    look.equal(wrong.map { $0.name }, [], "aliases that show other bytes than were written")
    let moved = aliases.filter { $0.moves }.map { $0.mapping }
    moved[0].set(0x77, page: 1)
    look.equal(
      moved.map { $0.byte(page: 1) }, moved.map { _ in 0x77 }, "written after the move, read through each alias")
    for alias in aliases { alias.mapping.unmap() }
    for buffer in buffers { buffer.importer.close() }
  }

  private static func canonical(_ importer: String, _ look: Recorder) throws(Failure) {
    let kernel = try TestDriver.ask()
    let client = try TestDriver.client(0)
    let shared = try share(client, with: importer)
    guard case .chardev(_, let buffer) = shared.exported.home else { return }
    let object = try kernel.object(buffer.handle, of: client)
    for alias in try shared.mapAll() {
      let vma = try kernel.vma(alias, against: client.file)
      look.expect(
        vma.has(PBTEST_VMA_SAME_MAPPING), "\(alias.name): vm_file's address space is the device's", by: .addressSpace)
      look.expect(vma.has(PBTEST_VMA_LINKED), "\(alias.name): it hangs on the address space of its vm_file")
      look.equal(hex(vma.pgoff * 4096), hex(buffer.fakeOffset), "\(alias.name): vm_pgoff", by: .offset)
      look.expect(vma.has(PBTEST_VMA_OWN), "\(alias.name): vm_ops are the exporter's")
      look.equal(vma.id, object.id, "\(alias.name): vm_private_data is the exporter's object")
      look.equal(
        vma.has(PBTEST_VMA_SAME_FILE), alias.name == "chardev", "\(alias.name): vm_file is the exporter's chardev",
        by: .file)
      alias.unmap()
    }
    shared.closeAll()
  }

  private static func unplug(_ look: Recorder) throws(Failure) {
    let client = try TestDriver.client(0)
    let shared = try share(client, with: "vgem")
    let aliases = try shared.mapAll()
    for alias in aliases { look.equal(alias.touch(page: 0).faults, 1, "\(alias.name): faults on the first touch") }
    try TestDriver.unbind(0)
    for alias in aliases {
      // The driver answers with SIGBUS once its device is gone. It can only do so if the page was zapped.
      look.equal(alias.touch(page: 0).sigbus, 1, "\(alias.name): SIGBUS on touch after the unplug")
      alias.unmap()
    }
    shared.closeAll()
    try look.references(shared.inode, nil, "all unmapped and closed")
    try TestDriver.bind(0)
    try TestDriver.client(0).close()
  }
}
