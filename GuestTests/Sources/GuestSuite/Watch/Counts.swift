// SPDX-License-Identifier: Apache-2.0

internal import CGuest
internal import CLibc

/// The kernel's counts of files, devices, objects and address spaces, each number by its name: a failure must not
/// change them, nor may anything that has ended.
struct Counts: Equatable, CustomStringConvertible {
  private(set) var list: [(name: String, number: Int64)] = []

  static func == (one: Counts, other: Counts) -> Bool {
    one.list.count == other.list.count
      && zip(one.list, other.list).allSatisfy { $0.name == $1.name && $0.number == $1.number }
  }

  var description: String { list.map { "\($0.name) \($0.number)" }.joined(separator: ", ") }

  mutating func add(_ name: String, _ number: Int64) { list.append((name, number)) }

  /// Adds the number of the next file to be opened.
  mutating func addNextFile() { add(Self.nextFile, Int64(cguest_next_fd())) }
  private static let nextFile = "lowest fd that is free"

  /// The same without the number of the next file, which depends on what else is open.
  var withoutNextFile: Counts {
    var counts = self
    counts.list.removeAll { $0.name == Self.nextFile }
    return counts
  }

  /// - Parameter bufinfo: the text of that file in debugfs.
  mutating func addDmabufsAlive(_ bufinfo: String) { add("dma-bufs alive", Int64(BufInfo.parse(bufinfo).count)) }

  /// What differs: `objects 3 instead of 2`.
  func difference(from expected: Counts) -> String {
    zip(list, expected.list).filter { $0.number != $1.number }
      .map { "\($0.name) \($0.number) instead of \($1.number)" }.joined(separator: ", ")
  }

  /// Reads numbers until they are the expected ones, or until ``Patience`` ends.
  static func settled<E: Error>(at expected: Counts, _ read: () throws(E) -> Counts) throws(E) -> Counts {
    var now = try read()
    for _ in 0..<(hasWaitedInVain ? Patience.rounds / 10 : Patience.rounds) where now != expected {
      usleep(10_000)
      now = try read()
    }
    if now != expected { hasWaitedInVain = true }
    return now
  }

  /// Reads numbers until they have come to rest, or 1.5 seconds have passed: what an earlier step released may still be on
  /// its way out, and must not be counted.
  static func atRest<E: Error>(_ read: () throws(E) -> Counts) throws(E) -> Counts {
    var now = try read()
    var same = 0
    for _ in 0..<150 where same < Patience.restingRounds {
      usleep(10_000)
      let next = try read()
      same = next == now ? same + 1 : 0
      now = next
    }
    return now
  }

  /// Whether this test's process has already waited in vain for numbers to recover. What leaks once leaks again, and a
  /// test that has failed by it need not wait as long for the rest. It is not shared: each test has a process.
  nonisolated(unsafe) private static var hasWaitedInVain = false
}

extension KernelView {
  /// A DRM file, and its device.
  func client(_ client: DrmClient) throws(Failure) -> pbtest_client {
    var args = pbtest_client()
    args.fd = client.file.number
    if cguest_pbtest_client(file.number, &args) != 0 { throw .call("ask for a client") }
    return args
  }

  func dmabuf(_ dmabuf: OpenFile) throws(Failure) -> pbtest_dmabuf {
    var args = pbtest_dmabuf()
    args.fd = dmabuf.number
    if cguest_pbtest_dmabuf(file.number, &args) != 0 { throw .call("ask for a dma-buf") }
    return args
  }

  func count(_ name: String, _ client: DrmClient, into counts: inout Counts) throws(Failure) {
    let seen = try self.client(client)
    counts.add("\(name)'s handles", Int64(seen.handles))
    counts.add("\(name)'s dma-bufs", Int64(seen.dmabufs))
    counts.add("\(name)'s dma-bufs by handle", Int64(seen.dmabuf_handles))
    counts.add("objects on \(name)'s device", Int64(seen.objects))
    counts.add("references of \(name)'s device", Int64(seen.device_count))
    counts.add("references of \(name)'s module", Int64(seen.module_count))
    try count("\(name)'s chardev", client.file, into: &counts)
  }

  func count(_ name: String, _ other: OpenFile, into counts: inout Counts) throws(Failure) {
    let seen = try file(other)
    counts.add("references of \(name)", seen.count)
    counts.add("i_mmap_writable of \(name)", seen.i_mmap_writable)
    counts.add("VMAs of \(name)", Int64(seen.vmas))
  }

  func countDmabuf(_ name: String, _ dmabuf: OpenFile, into counts: inout Counts) throws(Failure) {
    try count(name, dmabuf, into: &counts)
    let seen = try self.dmabuf(dmabuf)
    counts.add("attachments of \(name)", Int64(seen.attachments))
    counts.add("kernel mappings of \(name)", Int64(seen.vmaps))
    counts.add("locked \(name)", Int64(seen.locked))
  }

  func count(_ name: String, _ handle: UInt32, of client: DrmClient, into counts: inout Counts) throws(Failure) {
    let seen = try object(handle, of: client)
    counts.add("references of \(name)", Int64(seen.refcount))
    counts.add("handles of \(name)", Int64(seen.handle_count))
    counts.add("files that may map \(name)", Int64(seen.allowed))
    counts.add("allowances of \(name)", Int64(seen.allowances))
    counts.add("pins of \(name)", Int64(seen.pins))
    counts.add("pins of \(name) by its dma-buf", Int64(seen.dmabuf_pins))
    counts.add("mapped attachments of \(name)", Int64(seen.maps))
    counts.add("kernel mappings of \(name)", Int64(seen.vmaps))
  }
}

extension Recorder {
  /// Checks counts, and lists those that differ.
  func same(_ seen: Counts, _ expected: Counts, _ name: String) {
    expect(seen == expected, name, seen.difference(from: expected))
  }
}
