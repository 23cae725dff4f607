// SPDX-License-Identifier: Apache-2.0

internal import CGuest
internal import CLibc

/// An address space's count of its shared writable mappings. The kernel does not report the number, but a memfd can be
/// sealed against writing only while it is 0.
enum AccountingTests {
  static let all = [
    GuestTest(
      "accounting/memfd/write-seal",
      question: "Does mmap_region() undo its count on either of its two paths (the thread's first worry)?"
    ) { look throws(Failure) in try writeSeal(look) }
  ]

  private static func writeSeal(_ look: Recorder) throws(Failure) {
    let pages = 4
    let length = pages * pageSize
    func seal(_ step: String, _ body: (OpenFile) throws(Failure) -> Void) throws(Failure) {
      let file = OpenFile(number: cguest_sealed_memfd("patchbench", length))
      if file.number < 0 { throw .call("make a sealed memfd") }
      try body(file)
      look.equal(errnoWord(cguest_seal_writing(file.number)), "ok", "\(step): sealed")
      file.close()
    }
    func map(_ file: OpenFile) throws(Failure) -> Mapping { try Mapping("memfd", of: file, offset: 0, pages: pages) }

    try seal("mapped and unmapped") { file throws(Failure) in
      let mapping = try map(file)
      look.equal(errnoWord(cguest_seal_writing(file.number)), "EBUSY", "control: mapped: not sealed")
      mapping.unmap()
    }
    try seal("copied by a fork, cut there and here") { file throws(Failure) in
      let mapping = try map(file)
      _ = try Child.answer {
        mapping.unmap(page: 1, count: 1)
        return ""
      }
      mapping.unmap(page: 2, count: 1)
      try Child.withHolder { _ throws(Failure) in
        mapping.unmap()
        look.equal(errnoWord(cguest_seal_writing(file.number)), "EBUSY", "control: a child has it mapped: not sealed")
      }
    }
    try seal("moved and mapped over") { file throws(Failure) in
      let mapping = try map(file)
      let space = try reserveAddresses(pages: pages)
      if cguest_move(mapping.address, length, space) < 0 { throw .call("mremap") }
      let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED
      if mmap(space, length, PROT_READ, flags, -1, 0) != space { throw .call("mmap over it") }
      munmap(space, length)
    }
    try seal("refused for want of addresses") { file throws(Failure) in
      var old = rlimit()
      getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &old)
      var none = rlimit(rlim_cur: 0, rlim_max: old.rlim_max)
      setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &none)
      let code = Mapping.refusal(of: file, offset: 0, pages: pages)
      setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &old)
      look.equal(errnoName(code), "ENOMEM", "control: refused for want of addresses")
    }
    // The opposite case: if the count were dropped once too often, shared writable mappings would be refused from then
    // on.
    let shared = try Pair(exporter: .udmabuf, importer: "vgem").share(pages: pages)
    var answers: Set<String> = []
    for _ in 0..<4 {
      try shared.mapForwarded().unmap()
      for (file, offset) in [(shared.exported.dmabuf, 0), (shared.importer.file, shared.forwardedOffset)] {
        answers.insert(errnoName(Mapping.refusal(of: file, offset: offset, pages: pages)))
        _ = Mapping.refusal(of: file, offset: offset, pages: pages, flags: MAP_PRIVATE)
      }
    }
    look.equal(answers.sorted(), [errnoName(0)], "forwarded and direct, again and again: refusals")
    try CountTests.tearDown(shared, look)
  }
}
