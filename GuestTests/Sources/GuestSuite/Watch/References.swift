// SPDX-License-Identifier: Apache-2.0

internal import CLibc
internal import GuestProtocol

/// The references to a dma-buf's file: the oracle for a `get_file()` or `fput()` too many or too few, which KASAN
/// does not see because file structs are freed type-safely by RCU.
///
/// No wait is needed before a count is read: the last `fput()` of a call is task work, which runs before that call
/// returns to user space.
enum References {
  static let bufinfo = "/sys/kernel/debug/dma_buf/bufinfo"

  /// The count of one dma-buf, or nil once the kernel has let it go.
  static func count(inode: UInt64) throws(Failure) -> Int? {
    do {
      return BufInfo.parse(try readText(bufinfo)).first { $0.inode == inode }?.count
    } catch {
      throw error.code == ENOENT ? .skip("this kernel has no \(bufinfo) (CONFIG_DEBUG_FS)") : error
    }
  }

  /// The count as the descriptor itself tells it.
  static func count(descriptor file: OpenFile) throws(Failure) -> Int? {
    fdinfoNumber("count", in: try readText("/proc/self/fdinfo/\(file.number)"))
  }
}

extension Recorder {
  /// Checks the exact count of a dma-buf; nil means that it must be gone. Nothing may be left of a mapping that is gone.
  func references(_ inode: UInt64, _ expected: Int?, _ name: String) throws(Failure) {
    try references(inode, expected, name, by: nil)
  }

  /// The same while something is mapped. Which file keeps the buffer for a mapping is a matter of design.
  func held(_ inode: UInt64, _ expected: Int?, _ name: String) throws(Failure) {
    try references(inode, expected, name, by: .reference)
  }

  private func references(_ inode: UInt64, _ expected: Int?, _ name: String, by design: Design?) throws(Failure) {
    let seen = try References.count(inode: inode)
    let words = { (count: Int?) in count.map { "\($0)" } ?? "gone" }
    expect(
      seen == expected, name, by: design,
      seen == expected ? words(seen) : "\(words(seen)), expected \(words(expected))")
  }
}
