// SPDX-License-Identifier: Apache-2.0

internal import CGuest
internal import CLibc

/// Memory outside of any buffer, in the cases that mmap_region() and the unmapping of a file's pages treat specially.
/// What a series changes there for buffers, it changes for everyone.
enum MemoryTests {
  static let all = [
    GuestTest(
      "mapped/memfd/truncated",
      question:
        "If a memfd is truncated, does each of its mappings lose the pages beyond the new end, and no others?"
    ) { look throws(Failure) in try truncated(look) },
    GuestTest(
      "mapped/memfd/sealed",
      question:
        "If a memfd is sealed against writing, is a shared writable mapping refused, and nothing counted?"
    ) { look throws(Failure) in try sealed(look) },
    GuestTest(
      "mapped/anonymous/too-much",
      question: "If more memory is mapped than exists, is that refused, and the old mapping either intact or gone?"
    ) { look throws(Failure) in try tooMuch(look) },
    GuestTest(
      "mapped/anonymous/accounted",
      question: "If a mapping replaces another one, is the committed memory the same as before?"
    ) { look throws(Failure) in try accounted(look) },
    GuestTest(
      "mapped/anonymous/limited",
      question: "If a process has an address space limit, can it map exactly that much, and not one page more?"
    ) { look throws(Failure) in try limited(look) },
    GuestTest(
      "mapped/anonymous/merged",
      question: "If memory is mapped next to other memory, are the two merged if they are alike, and only then?"
    ) { look throws(Failure) in try merged(look) },
    GuestTest(
      "failing/anonymous/mmap-private",
      question: "If an allocation fails while a large mapping is made, is the memory committed for it released?"
    ) { look throws(Failure) in try failing(look) },
    GuestTest(
      "failing/anonymous/mmap-shared",
      question: "If an allocation fails while shared anonymous memory is mapped, is nothing left of it?"
    ) { look throws(Failure) in try shared(look) },
  ]

  private static func truncated(_ look: Recorder) throws(Failure) {
    let pages = 6
    let memfd = OpenFile(number: cguest_plain_memfd(UInt64(pages * pageSize)))
    if memfd.number < 0 { throw .call("make a memfd") }
    var mappings = try [(0, 6), (1, 5), (4, 2)].map { first, count throws(Failure) in
      (first, try Mapping("from page \(first)", of: memfd, offset: UInt64(first * pageSize), pages: count))
    }
    // The copies that a private mapping has of the pages are lost as well.
    mappings.append((0, try Mapping("private", of: memfd, offset: 0, pages: pages, flags: MAP_PRIVATE)))
    for (first, mapping) in mappings {
      for page in 0..<mapping.pages { mapping.set(UInt8(0x20 + first + page), page: page) }
    }
    for length in [4, 2] {
      if ftruncate(memfd.number, off_t(length * pageSize)) != 0 { throw .call("make it shorter") }
      for (first, mapping) in mappings {
        let seen = (first..<pages).map { mapping.tryByte(page: $0 - first) }
        let right = (first..<pages).map { $0 < length ? "\(0x20 + $0)" : "SIGBUS" }
        look.equal(seen, right, "cut to \(length) pages, \(mapping.name): what each page shows")
      }
    }
    for (_, mapping) in mappings { mapping.unmap() }
    memfd.close()
  }

  private static func sealed(_ look: Recorder) throws(Failure) {
    let kernel = try TestDriver.ask()
    let pages = 2
    let memfd = OpenFile(number: cguest_sealed_memfd("sealed", pages * pageSize))
    if cguest_seal_writing(memfd.number) != 0 { throw .call("seal") }
    let before = try kernel.file(memfd)
    for round in 1...2 {
      look.equal(
        errnoName(Mapping.refusal(of: memfd, offset: 0, pages: pages)), "EPERM", "round \(round): to write, shared")
      look.equal(
        errnoName(Mapping.refusal(of: memfd, offset: 0, pages: pages, flags: MAP_PRIVATE)), errnoName(0),
        "round \(round): to write, private")
      let after = try kernel.file(memfd)
      look.equal(
        [after.i_mmap_writable, after.count, Int64(after.vmas)],
        [before.i_mmap_writable, before.count, Int64(before.vmas)],
        "round \(round): counted as writable, references, mappings")
    }
    memfd.close()
  }

  /// Without MAP_NORESERVE the kernel refuses at once what no machine of its size could provide
  /// (Documentation/mm/overcommit-accounting.rst, mode 0).
  private static func tooMuch(_ look: Recorder) throws(Failure) {
    let length = 1 << 40
    let space = mmap(nil, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
    guard let space, space != MAP_FAILED else { throw .call("reserve addresses") }
    let fixed = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED
    guard mmap(space + pageSize, 2 * pageSize, PROT_READ | PROT_WRITE, fixed, -1, 0) != MAP_FAILED else {
      throw .call("map")
    }
    let inside = Mapping("inside", at: space + pageSize, pages: 2)
    for page in 0..<2 { inside.set(UInt8(0x42 + page), page: page) }
    let before = try promised()
    for round in 1...2 {
      let address = mmap(space, length, PROT_READ | PROT_WRITE, fixed, -1, 0)
      look.equal(address == MAP_FAILED ? errnoName(errno) : "mapped", "ENOMEM", "round \(round): errno")
      // Up to 6.11 the old mapping is unmapped first, which POSIX allows.
      let seen = (0..<2).map { inside.tryByte(page: $0) }
      look.expect([["66", "67"], ["SIGSEGV", "SIGSEGV"]].contains(seen), "round \(round): what was there", "\(seen)")
    }
    look.expect(abs(try promised() - before) < slack, "promised, as before", "\(before) kB")
    munmap(space, length)
  }

  /// In kB. Other processes map and unmap little meanwhile.
  private static let slack = 1024

  /// The memory committed to all processes together, in kB.
  private static func promised() throws(Failure) -> Int {
    let line = try readText("/proc/meminfo").split(separator: "\n").first { $0.hasPrefix("Committed_AS:") }
    guard let words = line?.split(separator: " "), words.count > 1, let size = Int(words[1]) else {
      throw .skip("this kernel does not report its committed memory (Committed_AS)")
    }
    return size
  }

  private static func accounted(_ look: Recorder) throws(Failure) {
    let length = 32 << 20
    let size = length / 1024
    let start = try promised()
    func check(_ expected: Int, _ words: String) throws(Failure) {
      let seen = try promised() - start
      look.expect(
        abs(seen - expected) < slack, "\(words): promised, within a megabyte", "\(seen) kB for \(expected) kB")
    }
    func map(_ place: UnsafeMutableRawPointer?, _ protection: Int32, _ flags: Int32) throws(Failure)
      -> UnsafeMutableRawPointer
    {
      let flags = MAP_PRIVATE | MAP_ANONYMOUS | flags | (place == nil ? 0 : MAP_FIXED)
      let address = mmap(place, length, protection, flags, -1, 0)
      guard let address, address != MAP_FAILED else { throw .call("map") }
      return address
    }
    let memory = try map(nil, PROT_READ | PROT_WRITE, 0)
    try check(size, "mapped")
    for (name, protection, flags, expected) in [
      ("by as much", PROT_READ | PROT_WRITE, 0, size), ("by what nobody may write", PROT_READ, 0, 0),
      ("by as much again", PROT_READ | PROT_WRITE, 0, size),
      ("by what is not reserved", PROT_READ | PROT_WRITE, MAP_NORESERVE, 0),
      ("by as much at last", PROT_READ | PROT_WRITE, 0, size),
    ] {
      _ = try map(memory, protection, flags)
      try check(expected, "replaced \(name)")
    }
    let mapping = Mapping("memory", at: memory, pages: length / pageSize)
    look.equal(mapping.trySet(1, page: mapping.pages - 1), "written", "the last page")
    munmap(memory, length)
    try check(0, "unmapped")
    let client = try DrmClient(driver: "vgem")
    let buffer = try client.createDumb(pages: 1)
    var answers: Set<Int32> = []
    for _ in 0..<512 {
      answers.insert(Mapping.refusal(of: client.file, offset: buffer.fakeOffset, pages: 2))
    }
    look.equal(answers.map { errnoName($0) }, ["EINVAL"], "a driver refuses: errno, 512 times")
    try check(0, "turned down by a driver 512 times")
    client.close()
  }

  /// The size of this process's address space. It is read to the stack: a buffer on the heap would count, and be given
  /// back afterwards.
  private static func sizeInPages() throws(Failure) -> Int {
    let file = try OpenFile("/proc/self/statm", flags: O_RDONLY)
    defer { file.close() }
    return withUnsafeTemporaryAllocation(byteCount: 256, alignment: 1) { space in
      let count = max(0, read(file.number, space.baseAddress, space.count))
      return space.prefix(count).prefix { (0x30...0x39).contains($0) }.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }
  }

  private static func limited(_ look: Recorder) throws(Failure) {
    let spare = 64
    let answers = try Child.answer { () throws(Failure) in
      let size = try sizeInPages()
      var limit = rlimit()
      getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
      limit.rlim_cur = rlim_t((size + spare) * pageSize)
      if setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) != 0 { throw .call("limit addresses") }
      func map(_ place: UnsafeMutableRawPointer?, _ pages: Int) -> UnsafeMutableRawPointer? {
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | (place == nil ? 0 : MAP_FIXED)
        let address = mmap(place, pages * pageSize, PROT_READ, flags, -1, 0)
        return address == MAP_FAILED ? nil : address
      }
      // The process itself may have used some of it by now.
      var (most, beyond) = (0, 2 * spare)
      while beyond - most > 1 {
        let pages = (most + beyond) / 2
        if let address = map(nil, pages) {
          munmap(address, pages * pageSize)
          most = pages
        } else {
          beyond = pages
        }
      }
      let all = map(nil, most)
      // Replacing the same number of pages needs no more.
      let isReplaced = all != nil && map(all, most) != nil
      let isExceeded = map(nil, 1) != nil
      let isPlausible = most > spare / 2 && most <= spare
      return "\(isPlausible ? "about \(spare)" : "\(most)"), replaced: \(isReplaced), exceeded: \(isExceeded)"
    }
    look.equal(answers, "about \(spare), replaced: true, exceeded: false", "pages that it is given")
  }

  private static func merged(_ look: Recorder) throws(Failure) {
    let space = try reserveAddresses(pages: 4)
    func map(_ page: Int, _ flags: Int32) throws(Failure) {
      let address = mmap(
        space + page * pageSize, pageSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | flags, -1,
        0)
      if address == MAP_FAILED { throw .call("map") }
    }
    func mappings() throws(Failure) -> [Int] {
      let first = UInt64(UInt(bitPattern: space))
      let end = first + UInt64(4 * pageSize)
      // The reserved pages may have been merged with the mapping behind them.
      return MapsEntry.all(in: try readText("/proc/self/maps")).filter { $0.start >= first && $0.start < end }
        .map { Int(min($0.end, end) - $0.start) / pageSize }
    }
    try map(0, 0)
    look.equal(try mappings(), [1, 3], "one page, and what is reserved behind it: pages of each mapping")
    try map(1, 0)
    look.equal(try mappings(), [2, 2], "a page of the same kind beside it")
    // It is not accounted, so its flags differ.
    try map(2, MAP_NORESERVE)
    look.equal(try mappings(), [2, 1, 1], "a page of another kind beside them")
    let mapping = Mapping("memory", at: space, pages: 3)
    look.equal((0..<3).map { mapping.trySet(UInt8(1 + $0), page: $0) }, ["written", "written", "written"], "written")
    look.equal((0..<3).map { mapping.tryByte(page: $0) }, ["1", "2", "3"], "read")
    munmap(space, 4 * pageSize)
  }

  /// Maps repeatedly, with the first, the second, … allocation in it failing, until no allocation failed.
  /// - Parameter undo: unmaps it.
  /// - Returns: the errnos of the refusals, and `endless` if the end is never reached.
  private static func failAll(
    map: () -> UnsafeMutableRawPointer?, undo: (UnsafeMutableRawPointer) -> Void
  ) throws(Failure) -> Set<String> {
    let faults = try FaultPoint()
    defer { faults.close() }
    var refusals: Set<String> = []
    for kind in FaultPoint.Kind.allCases {
      try faults.choose(kind)
      var hasEnded = false
      for number in 1...Sweep.most where !hasEnded {
        var address: UnsafeMutableRawPointer?
        let (code, fired) = try faults.failing(number) {
          address = map()
          return address == MAP_FAILED ? errno : 0
        }
        if code == 0 { undo(address!) } else { refusals.insert(errnoName(code)) }
        hasEnded = !fired
      }
      if !hasEnded { refusals.insert("endless") }
    }
    return refusals
  }

  private static func failing(_ look: Recorder) throws(Failure) {
    let length = 64 << 20
    // Far from everything else, so that it cannot be merged with anything.
    let space = UnsafeMutableRawPointer(bitPattern: 0x2100_0000_0000)!
    let before = try promised()
    let refusals = try failAll(
      map: { mmap(space, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) },
      undo: { munmap($0, length) })
    look.equal(refusals.sorted(), ["ENOMEM"], "control: refusals")
    let after = try promised()
    // What other processes map and unmap meanwhile is far less than one of these.
    look.expect(abs(after - before) < length / 2048, "promised, as before", "\(before) kB, then \(after) kB")
  }

  /// The kernel counts files without a name as well (nr_files), so a leaked one shows there.
  private static func shared(_ look: Recorder) throws(Failure) {
    func files() throws(Failure) -> Int {
      let words = try readText("/proc/sys/fs/file-nr").split(separator: "\t")
      guard let count = words.first.flatMap({ Int($0) }) else { throw .call("count files", code: EINVAL) }
      return count
    }
    let length = 2 * pageSize
    let map = { mmap(nil, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0) }
    // Whatever the first ones leave behind stays.
    _ = try failAll(map: map, undo: { munmap($0, length) })
    let before = try files()
    var refusals: Set<String> = []
    for _ in 0..<8 { refusals.formUnion(try failAll(map: map, undo: { munmap($0, length) })) }
    // A new file in shared memory fails with ENOSPC if there is no inode (mm/shmem.c).
    look.expect(
      refusals.contains("ENOMEM") && refusals.isSubset(of: ["ENOMEM", "ENOSPC"]), "control: refusals",
      "\(refusals.sorted())")
    var after = try files()
    for _ in 0..<100 where after > before + 4 {
      usleep(10_000)
      after = try files()
    }
    look.expect(after <= before + 4, "files that are open, as before", "\(before), then \(after)")
  }
}
