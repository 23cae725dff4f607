internal import CGuest
internal import Glibc

/// Whether an unplug of the exporter's device finds every alias.
enum InvalidateTests {
  static func of(_ pair: Pair) -> GuestTest {
    GuestTest(
      "invalidate/\(pair.name)/unbind",
      question: "Does unmap_mapping_range() on the exporter's address space find every alias of a buffer?"
    ) { try unbind(pair, $0) }
  }

  private static func unbind(_ pair: Pair, _ look: Recorder) throws {
    let shared = try pair.share()
    let aliases = try shared.mapAll()
    let control = try SelfCheckTests.freshPage()
    look.equal(control.touch(page: 0).faults, 1, "control: a page never touched faults once")
    let page = shared.pages / 2
    for alias in aliases {
      look.equal(alias.touch(page: page).faults, 1, "\(alias.name): faults on the first touch")
      look.equal(alias.touch(page: page).faults, 0, "\(alias.name): faults on touch before unbind")
    }

    try VirtioGpu.unbind()
    for alias in aliases {
      let touch = alias.touch(page: page)
      let name = "\(alias.name): faults on touch after unbind"
      // A driver may also answer for a device that is gone with SIGBUS. That takes a fault too: the alias was found.
      switch (touch.sigbus, touch.faults) {
      case (0, 1): look.expect(true, name, "1: was unmapped")
      case (0, 0): look.expect(false, name, "0, expected 1: still mapped")
      case (0, let faults): look.expect(false, name, "\(faults), expected 1")
      default: look.expect(true, name, "SIGBUS: was unmapped")
      }
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
