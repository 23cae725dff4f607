// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import GuestSuite

@Suite("The tracer's raw pages")
struct TraceRecordsTests {
  /// A page in the tracer's layout: a timestamp, the number of bytes in use, and the entries.
  private func page(_ entries: [UInt8], missed: Bool = false) -> [UInt8] {
    var page = [UInt8](repeating: 0, count: 8)
    append(UInt64(entries.count) | (missed ? 1 << 31 : 0), to: &page)
    return page + entries
  }

  private func append(_ number: some FixedWidthInteger, to bytes: inout [UInt8]) {
    withUnsafeBytes(of: number.littleEndian) { bytes += $0 }
  }

  /// An entry of 24 bytes of data: event, task, site and address.
  private func entry(_ record: MemoryRecord, isLong: Bool = false) -> [UInt8] {
    var bytes: [UInt8] = []
    if isLong {
      append(UInt32(7 << 5), to: &bytes)
      append(UInt32(28), to: &bytes)
    } else {
      append(UInt32(7 << 5 | 6), to: &bytes)
    }
    append(record.event, to: &bytes)
    append(UInt16(0), to: &bytes)
    append(record.task, to: &bytes)
    append(record.site, to: &bytes)
    append(record.address, to: &bytes)
    return bytes
  }

  private func read(_ page: [UInt8]) -> (records: [MemoryRecord], isWhole: Bool) {
    var records: [MemoryRecord] = []
    let isWhole = page.withUnsafeBytes { TraceRecords.read($0) { records.append($0) } }
    return (records, isWhole)
  }

  private let one = MemoryRecord(event: 301, task: 42, site: 0xffff_ffff_8123_4567, address: 0xffff_8880_0001_0000)
  private let other = MemoryRecord(event: 302, task: -1, site: 1, address: 2)

  @Test("records with either encoding of the length, one after another")
  func records() {
    let seen = read(page(entry(one) + entry(other, isLong: true) + entry(one)))
    #expect(seen.records == [one, other, one])
    #expect(seen.isWhole)
  }

  @Test("timestamps and discarded entries between records are skipped")
  func betweenThem() {
    var time: [UInt8] = []
    append(UInt32(5 << 5 | 30), to: &time)
    append(UInt32(1), to: &time)
    var discarded: [UInt8] = []
    append(UInt32(1 << 5 | 29), to: &discarded)
    append(UInt32(12), to: &discarded)
    discarded += [UInt8](repeating: 0xff, count: 8)
    #expect(read(page(time + entry(one) + discarded + entry(other))).records == [one, other])
  }

  @Test("an end marker ends the page")
  func end() {
    #expect(read(page(entry(one) + [29, 0, 0, 0] + entry(other))).records == [one])
  }

  @Test("overwritten records are reported")
  func missed() {
    let seen = read(page(entry(one), missed: true))
    #expect(seen.records == [one])
    #expect(!seen.isWhole)
  }

  @Test("a truncated page is read up to the cut")
  func cut() {
    let whole = page(entry(one) + entry(other, isLong: true))
    for length in 0..<whole.count {
      let seen = read(Array(whole[..<length]))
      #expect(seen.records == [] || seen.records == [one])
    }
  }

  @Test("reading arbitrary bytes terminates")
  func anything() {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<500 {
      _ = read((0..<256).map { _ in UInt8.random(in: 0...255, using: &generator) })
    }
  }

  @Test("the offset of a field")
  func offsets() {
    let format = """
      name: kfree
      ID: 305
      format:
      \tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;

      \tfield:unsigned long call_site;\toffset:8;\tsize:8;\tsigned:0;
      \tfield:const void * ptr;\toffset:16;\tsize:8;\tsigned:0;

      print fmt: "call_site=%pS ptr=%p", (void *)REC->call_site, REC->ptr
      """
    #expect(TraceRecords.offset(of: "call_site", in: format) == 8)
    #expect(TraceRecords.offset(of: "ptr", in: format) == 16)
    #expect(TraceRecords.offset(of: "site", in: format) == nil)
  }
}

@Suite("Counts")
struct CountsTests {
  private func counts(_ objects: Int64, _ handles: Int64) -> Counts {
    var counts = Counts()
    counts.add("objects", objects)
    counts.add("handles", handles)
    return counts
  }

  @Test("equal numbers are equal, and a difference is reported by its name")
  func difference() {
    #expect(counts(1, 2) == counts(1, 2))
    #expect(counts(1, 2) != counts(1, 3))
    #expect(counts(1, 3).difference(from: counts(1, 2)) == "handles 3 instead of 2")
    #expect(counts(1, 2) != Counts())
  }

  @Test("numbers that settle are waited for, others not forever")
  func settled() {
    var number: Int64 = 3
    let seen = Counts.settled(at: counts(0, 0)) {
      number = max(0, number - 1)
      return counts(number, 0)
    }
    #expect(seen == counts(0, 0))
    #expect(Counts.settled(at: counts(0, 0)) { counts(1, 0) } == counts(1, 0))
  }
}
