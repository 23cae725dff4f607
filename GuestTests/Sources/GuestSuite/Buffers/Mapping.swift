// SPDX-License-Identifier: Apache-2.0

internal import CGuest
internal import CLibc

let pageSize = 4096

/// An offset in the format of maps and the kernel's sources.
func hex(_ number: UInt64) -> String { "0x" + String(number, radix: 16) }

/// One alias of a buffer: a mapping, and its name in checks. Like a file, it is unmapped only explicitly.
struct Mapping {
  let name: String
  let address: UnsafeMutableRawPointer
  let pages: Int

  var start: UInt64 { UInt64(UInt(bitPattern: address)) }

  init(
    _ name: String, of file: OpenFile, offset: UInt64, pages: Int, flags: Int32 = MAP_SHARED
  ) throws(Failure) {
    let (address, code) = Self.map(file, offset: offset, pages: pages, flags: flags)
    guard let address else { throw .call("mmap of \(name)", code: code) }
    self.init(name, at: address, pages: pages)
  }

  init(_ name: String, at address: UnsafeMutableRawPointer, pages: Int) {
    self.name = name
    self.address = address
    self.pages = pages
  }

  /// The errno of a mapping that should be refused; 0, with nothing left mapped, if it is not.
  static func refusal(
    of file: OpenFile, offset: UInt64, pages: Int, flags: Int32 = MAP_SHARED
  ) -> Int32 {
    let (address, code) = map(file, offset: offset, pages: pages, flags: flags)
    if let address { munmap(address, pages * pageSize) }
    return code
  }

  private static func map(
    _ file: OpenFile, offset: UInt64, pages: Int, flags: Int32 = MAP_SHARED
  ) -> (UnsafeMutableRawPointer?, Int32) {
    let address = mmap(
      nil, pages * pageSize, PROT_READ | PROT_WRITE, flags, file.number, off_t(truncatingIfNeeded: offset))
    return address == MAP_FAILED ? (nil, errno) : (address, 0)
  }

  func unmap() { munmap(address, pages * pageSize) }

  /// Unmaps some pages, which splits the mapping if they are inside it.
  func unmap(page: Int, count: Int) { munmap(address + page * pageSize, count * pageSize) }

  func touch(page: Int) -> cguest_touch { cguest_touch(address + page * pageSize) }

  func byte(page: Int, at offset: Int = 0) -> UInt8 { cguest_peek(address + page * pageSize + offset) }

  func set(_ value: UInt8, page: Int, at offset: Int = 0) { cguest_poke(address + page * pageSize + offset, value) }

  /// The kernel's entry for this mapping in maps.
  func mapsEntry() throws(Failure) -> MapsEntry? {
    MapsEntry.holding(start, in: try readText("/proc/self/maps"))
  }

  /// The kernel's entries for what is left of this mapping. Where nothing is left, anonymous memory has no name.
  func mapsEntries() throws(Failure) -> [MapsEntry] {
    let end = start + UInt64(pages * pageSize)
    return MapsEntry.all(in: try readText("/proc/self/maps")).filter {
      start <= $0.start && $0.start < end && !$0.path.isEmpty
    }
  }

  /// The name of this mapping in `/proc/self/map_files`.
  var mapFile: String {
    "/proc/self/map_files/\(String(start, radix: 16))-\(String(start + UInt64(pages * pageSize), radix: 16))"
  }
}
