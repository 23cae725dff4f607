// SPDX-License-Identifier: Apache-2.0

internal import CGuest
internal import CLibc

/// If a file's mmap() changes the flags of a mapping, mmap_region() tries once more to merge it, and then puts the file
/// of the VMA that was merged away. No stock importer gets there: GEM's mappings are never merged.
enum MergeTests {
  static let all = [
    GuestTest(
      "history/pbtest_plain-to-plain/merged-after-mmap",
      question: "If a mapping is merged away after vm_file was swapped (2020, bc4fe4cdd602), is the right file put?"
    ) { look throws(Failure) in try merged(look) }
  ]

  private static func merged(_ look: Recorder) throws(Failure) {
    let kernel = try TestDriver.ask()
    let client = try TestDriver.client(0)
    let buffer = try client.createOwn(pages: 4, flags: PBTEST_BO_PLAIN)
    let dmabuf = try client.export(buffer.handle)
    let plain = try OpenFile("/dev/pbtest-plain")
    let files = [("importer's file", plain), ("dma-buf", dmabuf)]
    let before = try files.map { file throws(Failure) in try kernel.file(file.1).count }
    var merged = 0

    // 6.1 compares the neighbour with what the new mapping has become, 6.12 with what mmap() was called with. So a
    // forwarded mapping can merge with one of the dma-buf on 6.1, and with one of the importer's own on 6.12.
    for first in ["own", "forwarded"] {
      let space = try reserveAddresses(pages: 2)
      for page in 0..<2 {
        if page == 1 || first == "forwarded" {
          var args = pbtest_plain(fd: dmabuf.number, pad: 0)
          if cguest_pbtest_plain_forward(plain.number, &args) != 0 { throw .call("forward") }
        }
        let place = space + page * pageSize
        let flags = MAP_SHARED | MAP_FIXED
        let address = mmap(place, pageSize, PROT_READ | PROT_WRITE, flags, plain.number, off_t(page * pageSize))
        if address != place { throw .call("mmap of page \(page)") }
      }
      let both = Mapping("both", at: space, pages: 2)
      let name = "\(first), then forwarded beside it"
      if try kernel.vma(both, page: 0).start == kernel.vma(both, page: 1).start { merged += 1 }
      for (index, (word, file)) in files.enumerated() {
        let starts = try (0..<2).map { page throws(Failure) in try kernel.vma(both, page: page, against: file) }
          .filter { $0.has(PBTEST_VMA_SAME_FILE) }.map { $0.start }
        look.equal(
          try kernel.file(file).count, before[index] + Int64(Set(starts).count),
          "\(name): \(word): one reference for each VMA")
      }
      look.equal(both.tryByte(page: 1), "SIGBUS", "\(name): a touch of what has no pages")
      both.unmap()
      look.equal(
        try files.map { file throws(Failure) in try kernel.file(file.1).count }, before,
        "\(name): unmapped: references as before")
    }
    look.expect(merged > 0, "control: one of them was merged")
    let inode = try dmabuf.inode()
    plain.close()
    dmabuf.close()
    client.close()
    try look.references(inode, nil, "all closed")
  }
}
