// SPDX-License-Identifier: Apache-2.0

internal import CGuest
internal import CLibc

/// The nodes of trees, which `AllocationWatch` cannot see: those that hold an address space's mappings are freed many at a
/// time, which no event tells, and those that hold a client's handles come from a stock that each processor keeps. Here
/// they are counted by their slab, before and after many rounds.
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
    GuestTest(
      "leaks/vgem/closed-clients",
      question: "Is the tree of a client's handles given back when it closes with handles left?"
    ) { look throws(Failure) in try closed(look) },
  ]

  private static let ofMappings = "maple_node"
  private static let ofHandles = "radix_tree_node"
  /// A leak loses one node a round at least; all other processes of the guest together gain far fewer meanwhile.
  private static let rounds = 300

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

  private static func closed(_ look: Recorder) throws(Failure) {
    let owner = try DrmClient(driver: "vgem")
    let buffer = try owner.createDumb(pages: 1)
    var name: UInt32 = 0
    if cguest_drm_flink(owner.file.number, buffer.handle, &name) != 0 { throw .call("give a name") }
    // A quarter of the rounds of the others: each takes more than a refusal.
    let rounds = rounds / 4
    try give(back: look, of: ofHandles, rounds: rounds, answer: "closed") {
      guard let client = try? owner.stranger() else { return errnoName(errno) }
      var handle: UInt32 = 0
      let answer = cguest_drm_open_name(client.file.number, name, &handle) == 0 ? "closed" : errnoName(errno)
      client.close()
      return answer
    }
    owner.close()
  }

  /// - Parameters:
  ///   - cache: the slab of the nodes.
  ///   - answer: that of each round.
  private static func give(
    back look: Recorder, of cache: String = ofMappings, rounds: Int = rounds, answer: String = "EINVAL",
    _ round: () -> String
  ) throws(Failure) {
    // The first time may build what stays.
    look.equal(round(), answer, "errno")
    let before = try nodes(cache)
    var others: Set<String> = []
    for _ in 0..<rounds { others.insert(round()) }
    look.equal(others.sorted(), [answer], "errno, \(rounds) times")
    let bound = rounds / 2
    var more = try nodes(cache) - before
    // They are freed after a grace period of RCU.
    for _ in 0..<100 where more >= bound {
      usleep(20_000)
      more = try nodes(cache) - before
    }
    look.expect(more < bound, "nodes given back", "\(more) more after \(rounds) rounds")
  }

  /// The nodes in use: what processors keep for themselves is given back before it is counted.
  private static func nodes(_ cache: String) throws(Failure) -> Int {
    try writeText("1", to: "/sys/kernel/slab/\(cache)/shrink")
    for line in try readText("/proc/slabinfo").split(separator: "\n") {
      let words = line.split(separator: " ")
      if words.first == cache[...], words.count > 1, let active = Int(words[1]) { return active }
    }
    throw .skip("this kernel counts \(cache) with other slabs (slab_merge)")
  }
}
