// SPDX-License-Identifier: Apache-2.0

internal import CLibc

/// An open file. It is closed only explicitly: reference counts are what is measured here, so no file may be closed by
/// chance when a variable goes out of scope.
struct OpenFile: Sendable, Hashable {
  let number: Int32

  init(number: Int32) { self.number = number }

  init(_ path: String, flags: Int32 = O_RDWR) throws(Failure) {
    number = open(path, flags | O_CLOEXEC)
    if number < 0 { throw .call("open of \(path)") }
  }

  func close() { _ = CLibc.close(number) }

  /// The inode number, by which the kernel's texts identify a dma-buf.
  func inode() throws(Failure) -> UInt64 {
    var status = stat()
    if fstat(number, &status) < 0 { throw .call("fstat") }
    return UInt64(status.st_ino)
  }

  /// Writes all of it. Returns false if the other side takes no more.
  @discardableResult
  func write(_ text: String) -> Bool {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { CLibc.write(number, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      if count <= 0 { return false }
      rest = rest.dropFirst(count)
    }
    return true
  }
}

/// Reads a whole file of /proc, /sys or debugfs, which report no size.
func readText(_ path: String) throws(Failure) -> String { String(decoding: try readBytes(path), as: UTF8.self) }

/// The same, as bytes.
func readBytes(_ path: String) throws(Failure) -> [UInt8] {
  let file = try OpenFile(path, flags: O_RDONLY)
  defer { file.close() }
  var bytes: [UInt8] = []
  while true {
    // Filled by the kernel alone: zeroing it first would fault in each of its pages.
    var answer = 0
    let piece = [UInt8](unsafeUninitializedCapacity: 65536) { space, count in
      answer = read(file.number, space.baseAddress, space.count)
      count = max(0, answer)
    }
    if answer < 0, errno == EINTR { continue }
    if answer < 0 { throw .call("read of \(path)") }
    if answer == 0 { return bytes }
    if bytes.isEmpty { bytes = piece } else { bytes += piece }
  }
}

/// Writes a short text to a file of /proc or /sys in one call.
func writeText(_ text: String, to path: String) throws(Failure) {
  let file = try OpenFile(path, flags: O_WRONLY)
  defer { file.close() }
  if CLibc.write(file.number, text, text.utf8.count) != text.utf8.count { throw .call("write to \(path)") }
}

/// The names in a folder, sorted so that the kernel's order does not matter; none if there is no such folder.
func names(in folder: String) -> [String] {
  guard let handle = opendir(folder) else { return [] }
  defer { closedir(handle) }
  var list: [String] = []
  while let entry = readdir(handle) {
    let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    if name != ".", name != ".." { list.append(name) }
  }
  return list.sorted()
}

/// The target of a symbolic link.
func target(ofLink path: String) throws(Failure) -> String {
  var bytes = [UInt8](repeating: 0, count: 4096)
  let count = bytes.withUnsafeMutableBytes { space in
    space.withMemoryRebound(to: CChar.self) { $0.baseAddress.map { readlink(path, $0, space.count) } ?? -1 }
  }
  if count < 0 { throw .call("readlink of \(path)") }
  return String(decoding: bytes[..<count], as: UTF8.self)
}
