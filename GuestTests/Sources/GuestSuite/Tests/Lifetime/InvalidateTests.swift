// SPDX-License-Identifier: Apache-2.0

internal import CGuest
internal import CLibc

/// Whether an unplug of the exporter's device finds every alias.
enum InvalidateTests {
  static func of(_ pair: Pair) -> GuestTest {
    GuestTest(
      "invalidate/\(pair.name)/unbind",
      question: "Does unmap_mapping_range() on the exporter's address space find every alias of a buffer?"
    ) { look throws(Failure) in try unbind(pair, look) }
  }

  static func deviceFreed(_ pair: Pair) -> GuestTest {
    GuestTest(
      "leaks/\(pair.name)/unbind",
      question: "Is an unbound device freed once the last mapping of its buffers is gone?"
    ) { look throws(Failure) in try freed(pair, look) }
  }

  /// A DRM device keeps its minor number, and so its name in /dev, until the last reference to it is gone. A newly
  /// bound device gets the old name only if nothing holds the previous one.
  private static func freed(_ pair: Pair, _ look: Recorder) throws(Failure) {
    // A device that nothing before this test has used.
    try DrmClient(driver: VirtioGpu.driver).close()
    try VirtioGpu.unbind()
    func boundAnew() throws(Failure) -> String {
      let client = try DrmClient(driver: VirtioGpu.driver)
      defer { client.close() }
      return client.path
    }
    let path = try boundAnew()
    try VirtioGpu.unbind()
    look.equal(try boundAnew(), path, "control: never used, bound anew: its name")

    let shared = try pair.share()
    let aliases = try shared.mapAll()
    for alias in aliases { alias.mark() }
    try shared.closeHandles()
    shared.closeAll()
    for alias in aliases.dropLast() { alias.unmap() }
    // Do not rebind before the last mapping is gone: 6.12 would warn of two slab caches with the driver's name.
    try VirtioGpu.unbind()
    let last = aliases[aliases.count - 1]
    look.equal((0..<shared.pages).filter { last.tryByte(page: $0) != "\($0 + 1)" }, [], "forwarded: pages without mark")
    last.unmap()
    try look.references(shared.inode, nil, "forwarded unmapped")
    look.equal(try boundAnew(), path, "unbound with forwarded mapped, unmapped, bound anew: its name")
  }

  private static func unbind(_ pair: Pair, _ look: Recorder) throws(Failure) {
    let shared = try pair.share()
    let aliases = try shared.mapAll()
    let control = try SelfCheckTests.freshPage()
    look.equal(control.touch(page: 0).faults, 1, "control: a page never touched faults once")
    // Both ends as well: a range that is too short would miss them.
    for alias in aliases {
      look.equal(
        shared.probes.map { alias.touch(page: $0).faults }, [1, 1, 1], "\(alias.name): faults on first touches")
      look.equal(shared.probes.map { alias.touch(page: $0).faults }, [0, 0, 0], "\(alias.name): faults before unbind")
    }

    try VirtioGpu.unbind()
    for alias in aliases {
      // A driver may also answer with SIGBUS once its device is gone. That takes a fault too, so the alias was found.
      let seen = shared.probes.map { page in
        let touch = alias.touch(page: page)
        return touch.sigbus != 0 ? "SIGBUS" : "\(touch.faults)"
      }
      let name = "\(alias.name): faults on touch after unbind, first page, middle and last"
      look.expect(seen.allSatisfy { $0 == "1" || $0 == "SIGBUS" }, name, seen.joined(separator: ", "))
    }
    look.equal(control.touch(page: 0).faults, 0, "control: a page that nobody unmapped does not fault")

    control.unmap()
    for alias in aliases { alias.unmap() }
    shared.closeAll()
    try look.references(shared.inode, nil, "all unmapped and closed")
    try VirtioGpu.bind()
    let back = try DrmClient(driver: VirtioGpu.driver)
    back.close()
  }
}
