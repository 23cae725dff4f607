// SPDX-License-Identifier: Apache-2.0

internal import CGuest
internal import CLibc
internal import GuestProtocol

/// What a process can do that has less than the test: only the dma-buf, or a look at the test's mappings.
enum PassedTests {
  static func of(_ pair: Pair) -> [GuestTest] {
    [
      GuestTest(
        "access/\(pair.name)/passed-dma-buf",
        question: "Does a process that was passed only the dma-buf get its memory, and nothing of either device?"
      ) { look throws(Failure) in try passed(pair, look) },
      GuestTest(
        "access/\(pair.name)/chardevs",
        question: "Does a forwarded mapping keep neither chardev open, least of all the exporter's?"
      ) { look throws(Failure) in try chardevs(pair, look) },
    ]
  }

  private static func passed(_ pair: Pair, _ look: Recorder) throws(Failure) {
    let shared = try pair.share()
    let forwarded = try shared.mapForwarded()
    forwarded.mark()
    let parent = getpid()
    let dmabuf = shared.exported.dmabuf.number
    let pages = shared.pages
    let offset = shared.forwardedOffset
    let importerPath = shared.importer.path
    var exporterPath: String?
    if case .chardev(let client, _) = shared.exported.home { exporterPath = client.path }
    let canonical = shared.exported.canonicalOffset
    // The child keeps nothing that it inherited: its mapping is removed, its descriptors are closed, and one is passed
    // to it.
    let answers = try Child.answer { () throws(Failure) in
      let taken = OpenFile(number: cguest_take_descriptor(parent, dmabuf))
      if taken.number < 0 { throw .call("take the dma-buf's fd") }
      forwarded.unmap()
      for name in names(in: "/proc/self/fd") {
        guard let number = Int32(name), number > 2, number != taken.number else { continue }
        if (try? target(ofLink: "/proc/self/fd/\(name)"))?.hasPrefix("pipe:") != true { close(number) }
      }
      let mapping = try Mapping("dma-buf", of: taken, offset: 0, pages: pages)
      var words = [mapping.tryByte(page: 0), mapping.tryByte(page: pages - 1), mapping.trySet(0x61, page: 3)]
      var name = [CChar](repeating: 0, count: 64)
      words.append(cguest_drm_driver(taken.number, &name, name.count) < 0 ? errnoName(errno) : "answered")
      // Root may open any chardev, but it has no handle.
      words.append(errnoName(Mapping.refusal(of: try OpenFile(importerPath), offset: offset, pages: pages)))
      if let exporterPath {
        words.append(errnoName(Mapping.refusal(of: try OpenFile(exporterPath), offset: canonical, pages: pages)))
      }
      return words.joined(separator: " ")
    }.split(separator: " ").map(String.init)
    func answer(_ index: Int) -> String { index < answers.count ? answers[index] : answers.joined(separator: " ") }
    look.equal([answer(0), answer(1)], ["1", "\(pages)"], "dma-buf: its first and last byte")
    look.equal(answer(2), "written", "dma-buf: a write")
    look.equal(forwarded.tryByte(page: 3), "\(0x61)", "forwarded: sees that write")
    look.equal(answer(3), "ENOTTY", "dma-buf: what it says to a DRM ioctl")
    look.equal(answer(4), "EACCES", "importer's chardev, opened anew: the forwarded offset")
    if exporterPath != nil { look.equal(answer(5), "EACCES", "exporter's chardev, opened anew: the buffer's offset") }

    // From outside: what another process's map_files gives access to.
    let link = forwarded.mapFile.replacingSelf(with: parent)
    let lent = try Child.answer { () throws(Failure) in
      let named = try target(ofLink: link)
      guard let file = try? OpenFile(link) else { return named + " refused" }
      return named + " " + (try target(ofLink: "/proc/self/fd/\(file.number)"))
    }
    look.expect(
      ["/dmabuf: refused", "/dmabuf: /dmabuf:"].contains(lent), "forwarded: what map_files names and lends to others",
      by: .file, lent)
    let harmless = [" refused", " /dmabuf:", " \(importerPath)"]
    let isHarmless = harmless.contains { lent.hasSuffix($0) }
    look.expect(isHarmless, "forwarded: no file of the exporter is lent to others", lent)
    forwarded.unmap()
    try CountTests.tearDown(shared, look)
  }

  private static func chardevs(_ pair: Pair, _ look: Recorder) throws(Failure) {
    let importerBefore = try DrmClient.openClients(of: pair.importer)
    var exporterBefore: Int?
    if case .drm(let driver) = pair.exporter { exporterBefore = try DrmClient.openClients(of: driver) }
    let shared = try pair.share()
    look.equal(try shared.importer.openClients(), importerBefore + 1, "control: the importer's chardev open")
    let forwarded = try shared.mapForwarded()
    forwarded.mark()
    shared.importer.close()
    look.equal(
      try shared.importer.openClients(), importerBefore, "closed while forwarded is mapped: the importer's",
      by: .reference)
    if case .chardev(let client, _) = shared.exported.home {
      let home = try shared.exported.mapAtHome()
      client.close()
      look.equal(
        try client.openClients(), exporterBefore.map { $0 + 1 }, "control: alias 1 holds the exporter's chardev open")
      home?.unmap()
      look.equal(
        try client.openClients(), exporterBefore, "alias 1 unmapped while forwarded is mapped: the exporter's",
        by: .reference)
    } else {
      shared.exported.closeHome()
    }
    shared.exported.dmabuf.close()
    try look.held(shared.inode, 1, "only forwarded is left")
    look.equal(
      (0..<shared.pages).filter { forwarded.tryByte(page: $0) != "\($0 + 1)" }, [],
      "forwarded: pages without their mark")
    try neighbour(of: forwarded, shared, pair, look)
    try look.references(shared.inode, nil, "all unmapped")
  }

  /// Asks for another buffer of the exporter by its offset in the file that the mapping is linked to, with the one call
  /// that takes its file from a mapping. That offset must mean nothing in that file.
  private static func neighbour(
    of forwarded: Mapping, _ shared: SharedBuffer, _ pair: Pair, _ look: Recorder
  ) throws(Failure) {
    defer { forwarded.unmap() }
    guard case .drm(let driver) = pair.exporter else { return }
    let owner = try DrmClient(driver: driver)
    let other = try owner.createDumb(pages: shared.pages)
    let secret = try Mapping("secret", of: owner.file, offset: other.fakeOffset, pages: shared.pages)
    secret.set(0x5e, page: 0)
    let answer = cguest_remap_file_pages(
      forwarded.address, shared.pages * pageSize, Int(other.fakeOffset) / pageSize)
    look.equal(errnoWord(answer), "EINVAL", "forwarded: another buffer's offset, by remap_file_pages()", by: .file)
    look.expect(forwarded.tryByte(page: 0) != "\(0x5e)", "forwarded: does not show that buffer")
    secret.unmap()
    owner.close()
  }
}

extension String {
  /// Turns a path below /proc/self into the same path of another process.
  fileprivate func replacingSelf(with pid: pid_t) -> String { "/proc/\(pid)" + dropFirst("/proc/self".count) }
}
