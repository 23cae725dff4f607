// SPDX-License-Identifier: Apache-2.0

internal import CGuest
internal import CLibc
internal import GuestProtocol

/// Whether the oracles work at all: if an oracle never says no, every test passes.
enum SelfCheckTests {
  static let all = [
    GuestTest(
      "selfcheck/guest/fault-counter",
      question: "Does the fault counter distinguish a page that was unmapped from one that was not?"
    ) { look throws(Failure) in try faults(look) },
    GuestTest(
      "selfcheck/guest/reference-counter",
      question: "Does the reference counter see one more reference, one less, and the last one go?"
    ) { look throws(Failure) in try references(look) },
    GuestTest(
      "selfcheck/guest/maps-reader",
      question: "Does the reader of maps distinguish files and offsets?"
    ) { look throws(Failure) in try maps(look) },
    GuestTest(
      "selfcheck/guest/allocation-watch",
      question: "Does the watch name the caller that allocated memory which was not freed, and nothing once it was?"
    ) { look throws(Failure) in try allocations(look) },
    GuestTest(
      "selfcheck/guest/fault-point",
      question: "Does exactly the nth place fail, and none before or after it?"
    ) { look throws(Failure) in try faultPoint(look) },
    GuestTest(
      "selfcheck/guest/leaves-behind",
      question: "Can a test leave signals, descriptors, limits, a mount, a thread and a process behind?"
    ) { look throws(Failure) in try leave(look) },
    GuestTest(
      "selfcheck/guest/finds-nothing",
      question: "Does a test find nothing of what the test before it has left behind?"
    ) { look throws(Failure) in try find(look) },
  ]

  private static let place = "/tmp/left-behind"

  private static func leave(_ look: Recorder) throws(Failure) {
    let child = cguest_leave_behind(place)
    look.expect(child > 0, "everything is left behind", child > 0 ? "" : errnoName(errno))
    look.equal(LeftBehind.places().contains(place), true, "control: the mount is there")
    look.equal(otherProcesses().isEmpty, false, "control: the process is there")
  }

  private static func find(_ look: Recorder) throws(Failure) {
    var mask = sigset_t()
    sigprocmask(SIG_BLOCK, nil, &mask)
    look.equal((1..<32).filter { sigismember(&mask, Int32($0)) == 1 }, [], "blocked signals")
    var action = sigaction()
    sigaction(SIGUSR1, nil, &action)
    look.equal(action.__sigaction_handler.sa_handler == nil, true, "SIGUSR1 is not ignored")
    // Standard input, output and error, the report, and the directory that is read for this.
    look.equal(names(in: "/proc/self/fd").count, 5, "descriptors")
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    look.equal(limit.rlim_cur > 64, true, "descriptors may be opened")
    look.equal(umask(0o22), 0o22, "mode mask")
    look.equal(getpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0), 0, "priority")
    look.equal(names(in: "/proc/self/task").count, 1, "threads")
    look.equal(LeftBehind.places().contains(place), false, "the mount")
    look.equal(otherProcesses(), [], "other processes")
  }

  /// Processes besides PID 1 and this one. Threads of the kernel have no memory.
  private static func otherProcesses() -> [String] {
    names(in: "/proc").compactMap { Int32($0) }.filter { $0 != 1 && $0 != getpid() }.compactMap { process in
      guard let text = try? readText("/proc/\(process)/status"), text.holds("\nVmSize:") else { return nil }
      return text.split(separator: "\n").first.map(String.init)
    }
  }

  private static func allocations(_ look: Recorder) throws(Failure) {
    let kernel = try TestDriver.ask()
    let client = try TestDriver.client(0)
    try client.closeHandle(client.createOwn(pages: 1).handle)
    let watch = try AllocationWatch(kernel)
    let buffers = try (0..<2).map { _ throws(Failure) in try client.createOwn(pages: 1) }
    let left = watch.stillHeld(patience: 0)
    look.expect(
      left.contains { $0.hasPrefix("pbtest_bo_alloc") && $0.hasSuffix("(2)") }, "two buffers are held", "\(left)")
    try client.closeHandle(buffers[0].handle)
    let one = watch.stillHeld(patience: 0)
    look.expect(one.contains { $0.hasPrefix("pbtest_bo_alloc") && $0.hasSuffix("(1)") }, "one is held", "\(one)")
    try client.closeHandle(buffers[1].handle)
    try watch.end(look, "none")
    client.close()
  }

  private static func faultPoint(_ look: Recorder) throws(Failure) {
    let client = try TestDriver.client(0)
    let faults = try FaultPoint()
    func create(failing number: Int) throws(Failure) -> String {
      var args = pbtest_create()
      args.size = UInt64(pageSize)
      let (code, fired) = try faults.failing(number) {
        GuestSuite.code(cguest_pbtest_create(client.file.number, &args))
      }
      if code == 0 { try client.closeHandle(args.handle) }
      return "\(code == 0 ? "made" : errnoName(code)), \(fired ? "failed" : "nothing failed")"
    }
    look.equal(try create(failing: 0), "made, nothing failed", "none is to fail")
    look.equal(try create(failing: 1), "EFAULT, failed", "the first: the arguments are read")
    look.equal(try create(failing: 2), "ENOMEM, failed", "the second: the object")
    look.equal(try create(failing: 1000), "made, nothing failed", "the thousandth, which is not reached")
    look.equal(try create(failing: 0), "made, nothing failed", "none is to fail any more")
    faults.close()
    client.close()
  }

  /// An anonymous page that nothing has touched.
  static func freshPage() throws(Failure) -> Mapping {
    let address = mmap(nil, pageSize, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)
    guard let address, address != MAP_FAILED else { throw .call("mmap of a page") }
    return Mapping("control", at: address, pages: 1)
  }

  private static func faults(_ look: Recorder) throws(Failure) {
    let page = try freshPage()
    for round in 1...3 {
      look.equal(page.touch(page: 0).faults, 1, "round \(round): not there")
      look.equal(page.touch(page: 0).faults, 0, "round \(round): there")
      madvise(page.address, pageSize, MADV_DONTNEED)
    }
    page.unmap()

    // Accessing a page beyond the end of its file makes the kernel raise SIGBUS.
    let file = OpenFile(number: cguest_sealed_memfd("patchbench", pageSize))
    let two = try Mapping("memfd", of: file, offset: 0, pages: 2)
    look.equal(two.touch(page: 1).sigbus, 1, "SIGBUS is caught")
    look.equal(two.touch(page: 0).sigbus, 0, "and reported only where it was")
    two.unmap()
    file.close()
  }

  private static func references(_ look: Recorder) throws(Failure) {
    let buffer = try Exporter.udmabuf.export(pages: 2)
    try look.references(buffer.inode, 1, "one fd")
    let mapping = try buffer.mapDmabuf()
    try look.references(buffer.inode, 2, "and a mapping")
    let second = OpenFile(number: dup(buffer.dmabuf.number))
    try look.references(buffer.inode, 3, "and a second fd")
    look.equal(try References.count(descriptor: second), 3, "fdinfo says the same")
    second.close()
    buffer.dmabuf.close()
    try look.references(buffer.inode, 1, "only the mapping")
    mapping.unmap()
    try look.references(buffer.inode, nil, "nothing")
    buffer.closeHome()
  }

  private static func maps(_ look: Recorder) throws(Failure) {
    let file = OpenFile(number: cguest_sealed_memfd("patchbench", 4 * pageSize))
    for page in [0, 3] {
      let mapping = try Mapping("memfd", of: file, offset: UInt64(page * pageSize), pages: 1)
      let entry = try mapping.mapsEntry()
      look.equal(entry?.path, "/memfd:patchbench (deleted)", "page \(page): file")
      look.equal(entry?.offset, UInt64(page * pageSize), "page \(page): offset")
      look.sameInode(entry?.inode, try file.inode(), "page \(page): inode")
      mapping.unmap()
      look.expect(try mapping.mapsEntry() == nil, "page \(page): gone once unmapped")
    }
    file.close()
  }
}
