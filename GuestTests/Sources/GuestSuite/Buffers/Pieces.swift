// SPDX-License-Identifier: Apache-2.0

internal import CGuest
internal import CLibc
internal import GuestProtocol

extension Mapping {
  /// The first byte of a page, or the signal that the access raised.
  func tryByte(page: Int) -> String {
    var value: UInt8 = 0
    let signal = cguest_try_read(address + page * pageSize, &value)
    return signal == 0 ? "\(value)" : signalName(signal)
  }

  /// `written`, or the signal that the access raised.
  func trySet(_ value: UInt8, page: Int) -> String {
    let signal = cguest_try_write(address + page * pageSize, value)
    return signal == 0 ? "written" : signalName(signal)
  }

  /// Marks every page with its own number, counted from 1.
  func mark() { for page in 0..<pages { set(Self.mark(of: page), page: page) } }

  static func mark(of page: Int) -> UInt8 { UInt8(1 + page) }

  /// Changes the protection of some pages.
  func protect(_ range: Range<Int>, _ protection: Int32) -> String {
    errnoWord(mprotect(address + range.lowerBound * pageSize, range.count * pageSize, protection))
  }
}

/// `ok`, or the errno of a call that returned -1.
func errnoWord(_ answer: Int32) -> String { answer < 0 ? errnoName(errno) : "ok" }

/// Reserves addresses, so that nothing else is mapped there, to map over them.
func reserveAddresses(pages: Int) throws(Failure) -> UnsafeMutableRawPointer {
  let address = mmap(nil, pages * pageSize, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
  guard let address, address != MAP_FAILED else { throw .call("reserve addresses") }
  return address
}

/// The mappings of one dma-buf in this process, from maps.
func mappings(ofDmabuf inode: UInt64) throws(Failure) -> [MapsEntry] {
  MapsEntry.all(in: try readText("/proc/self/maps")).filter { $0.inode == inode && $0.path.hasPrefix("/dmabuf:") }
}

extension Recorder {
  /// Checks what is left of a mapping after a step that changed its shape:
  /// - its pages are those expected, each with its own mark, and the offsets of its VMAs agree with each other;
  /// - by design, every VMA of it is at the offset of its own first page, and the dma-buf's file has one reference for
  ///   each VMA.
  ///
  /// The number of VMAs is the kernel's choice: it may merge what it split.
  /// - Parameters:
  ///   - base: the references without any mapping.
  ///   - elsewhere: VMAs of this dma-buf at other addresses.
  func pieces(
    of whole: Mapping, _ shared: SharedBuffer, are expected: [Range<Int>], base: Int, elsewhere: Int = 0, _ step: String
  ) throws(Failure) {
    let end = whole.start + UInt64(whole.pages * pageSize)
    // Whatever it is linked to.
    let mine = try whole.mapsEntries()
    let linked = try mappings(ofDmabuf: shared.inode)
    var ranges: [Range<Int>] = []
    for entry in mine {
      let range = Int((entry.start - whole.start) / 4096)..<Int((entry.end - whole.start) / 4096)
      if let last = ranges.last, last.upperBound == range.lowerBound {
        ranges[ranges.count - 1] = last.lowerBound..<range.upperBound
      } else {
        ranges.append(range)
      }
    }
    equal(ranges, expected, "\(step): the pages that are mapped")
    let begins = Set(mine.map { $0.offset &- ($0.start - whole.start) })
    expect(begins.count < 2, "\(step): the offsets of its VMAs agree", begins.map(hex).sorted().joined(separator: ", "))
    let astray = mine.filter { $0.offset != shared.exported.canonicalOffset + ($0.start - whole.start) }
    equal(astray.map { hex($0.offset) }, [], "\(step): VMAs at an offset not their own", by: .offset)
    let wrong = expected.joined().filter { whole.tryByte(page: $0) != "\(Mapping.mark(of: $0))" }
    equal(wrong, [], "\(step): pages without their own mark")
    let away = linked.count { $0.start < whole.start || end <= $0.start }
    equal(away, elsewhere, "\(step): VMAs elsewhere", by: .file)
    try held(shared.inode, base + linked.count, "\(step): one reference for each VMA")
  }
}
