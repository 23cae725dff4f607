// SPDX-License-Identifier: Apache-2.0

internal import CGuest
internal import CLibc

/// Several threads and processes on one buffer. What each of them sees must always be right, and nothing may be left at
/// the end.
///
/// A race that did not take place is a skip, never a pass. The reason says what was not reached.
enum RaceTests {
  private static let pages = 4

  static func mapping(_ pair: Pair) -> GuestTest {
    GuestTest(
      "race/\(pair.name)/map-touch-fork",
      question: "If several threads map, cut, fault, fork and map over one another, is every count and byte right?"
    ) { look throws(Failure) in try manyHands(pair, look) }
  }

  static func sharing(_ pair: Pair) -> GuestTest {
    GuestTest(
      "race/\(pair.name)/import-export",
      question: "If several clients export and import one buffer, do they agree on its dma-buf, and leave none behind?"
    ) { look throws(Failure) in try manyClients(pair, look) }
  }

  static func twins(importer: String) -> GuestTest {
    GuestTest(
      "race/\(TestDriver.name)-to-\(importer)/twin-imports",
      question: "If two threads import one dma-buf into one client at the same time, do they get the same handle?"
    ) { look throws(Failure) in try twinImports(importer, look) }
  }

  static func unbind(_ pair: Pair) -> GuestTest {
    GuestTest(
      "race/\(pair.name)/unbind",
      question: "Does an unplug during maps, faults, cuts and forks zap what it must, and free the device afterwards?"
    ) { look throws(Failure) in try unplug(pair, look) }
  }

  private static func manyHands(_ pair: Pair, _ look: Recorder) throws(Failure) {
    let shared = try pair.share(pages: pages)
    let base = try References.count(inode: shared.inode)
    let aliases = try shared.mapAll()
    aliases[0].mark()
    let arena = try shared.mapForwarded()
    let race = Race(shared, seed: Seed.take())
    race.way(shared.importer.file, shared.forwardedOffset)
    race.way(shared.exported.dmabuf, 0)
    for alias in aliases { race.standing(alias) }
    race.arena(arena)
    race.worker("mapper 1", CGUEST_MAPPER, rounds: 25)
    race.worker("mapper 2", CGUEST_MAPPER, rounds: 25)
    race.worker("toucher", CGUEST_TOUCHER, rounds: 25)
    race.worker("replacer", CGUEST_REPLACER, rounds: 25)
    race.worker("watcher", CGUEST_WATCHER, rounds: 25)
    race.worker("forker", CGUEST_FORKER, rounds: 3)
    let reached = try race.run()
    var tally = RaceTally()
    tally.add(race)
    tally.check(look, seed: race.seed)
    for mapping in aliases + [arena] { mapping.unmap() }
    look.equal(try mappings(ofDmabuf: shared.inode).count, 0, "VMAs left")
    try look.references(shared.inode, base, "references left")
    try CountTests.tearDown(shared, look)
    if !reached { throw .skip("not reached: the workers did not complete their rounds (seed \(race.seed))") }
  }

  private static func manyClients(_ pair: Pair, _ look: Recorder) throws(Failure) {
    let shared = try pair.share(pages: pages)
    guard case .chardev(let owner, let buffer) = shared.exported.home else { return }
    let base = try References.count(inode: shared.inode)
    try shared.mapForwarded().unmap()
    let race = Race(shared, seed: Seed.take())
    let direct = try shared.exported.mapDmabuf()
    direct.mark()
    race.standing(direct)
    race.way(shared.importer.file, shared.forwardedOffset)
    race.way(owner.file, buffer.fakeOffset)
    // Separate clients: two workers that share one would close each other's handles.
    let clients = [try shared.importer.stranger(), try shared.importer.stranger()]
    let owners = [owner, try owner.stranger()]
    let second = try owners[1].importBuffer(shared.exported.dmabuf)
    race.worker("importer 1", CGUEST_IMPORTER, rounds: 40, client: clients[0])
    race.worker("importer 2", CGUEST_IMPORTER, rounds: 40, client: clients[1])
    race.worker("exporter 1", CGUEST_EXPORTER, rounds: 40, client: owner, handle: buffer.handle)
    race.worker("exporter 2", CGUEST_EXPORTER, rounds: 40, client: owners[1], handle: second)
    race.worker("mapper", CGUEST_MAPPER, rounds: 20)
    let reached = try race.run()
    var tally = RaceTally()
    tally.add(race)
    tally.check(look, seed: race.seed)
    direct.unmap()
    for client in clients { client.close() }
    owners[1].close()
    try look.references(shared.inode, base, "references left")
    try CountTests.tearDown(shared, look)
    if !reached { throw .skip("not reached: the workers did not complete their rounds (seed \(race.seed))") }
  }

  /// With an exporter that makes an import slow, nearly every round overlaps. If too few do, the race was not reached.
  /// One round proves little: a CPU of the guest may stand still between the clock and the call.
  private static let twinRounds: UInt32 = 20
  private static let mostTwinBatches = 10
  private static let leastTwinOverlaps: UInt32 = 20

  private static func twinImports(_ driver: String, _ look: Recorder) throws(Failure) {
    let exporter = try TestDriver.client(0)
    let client = try DrmClient(driver: driver)
    let before = BufInfo.parse(try readText(References.bufinfo)).count
    let place = try ClosingTests.nextPlace(on: client)
    let buffer = try exporter.createOwn(pages: pages, flags: PBTEST_BO_SLOW_MAP)
    let dmabuf = try exporter.export(buffer.handle)
    // The exporter's client would keep the dma-buf alive.
    try exporter.closeHandle(buffer.handle)
    var (overlapped, different, code) = (UInt32(0), UInt32(0), Int32(0))
    for _ in 0..<mostTwinBatches where overlapped < leastTwinOverlaps {
      var result = cguest_twins()
      if cguest_twin_imports(client.file.number, dmabuf.number, twinRounds, &result) < 0 {
        throw .call("import by two threads")
      }
      overlapped += result.overlapped
      different += result.different
      if code == 0 { code = result.code }
    }
    dmabuf.close()
    look.equal(different, 0, "rounds in which they got different handles")
    look.equal(code == 0 ? "none" : errnoName(code), "none", "imports and closes that failed")
    look.equal(BufInfo.parse(try readText(References.bufinfo)).count, before, "dma-bufs alive afterwards")
    look.equal(try ClosingTests.nextPlace(on: client), place, "the importer's next object: where the first would be")
    client.close()
    exporter.close()
    if overlapped < leastTwinOverlaps {
      throw .skip("not reached: \(overlapped) imports overlapped, \(leastTwinOverlaps) are needed")
    }
  }

  /// On 6.12 an unplug of virtio-gpu leaves aliases 2 and 3 (see invalidate/…/unbind). So only the sum of the touchers'
  /// faults over all aliases is checked; those of alias 1 are enough to prove that the unplug hit a mapping.
  private static func unplug(_ pair: Pair, _ look: Recorder) throws(Failure) {
    let seed = Seed.take()
    var tally = RaceTally()
    var hits: UInt32 = 0
    var reached = true
    let before = BufInfo.parse(try readText(References.bufinfo)).count
    for cycle in 0..<2 {
      let shared = try pair.share(pages: pages)
      let aliases = try shared.mapAll()
      aliases[0].mark()
      guard case .chardev(let client, let buffer) = shared.exported.home else { return }
      let race = Race(shared, seed: seed &+ UInt32(cycle))
      race.way(shared.importer.file, shared.forwardedOffset, refusals: [ENODEV])
      race.way(shared.exported.dmabuf, 0, refusals: [ENODEV])
      race.way(client.file, buffer.fakeOffset, refusals: [ENODEV])
      for alias in aliases { race.standing(alias) }
      race.worker("mapper", CGUEST_MAPPER, rounds: 10)
      race.worker("toucher 1", CGUEST_TOUCHER, rounds: 20, page: 1)
      race.worker("toucher 2", CGUEST_TOUCHER, rounds: 20, page: 2)
      // A fork makes the touchers fault on their stacks, as an unplug makes them fault on the buffer, so forks have
      // separate cycles.
      let forks = cycle % 2 == 1
      if forks { race.worker("forker", CGUEST_FORKER, rounds: 2) }
      reached = try race.run(amid: VirtioGpu.unbind) && reached
      if !forks { hits += race.outcomes.map { $0.worker.faults }.reduce(0, +) }
      tally.add(race)
      for alias in aliases { alias.unmap() }
      shared.closeAll()
      try VirtioGpu.bind()
    }
    tally.check(look, seed: seed)
    look.equal(BufInfo.parse(try readText(References.bufinfo)).count, before, "dma-bufs alive afterwards")
    if !reached { throw .skip("not reached: the workers did not complete their rounds (seed \(seed))") }
    look.expect(hits > 0, "the unplug took pages from under the touchers", "seed \(seed)")
  }
}
