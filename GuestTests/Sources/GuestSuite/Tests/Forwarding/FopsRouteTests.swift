// SPDX-License-Identifier: Apache-2.0

internal import CGuest
internal import CLibc
internal import GuestProtocol

/// The path of drm_gem_prime_mmap() for objects without their own mmap, which only the test driver has in a guest: by
/// fops->mmap, with a DRM file that exists for the duration of the call and is allowed to map the object.
enum FopsRouteTests {
  /// An errno that nothing on the path returns by itself.
  private static let asked = EPROTO
  private static let importers = ["vgem", TestDriver.name]

  static let all: [GuestTest] =
    importers.map { importer in
      GuestTest(
        "fops/pbtest-to-\(importer)/mapped",
        question: "If an object without its own mmap is forwarded, is the mapping where all others are?"
      ) { look throws(Failure) in try mapped(importer, look) }
    } + [
      GuestTest(
        "fops/pbtest-to-vgem/refused",
        question: "If fops->mmap() fails, at its start or end, are the right to map and every count taken back?"
      ) { look throws(Failure) in try refused(look) }
    ]
    + ["dma-buf", "forwarded"].map { way in
      GuestTest(
        "failing/pbtest_fops-to-vgem/mmap-\(way)",
        question: "If an allocation fails on the path by fops->mmap(), is every count as before?"
      ) { look throws(Failure) in
        let fixture = try Fixture(.drm(TestDriver.name), importer: "vgem", flags: PBTEST_BO_FOPS_MMAP)
        try FailingMapTests.map(fixture, way, look)
      }
    }

  private static func mapped(_ importer: String, _ look: Recorder) throws(Failure) {
    let fixture = try Fixture(.drm(TestDriver.name), importer: importer, flags: PBTEST_BO_FOPS_MMAP)
    let kernel = fixture.kernel
    let shared = try fixture.share()
    let before = try shared.counts()
    let mappings = try shared.ways.map { way throws(Failure) in try shared.map(way.name) }
    guard case .chardev(let client, let buffer) = shared.exported.home else { return }
    let object = try kernel.object(buffer.handle, of: client)
    let smaps = try readText("/proc/self/smaps")
    look.equal(object.allowed, 1, "all mapped: DRM files that may map it")
    look.equal(object.allowances, 1, "all mapped: how often they may")
    for mapping in mappings {
      let file = mapping.name == "chardev" ? client.file : shared.exported.dmabuf
      let vma = try kernel.vma(mapping, against: file)
      look.expect(vma.has(PBTEST_VMA_SAME_FILE), "\(mapping.name): vm_file is the one of its alias", by: .file)
      look.expect(vma.has(PBTEST_VMA_LINKED), "\(mapping.name): hangs on the address space of its vm_file")
      look.equal(hex(vma.pgoff * 4096), hex(buffer.fakeOffset), "\(mapping.name): vm_pgoff", by: .offset)
      look.equal(vma.id, object.id, "\(mapping.name): vm_private_data is the object")
      look.expect(vma.has(PBTEST_VMA_OWN), "\(mapping.name): vm_ops are the exporter's", vma.operations)
      look.expect(vma.has(PBTEST_VMA_WRITE_COMBINE), "\(mapping.name): write-combining, as GEM maps such objects")
      let flags = (smapsEntry(mapping.start, in: smaps)?["VmFlags"] ?? "").split(separator: " ")
      let missing = ["io", "pf", "de", "dd"].filter { !flags.contains($0[...]) }
      look.equal(missing, [], "\(mapping.name): flags of device memory that it lacks")
    }
    for (index, writer) in mappings.enumerated() {
      writer.set(UInt8(0x31 + index), page: 2)
      look.equal(
        mappings.map { $0.byte(page: 2) }, mappings.map { _ in UInt8(0x31 + index) },
        "written through \(writer.name), read through each")
    }
    look.equal(try client.move(buffer.handle), 2, "the move")
    look.equal(mappings.map { $0.touch(page: 2).faults }, mappings.map { _ in 1 }, "moved: faults of each alias")
    for mapping in mappings { mapping.unmap() }
    look.same(try shared.counts(), before, "unmapped: all as before")
    // A stranger still may not map it: the right was granted to the temporary file only.
    let stranger = try client.stranger()
    let code = Mapping.refusal(of: stranger.file, offset: buffer.fakeOffset, pages: fixture.pages)
    look.equal(errnoName(code), "EACCES", "a client without a handle")
    stranger.close()
    try shared.release()
    fixture.close()
  }

  private static func refused(_ look: Recorder) throws(Failure) {
    let fixture = try Fixture(.drm(TestDriver.name), importer: "vgem", flags: PBTEST_BO_FOPS_MMAP)
    let shared = try fixture.share()
    guard case .chardev(let client, let buffer) = shared.exported.home else { return }
    let watch = try AllocationWatch(fixture.kernel)
    let before = try shared.counts()
    for (step, name) in [(PBTEST_FAIL_FOPS_ENTRY, "before drm_gem_mmap()"), (PBTEST_FAIL_FOPS_LATE, "after it")] {
      for way in shared.ways {
        try client.fail(buffer.handle, at: step, with: asked)
        let code = Mapping.refusal(of: way.file, offset: way.offset, pages: fixture.pages)
        look.equal(code == 0 ? "mapped" : errnoName(code), errnoName(asked), "\(way.name): \(name): errno")
        look.same(try shared.counts(), before, "\(way.name): \(name): all as before")
      }
    }
    for way in shared.ways {
      let code = Mapping.refusal(of: way.file, offset: way.offset, pages: fixture.pages, flags: MAP_PRIVATE)
      look.equal(code == 0 ? "mapped" : errnoName(code), "EINVAL", "\(way.name): private: errno")
      look.same(try shared.counts(), before, "\(way.name): private: all as before")
    }
    look.equal(try shared.wrongWay(), nil, "afterwards: what cannot be used")
    look.same(try shared.counts(), before, "afterwards: all as before")
    try shared.release()
    try watch.end(look, "refused")
    fixture.close()
  }
}
