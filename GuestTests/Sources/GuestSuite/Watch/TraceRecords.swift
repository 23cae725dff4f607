// SPDX-License-Identifier: Apache-2.0

/// One of the tracer's records of memory that was allocated or freed.
struct MemoryRecord: Hashable {
  /// The number of the event, which identifies its kind.
  var event: UInt16
  /// The task that was running.
  var task: Int32
  /// The caller of the allocator.
  var site: UInt64
  var address: UInt64
}

/// Reads the tracer's raw pages (`kernel/trace/ring_buffer.c`). In text format the kernel would print a symbol for each
/// of tens of thousands of records, which takes an emulated guest seconds.
enum TraceRecords {
  /// The offsets of the fields, the same in all four events.
  static let site = 8
  static let address = 16

  /// Calls `record` for each record of one page.
  /// - Returns: whether no records are missing before it.
  static func read(_ page: UnsafeRawBufferPointer, _ record: (MemoryRecord) -> Void) -> Bool {
    guard page.count >= 16 else { return true }
    // A timestamp, then how much of the page is in use. The upper bits say whether records were overwritten.
    let state = page.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
    let end = min(page.count, 16 + Int(state & 0xfffff))
    var place = 16
    while place + 4 <= end {
      let head = page.loadUnaligned(fromByteOffset: place, as: UInt32.self)
      let kind = Int(head & 0x1f)
      let data: Int
      let length: Int
      switch kind {
      case 29 where head >> 5 == 0: return state & missed == 0
      case 0, 29:
        guard place + 8 <= end else { return state & missed == 0 }
        // The length includes itself, but not the head.
        length = Int(page.loadUnaligned(fromByteOffset: place + 4, as: UInt32.self))
        data = place + 8
      case 30, 31:
        place += 8
        continue
      default:
        length = 4 * kind
        data = place + 4
      }
      let next = place + 4 + length
      guard next > place, next <= end else { return state & missed == 0 }
      if kind != 29, next - data >= address + 8 {
        record(
          MemoryRecord(
            event: page.loadUnaligned(fromByteOffset: data, as: UInt16.self),
            task: page.loadUnaligned(fromByteOffset: data + 4, as: Int32.self),
            site: page.loadUnaligned(fromByteOffset: data + site, as: UInt64.self),
            address: page.loadUnaligned(fromByteOffset: data + address, as: UInt64.self)))
      }
      place = next
    }
    return state & missed == 0
  }

  private static let missed: UInt64 = 1 << 31

  /// The place of a field in an event's `format`, where a line reads `field:const void * ptr;	offset:16;	size:8;`.
  static func offset(of field: String, in format: String) -> Int? {
    for line in format.split(separator: "\n") {
      let parts = line.split(separator: ";").map { $0.drop { $0 == "\t" || $0 == " " } }
      guard parts.count >= 2, parts[0].hasPrefix("field:"), parts[0].hasSuffix(" \(field)"),
        parts[1].hasPrefix("offset:")
      else { continue }
      return Int(parts[1].dropFirst("offset:".count))
    }
    return nil
  }
}
