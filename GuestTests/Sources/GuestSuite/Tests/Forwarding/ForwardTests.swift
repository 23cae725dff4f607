// SPDX-License-Identifier: Apache-2.0

internal import GuestProtocol

/// Whether the aliases are the same memory, linked to the right file at the right offset.
enum ForwardTests {
  static func of(_ pair: Pair) -> [GuestTest] {
    [
      GuestTest(
        "forward/\(pair.name)/three-aliases",
        question: "Do all files that lead to one buffer lead to the same memory?"
      ) { look throws(Failure) in try sameBytes(pair, look) },
      GuestTest(
        "forward/\(pair.name)/vm-file",
        question: "Is every alias linked to the file, and at the offset, by which the exporter would find it?"
      ) { look throws(Failure) in try linkedFiles(pair, look) },
      GuestTest(
        "forward/\(pair.name)/map-files",
        question: "Can the holder of a forwarded mapping gain the exporter's chardev through it?"
      ) { look throws(Failure) in try lentFiles(pair, look) },
    ]
  }

  private static func sameBytes(_ pair: Pair, _ look: Recorder) throws(Failure) {
    let shared = try pair.share()
    let aliases = try shared.mapAll()

    // Every page carries its own mark at both ends, so that one page shown in place of another is noticed.
    for page in 0..<shared.pages {
      aliases[0].set(UInt8(1 + page), page: page)
      aliases[0].set(UInt8(101 + page), page: page, at: pageSize - 1)
    }
    for alias in aliases {
      let wrong = (0..<shared.pages).filter {
        alias.byte(page: $0) != UInt8(1 + $0) || alias.byte(page: $0, at: pageSize - 1) != UInt8(101 + $0)
      }
      look.equal(wrong, [], "\(alias.name): pages without their own mark")
    }

    var value: UInt8 = 0x80
    for writer in aliases {
      for page in shared.probes {
        // A new value each time, so that the result of an earlier write is not mistaken for this one.
        value += 1
        writer.set(value, page: page)
        for reader in aliases {
          let seen = reader.byte(page: page)
          look.equal(seen, value, "page \(page) written through \(writer.name), read through \(reader.name)")
        }
      }
    }
    for alias in aliases { alias.unmap() }
    shared.closeAll()
  }

  private static func linkedFiles(_ pair: Pair, _ look: Recorder) throws(Failure) {
    let shared = try pair.share()
    for alias in try shared.mapAll() {
      guard let entry = try alias.mapsEntry() else {
        look.expect(false, "\(alias.name): is in maps", "no mapping at its address")
        continue
      }
      // The exporter's own mapping is where the exporter zaps it, whatever becomes of the others.
      let isHome = alias.name != "dma-buf" && alias.name != "forwarded"
      look.equal(
        entry.path, isHome ? shared.exported.homePath : "/dmabuf:", "\(alias.name): vm_file", by: isHome ? nil : .file)
      look.equal(
        hex(entry.offset), hex(shared.exported.canonicalOffset), "\(alias.name): vm_pgoff",
        by: isHome ? nil : .offset)
      if !isHome { look.sameInode(entry.inode, shared.inode, "\(alias.name): inode is the dma-buf's", by: .file) }
      alias.unmap()
    }
    shared.closeAll()
  }

  private static func lentFiles(_ pair: Pair, _ look: Recorder) throws(Failure) {
    let shared = try pair.share()
    let forwarded = try shared.mapForwarded()
    let before = try References.count(inode: shared.inode)
    look.equal(try target(ofLink: forwarded.mapFile), "/dmabuf:", "forwarded: what map_files names", by: .file)
    let name = "forwarded: what opening it through map_files gives"
    var given: String?
    switch Result(catching: { () throws(Failure) in try OpenFile(forwarded.mapFile) }) {
    case .success(let lent):
      given = try target(ofLink: "/proc/self/fd/\(lent.number)")
      look.equal(given, "/dmabuf:", name, by: .file)
      lent.close()
    case .failure(let failed): look.expect(true, name, by: .file, "refused with \(failed.word)")
    }
    // Whatever the kernel answers, it must not be a file of the exporter: one could submit work on its chardev, or grow
    // its memfd.
    let harmless = ["/dmabuf:", shared.importer.path]
    look.expect(
      given.map(harmless.contains) != false, "forwarded: no file of the exporter is lent", given ?? "refused")
    look.equal(try References.count(inode: shared.inode), before, "dma-buf: references afterwards")
    forwarded.unmap()
    shared.closeAll()
  }
}
