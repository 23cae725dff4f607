// SPDX-License-Identifier: Apache-2.0

internal import CGuest
internal import CLibc

/// The nodes of the tree that holds an address space's mappings. The kernel frees them many at a time, which no event
/// tells, so `AllocationWatch` cannot see them: here they are counted by their slab, before and after many refusals.
enum NodeTests {
  static let all = [
    GuestTest(
      "leaks/mmap/refused-nodes",
      question: "Is each node of the tree of mappings given back when a file's driver refuses to be mapped?"
    ) { look throws(Failure) in try refused(look) },
    GuestTest(
      "leaks/mmap/unwound-nodes",
      question: "Is each node given back when there is no memory for what was to replace other mappings?"
    ) { look throws(Failure) in try unwound(look) },
    GuestTest(
      "leaks/mmap/limited-nodes",
      question: "Is each node given back when a limit forbids what was to replace other mappings?"
    ) { look throws(Failure) in try limited(look) },
    GuestTest(
      "leaks/mmap/failing-nodes",
      question: "Is each node given back when an allocation fails while shared anonymous memory is mapped?"
    ) { look throws(Failure) in try failing(look) },
  ]

  private static let cache = "maple_node"
  /// A leak loses one node a round at least; all other processes of the guest together gain far fewer meanwhile.
  private static let rounds = 300
  private static let bound = 150

  private static func refused(_ look: Recorder) throws(Failure) {
    let client = try DrmClient(driver: "vgem")
    let buffer = try client.createDumb(pages: 2)
    try give(back: look) {
      errnoName(Mapping.refusal(of: client.file, offset: buffer.fakeOffset, pages: 3))
    }
    client.close()
  }

  private static func unwound(_ look: Recorder) throws(Failure) {
    // More than there will ever be, of which nothing is used.
    let size = 1 << 40
    let room = mmap(nil, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
    guard let room, room != MAP_FAILED else { throw .call("reserve address space") }
    // Several mappings, of which a list must be made to take them out.
    for index in 1...4 where mprotect(room + index * (size / 8), pageSize, PROT_READ) != 0 {
      throw .call("cut the address space")
    }
    try give(back: look, answer: "ENOMEM") {
      let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED
      let answer = mmap(room + pageSize, size - 2 * pageSize, PROT_READ | PROT_WRITE, flags, -1, 0)
      return answer == MAP_FAILED ? errnoName(errno) : "mapped"
    }
    munmap(room, size)
  }

  private static func limited(_ look: Recorder) throws(Failure) {
    let pages = 8
    let more = 64 << 20
    // The last pages of what is asked for are mappings, and those before them are free.
    let place = try reserveAddresses(pages: more / pageSize)
    let room = place + more - pages * pageSize
    munmap(place, more - pages * pageSize)
    for page in stride(from: 1, to: pages, by: 2) where mprotect(room + page * pageSize, pageSize, PROT_READ) != 0 {
      throw .call("cut the address space")
    }
    var usual = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &usual)
    try give(back: look, answer: "ENOMEM") {
      var limit = usual
      limit.rlim_cur = rlim_t(more)
      setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
      let answer = mmap(place, more, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0)
      let code = errno
      setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &usual)
      return answer == MAP_FAILED ? errnoName(code) : "mapped"
    }
    munmap(room, pages * pageSize)
  }

  private static func failing(_ look: Recorder) throws(Failure) {
    let faults = try FaultPoint()
    try give(back: look, answer: "refused") {
      var isRefused = false
      for number in 1...Sweep.most {
        var address: UnsafeMutableRawPointer?
        let answer = try? faults.failing(number) {
          address = mmap(nil, pageSize, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0)
          return address == MAP_FAILED ? errno : 0
        }
        guard let answer else { return "cannot fail" }
        if answer.code == 0 { munmap(address, pageSize) } else { isRefused = true }
        if !answer.fired { return isRefused ? "refused" : "never refused" }
      }
      return "not done"
    }
    faults.close()
  }

  private static func give(back look: Recorder, answer: String = "EINVAL", _ refusal: () -> String) throws(Failure) {
    // The first time may build what stays.
    look.equal(refusal(), answer, "errno")
    let before = try nodes()
    var others: Set<String> = []
    for _ in 0..<rounds { others.insert(refusal()) }
    look.equal(others.sorted(), [answer], "errno, \(rounds) times")
    var more = try nodes() - before
    // They are freed after a grace period of RCU.
    for _ in 0..<100 where more >= bound {
      usleep(20_000)
      more = try nodes() - before
    }
    look.expect(more < bound, "nodes given back", "\(more) more after \(rounds) refusals")
  }

  /// The nodes in use: what processors keep for themselves is given back before it is counted.
  private static func nodes() throws(Failure) -> Int {
    try writeText("1", to: "/sys/kernel/slab/\(cache)/shrink")
    for line in try readText("/proc/slabinfo").split(separator: "\n") {
      let words = line.split(separator: " ")
      if words.first == cache[...], words.count > 1, let active = Int(words[1]) { return active }
    }
    throw .skip("this kernel counts \(cache) with other slabs (slab_merge)")
  }
}
