// SPDX-License-Identifier: Apache-2.0

internal import CGuest
internal import CLibc
internal import GuestProtocol

/// How the rest of the kernel treats a forwarded mapping: madvise(), mlock(), fork() and access from outside.
enum VmaUseTests {
  /// VM_MAYEXEC, as smaps names it.
  private static let mayExecute = "me"

  static func of(_ pair: Pair) -> [GuestTest] {
    [
      GuestTest(
        "vma/\(pair.name)/advice",
        question: "Do madvise() and mlock() treat a forwarded mapping like one of the dma-buf itself?"
      ) { look throws(Failure) in try advice(pair, look) },
      GuestTest(
        "vma/\(pair.name)/forked",
        question: "Does a child share a forwarded mapping with its parent, unless MADV_DONTFORK forbids it?"
      ) { look throws(Failure) in try forked(pair, look) },
      GuestTest(
        "vma/\(pair.name)/foreign-access",
        question:
          "Does access that pins pages fail on a forwarded mapping, whose pages are PFNs only (VM_PFNMAP)?"
      ) { look throws(Failure) in try foreign(pair, look) },
    ]
  }

  /// An advice with its number (include/uapi/asm-generic/mman-common.h), and the kernel's answer.
  private struct Advice {
    var name: String
    var number: Int32
    var answer: String
  }

  private static func advice(_ pair: Pair, _ look: Recorder) throws(Failure) {
    let shared = try pair.share()
    let base = try References.count(inode: shared.inode) ?? 0
    let table = [
      Advice(name: "MADV_NORMAL", number: 0, answer: "ok"), Advice(name: "MADV_WILLNEED", number: 3, answer: "ok"),
      Advice(name: "MADV_DONTNEED", number: 4, answer: "EINVAL"),
      Advice(name: "MADV_FREE", number: 8, answer: "EINVAL"),
      Advice(name: "MADV_REMOVE", number: 9, answer: "ENODEV"),
      Advice(name: "MADV_DODUMP", number: 17, answer: "EINVAL"),
      Advice(name: "MADV_WIPEONFORK", number: 18, answer: "EINVAL"),
      Advice(name: "MADV_COLD", number: 20, answer: "EINVAL"),
      Advice(name: "MADV_PAGEOUT", number: 21, answer: "EINVAL"),
      Advice(name: "MADV_POPULATE_READ", number: 22, answer: "EINVAL"),
      Advice(name: "MADV_POPULATE_WRITE", number: 23, answer: "EINVAL"),
    ]
    var flags: [String] = []
    var executable: [Bool] = []
    for map in [shared.exported.mapDmabuf, shared.mapForwarded] {
      let mapping = try map()
      mapping.mark()
      let length = shared.pages * pageSize
      for one in table {
        let answer = errnoWord(madvise(mapping.address, length, one.number))
        look.equal(answer, one.answer, "\(mapping.name): \(one.name)")
      }
      look.equal(errnoWord(mlock(mapping.address, length)), "ok", "\(mapping.name): mlock")
      let entry = smapsEntry(mapping.start, in: try readText("/proc/self/smaps"))
      look.equal(entry?["Locked"], "0 kB", "\(mapping.name): locked once mlock()ed")
      look.equal(entry?["Rss"], "0 kB", "\(mapping.name): pages that count as this process's")
      let has = Set((entry?["VmFlags"] ?? "").split(separator: " ").map(String.init))
      let needs = ["rd", "wr", "sh", "pf", "de", "dd"]
      look.equal(needs.filter { !has.contains($0) }, [], "\(mapping.name): flags of device memory that it lacks")
      flags.append(has.subtracting([Self.mayExecute]).sorted().joined(separator: " "))
      executable.append(has.contains(Self.mayExecute))
      look.equal(errnoWord(munlock(mapping.address, length)), "ok", "\(mapping.name): munlock")
      // The advice may have zapped pages, which would show as faults.
      let faults = shared.probes.map { mapping.touch(page: $0).faults }
      look.equal(faults, shared.probes.map { _ in 0 }, "\(mapping.name): faults on touch afterwards")
      try look.pieces(of: mapping, shared, are: [0..<shared.pages], base: base, "\(mapping.name): afterwards")
      mapping.unmap()
    }
    look.equal(flags[1], flags[0], "forwarded: all other flags, as of the dma-buf mapped itself")
    look.equal(
      executable[1], executable[0], "forwarded: may be made executable, as the dma-buf mapped itself", by: .flags)
    try CountTests.tearDown(shared, look)
  }

  private static func forked(_ pair: Pair, _ look: Recorder) throws(Failure) {
    let shared = try pair.share()
    let forwarded = try shared.mapForwarded()
    forwarded.mark()
    // Without the fd: each child would have a copy of it.
    shared.exported.dmabuf.close()
    guard let base = try References.count(inode: shared.inode) else {
      throw .call("find the dma-buf in bufinfo", code: ENOENT)
    }
    let last = shared.pages - 1
    let seen = try Child.answer {
      let seen = [forwarded.tryByte(page: 0), forwarded.tryByte(page: last), forwarded.trySet(0x91, page: 2)]
      forwarded.unmap(page: 4, count: 2)
      return seen.joined(separator: " ")
    }
    look.equal(seen, "1 \(last + 1) written", "a child: its first and last byte, and a write")
    look.equal(forwarded.byte(page: 2), 0x91, "the child's write, seen by its parent")
    look.equal(forwarded.tryByte(page: 4), "5", "what the child unmapped is still the parent's")
    try look.references(shared.inode, base, "the child ended")

    let advised = { (number: Int32) in errnoWord(madvise(forwarded.address, shared.pages * pageSize, number)) }
    look.equal(advised(MADV_DONTFORK), "ok", "MADV_DONTFORK")
    look.equal(try Child.answer { forwarded.tryByte(page: 0) }, "SIGSEGV", "a child not let: its first byte")
    try Child.withHolder { _ throws(Failure) in
      try look.references(shared.inode, base, "a child not let: references while it lives")
    }
    // Refused for mappings of I/O memory. remap_pfn_range() marks the heap's mappings as such.
    let refused = pair.exporter == .systemHeap
    look.equal(advised(MADV_DOFORK), refused ? "EINVAL" : "ok", "MADV_DOFORK")
    let again = try Child.answer { forwarded.tryByte(page: 0) }
    look.equal(again, refused ? "SIGSEGV" : "1", "a child after it: its first byte")
    let copies = refused ? 0 : 1
    try Child.withHolder { _ throws(Failure) in
      try look.held(shared.inode, base + copies, "a child after it: references")
    }
    try look.references(shared.inode, base, "all children ended")
    shared.importer.close()
    shared.exported.closeHome()
    try look.held(shared.inode, 1, "the chardevs closed: only forwarded is left")
    forwarded.unmap()
    try look.references(shared.inode, nil, "forwarded unmapped")
  }

  private static func foreign(_ pair: Pair, _ look: Recorder) throws(Failure) {
    let shared = try pair.share(pages: 4)
    let aliases = [try shared.exported.mapDmabuf(), try shared.mapForwarded()]
    for alias in aliases { alias.mark() }
    let own = try SelfCheckTests.freshPage()
    own.set(0x2a, page: 0)
    let base = try References.count(inode: shared.inode) ?? 0

    try Child.withHolder { child throws(Failure) in
      let memory = try OpenFile("/proc/\(child)/mem", flags: O_RDONLY)
      defer { memory.close() }
      func ways(to address: UnsafeMutableRawPointer) -> [String] {
        var byte: UInt8 = 0
        var word = 0
        let offset = off_t(Int(bitPattern: address))
        return [
          pread(memory.number, &byte, 1, offset) == 1 ? "\(byte)" : errnoName(errno),
          cguest_ptrace_peek(child, address, &word) == 0 ? "\(word & 0xff)" : errnoName(errno),
          cguest_read_remote(child, address, &byte) == 0 ? "\(byte)" : errnoName(errno),
        ]
      }
      // Without CONFIG_CROSS_MEMORY_ATTACH the third way does not exist for any memory.
      let control = ways(to: own.address)
      look.equal(Array(control[..<2]), ["42", "42"], "control: memory of its own, by /proc/PID/mem and ptrace")
      look.expect(["42", "ENOSYS"].contains(control[2]), "control: and by process_vm_readv", control[2])
      for alias in aliases {
        let answers = ways(to: alias.address)
        look.equal(answers[0], "EIO", "\(alias.name): /proc/PID/mem")
        look.equal(answers[1], "EIO", "\(alias.name): ptrace")
        look.equal(answers[2], control[2] == "ENOSYS" ? "ENOSYS" : "EFAULT", "\(alias.name): process_vm_readv")
      }
    }
    look.equal(cguest_futex_wake(own.address), 0, "control: a shared futex in memory of its own")
    for alias in aliases {
      look.equal(errnoWord(cguest_futex_wake(alias.address)), "EFAULT", "\(alias.name): a shared futex in it")
      look.equal(throughPipe(alias), "2 77", "\(alias.name): written to a pipe, read from it")
      alias.set(Mapping.mark(of: 2), page: 2)
    }
    try look.references(shared.inode, base, "references afterwards")
    for alias in aliases { alias.unmap() }
    own.unmap()
    try CountTests.tearDown(shared, look)
  }

  /// Has the kernel copy one byte out of page 1 and another into page 2, for which it need not pin the page.
  private static func throughPipe(_ alias: Mapping) -> String {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { return errnoName(errno) }
    defer { for end in ends { close(end) } }
    var byte: UInt8 = 0
    guard write(ends[1], alias.address + pageSize, 1) == 1, read(ends[0], &byte, 1) == 1 else {
      return errnoName(errno)
    }
    var other: UInt8 = 77
    guard write(ends[1], &other, 1) == 1, read(ends[0], alias.address + 2 * pageSize, 1) == 1 else {
      return errnoName(errno)
    }
    return "\(byte) \(alias.byte(page: 2))"
  }
}
