// SPDX-License-Identifier: Apache-2.0

internal import CGuest
internal import CLibc
internal import GuestProtocol

/// A place among a device's fake offsets where every import of its size goes: it lies between two buffers and is the
/// smallest hole that fits, every time.
struct ImportSlot {
  let offset: UInt64
  private let keeper: DrmClient

  init(beside client: DrmClient, pages: Int) throws(Failure) {
    keeper = try client.stranger()
    _ = try keeper.createDumb(pages: pages)
    let room = try keeper.createDumb(pages: pages)
    _ = try keeper.createDumb(pages: pages)
    try keeper.closeHandle(room.handle)
    offset = room.fakeOffset
  }

  func close() { keeper.close() }
}

/// Whether the order matters in which everything that leads to a buffer is closed, and whether anything is left.
enum ClosingTests {
  private static let pages = 4
  /// Lives of a buffer in each pair; a thousand in total.
  private static let rounds = 67

  static func orders(_ pair: Pair) -> GuestTest {
    GuestTest(
      "counts/\(pair.name)/closing-orders",
      question: "Does everything that leads to a buffer hold the same references, in whatever order it is closed?"
    ) { look throws(Failure) in try everyOrder(pair, look) }
  }

  static func lives(_ pair: Pair) -> GuestTest {
    GuestTest(
      "leaks/\(pair.name)/rounds",
      question: "After many lives of a shared buffer, is no dma-buf, object or open file left?"
    ) { look throws(Failure) in try manyLives(pair, look) }
  }

  /// Something that can be closed, of one buffer.
  private struct Closing {
    var name: String
    var close: () throws(Failure) -> Void
  }

  private static func everyOrder(_ pair: Pair, _ look: Recorder) throws(Failure) {
    let importer = try DrmClient(driver: pair.importer)
    let slot = try ImportSlot(beside: importer, pages: pages)
    var owner: DrmClient?
    if case .drm(let driver) = pair.exporter { owner = try DrmClient(driver: driver) }
    let before = BufInfo.parse(try readText(References.bufinfo)).count
    let count = owner == nil ? 4 : 5
    var released: [String: Set<Int>] = [:]
    var left: Set<Int> = []
    for order in permutations(of: Array(0..<count)) {
      let (list, spare) = try open(pair, owner: owner, importer: importer, slot: slot)
      // Opened once and read again: there are a hundred orders.
      let info = try OpenFile("/proc/self/fdinfo/\(spare.number)", flags: O_RDONLY)
      var references = info.number(of: "count")
      for index in order {
        try list[index].close()
        let now = info.number(of: "count")
        released[list[index].name, default: []].insert(references - now)
        references = now
      }
      left.insert(references)
      info.close()
      spare.close()
    }
    for name in released.keys.sorted() {
      let seen = released[name, default: []].sorted()
      // How many references a handle holds is up to its driver, but it must always be the same number.
      let expected = name.hasSuffix("handle") ? [max(1, seen.first ?? 1)] : [1]
      look.equal(seen.count, 1, "\(name): answers to how many references it let go of")
      look.equal(
        seen, expected, "\(name): references let go of, in any order", by: name.hasSuffix("mapped") ? .reference : nil)
    }
    look.equal(left.sorted(), [1], "references left at the end, in any order: the spare fd's")
    look.equal(BufInfo.parse(try readText(References.bufinfo)).count, before, "dma-bufs alive afterwards")
    // If one object were left, the next one would lie elsewhere.
    let room = try importer.createDumb(pages: pages)
    look.equal(room.fakeOffset, slot.offset, "the importer's place is free again")
    slot.close()
    importer.close()
    owner?.close()
  }

  private static func open(
    _ pair: Pair, owner: DrmClient?, importer: DrmClient, slot: ImportSlot
  ) throws(Failure) -> (list: [Closing], spare: OpenFile) {
    var list: [Closing] = []
    let dmabuf: OpenFile
    if let owner {
      let buffer = try owner.createDumb(pages: pages)
      dmabuf = try owner.export(buffer.handle)
      list.append(Closing(name: "exporter's handle") { () throws(Failure) in try owner.closeHandle(buffer.handle) })
    } else {
      let exported = try pair.exporter.export(pages: pages)
      exported.closeHome()
      dmabuf = exported.dmabuf
    }
    let handle = try importer.importBuffer(dmabuf)
    let direct = try Mapping("dma-buf", of: dmabuf, offset: 0, pages: pages)
    let forwarded = try Mapping("forwarded", of: importer.file, offset: slot.offset, pages: pages)
    list.append(Closing(name: "importer's handle") { () throws(Failure) in try importer.closeHandle(handle) })
    list.append(Closing(name: "fd") { dmabuf.close() })
    list.append(Closing(name: "dma-buf mapped") { direct.unmap() })
    list.append(Closing(name: "forwarded mapped") { forwarded.unmap() })
    return (list, OpenFile(number: dup(dmabuf.number)))
  }

  private static func manyLives(_ pair: Pair, _ look: Recorder) throws(Failure) {
    let importer = try DrmClient(driver: pair.importer)
    let slot = try ImportSlot(beside: importer, pages: pages)
    var owner: DrmClient?
    if case .drm(let driver) = pair.exporter { owner = try DrmClient(driver: driver) }
    let dmabufs = BufInfo.parse(try readText(References.bufinfo)).count
    let clients = try importer.openClients()
    let place = try owner.map { owner throws(Failure) in try Self.place(on: owner, soon: firstPlace) }
    for round in 0..<rounds { try live(round, pair, owner: owner, importer: importer, slot: slot) }
    look.equal(BufInfo.parse(try readText(References.bufinfo)).count, dmabufs, "dma-bufs alive after \(rounds) rounds")
    look.equal(try importer.openClients(), clients, "the importer's open files")
    look.equal(try nextPlace(on: importer), slot.offset, "the importer's next object: where each import was")
    if let owner, let place {
      look.equal(try Self.place(on: owner, soon: place), place, "the exporter's next object: where the first was")
    }
    slot.close()
    importer.close()
    owner?.close()
  }

  /// The lowest possible place: `DRM_FILE_PAGE_OFFSET_START` in `include/drm/drm_vma_manager.h`, in bytes.
  private static let firstPlace: UInt64 = 1 << 32

  /// Returns where the device puts its next object, once that is the expected place or a second has passed. virtio-gpu
  /// frees an object only once the host has answered, so objects of the previous test may not be free yet.
  private static func place(on client: DrmClient, soon expected: UInt64) throws(Failure) -> UInt64 {
    var now = try nextPlace(on: client)
    for _ in 0..<100 where now != expected {
      usleep(10_000)
      now = try nextPlace(on: client)
    }
    return now
  }

  /// Returns where the device puts its next object, which is the lowest free place: one object left over moves it.
  static func nextPlace(on client: DrmClient) throws(Failure) -> UInt64 {
    let buffer = try client.createDumb(pages: pages)
    try client.closeHandle(buffer.handle)
    return buffer.fakeOffset
  }

  /// One life of a buffer, each slightly different from the previous one.
  private static func live(
    _ round: Int, _ pair: Pair, owner: DrmClient?, importer: DrmClient, slot: ImportSlot
  ) throws(Failure) {
    var handle: UInt32?
    let dmabuf: OpenFile
    if let owner {
      let buffer = try owner.createDumb(pages: pages)
      handle = buffer.handle
      dmabuf = try owner.export(buffer.handle)
    } else {
      let exported = try pair.exporter.export(pages: pages)
      exported.closeHome()
      dmabuf = exported.dmabuf
    }
    let imported = try importer.importBuffer(dmabuf)
    var forwarded = try Mapping("forwarded", of: importer.file, offset: slot.offset, pages: pages)
    forwarded.set(UInt8(1 + round), page: round % pages)
    switch round % 5 {
    case 0:
      let code = Mapping.refusal(of: importer.file, offset: slot.offset, pages: pages, flags: MAP_PRIVATE)
      if code != EINVAL { throw .call("be refused a private mapping", code: code) }
    case 1: forwarded.unmap(page: 1, count: 1)
    case 2:
      let space = try reserveAddresses(pages: pages)
      if cguest_move(forwarded.address, pages * pageSize, space) < 0 { throw .call("mremap") }
      forwarded = Mapping("forwarded", at: space, pages: pages)
    // Only once: the fork costs more than the rest of a life.
    case 3 where round < 5: try Child.withHolder { _ in }
    default: try Mapping("dma-buf", of: dmabuf, offset: 0, pages: pages).unmap()
    }
    dmabuf.close()
    // Every other life ends with its handles, the rest with its mappings.
    if round % 2 == 0 { forwarded.unmap() }
    try importer.closeHandle(imported)
    if let owner, let handle { try owner.closeHandle(handle) }
    if round % 2 != 0 { forwarded.unmap() }
  }
}

extension OpenFile {
  /// The number after a key of this file's text, read from its beginning; 0 if there is none.
  fileprivate func number(of key: String) -> Int {
    var bytes = [UInt8](repeating: 0, count: 512)
    let count = pread(number, &bytes, bytes.count, 0)
    return fdinfoNumber(key, in: String(decoding: bytes[..<max(0, count)], as: UTF8.self)) ?? 0
  }
}
