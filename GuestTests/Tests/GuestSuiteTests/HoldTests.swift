// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing

@testable import GuestSuite

@Suite struct HoldTests {
  /// Returns what is read from a pipe after this text was written to it and it was closed.
  private func line(_ text: String, most: Int) -> String? {
    var ends: [Int32] = [-1, -1]
    #expect(pipe(&ends) == 0)
    let writer = OpenFile(number: ends[1])
    writer.write(text)
    writer.close()
    defer { close(ends[0]) }
    return Hold.line(from: OpenFile(number: ends[0]), most: most).map { String(decoding: $0, as: UTF8.self) }
  }

  @Test(
    arguments: [
      ("a b\n", 64, "a b"), ("\n", 64, ""), ("a\nb\n", 64, "a"), ("a b\n", 4, "a b"), ("a b\n", 3, nil), ("", 64, nil),
      ("a b", 64, nil),
    ] as [(String, Int, String?)])
  func onlyAWholeLineOfBoundedLengthIsTaken(_ row: (text: String, most: Int, line: String?)) {
    #expect(line(row.text, most: row.most) == row.line)
  }

  /// A FIFO without a writer reads like a port whose host's end is not open yet.
  @Test func theHostsEndMayOpenLate() async throws {
    var folder = Array("/tmp/patchbench-hold-XXXXXX".utf8CString)
    try #require(mkdtemp(&folder) != nil)
    let root = String(decoding: folder.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let path = root + "/orders"
    defer {
      unlink(path)
      rmdir(root)
    }
    try #require(mkfifo(path, 0o600) == 0)
    let reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    try #require(reader >= 0)
    defer { close(reader) }
    try #require(fcntl(reader, F_SETFL, 0) == 0)
    #expect(Hold.line(from: OpenFile(number: reader), most: 64) == nil)
    #expect(Hold.line(from: OpenFile(number: reader), most: 64, looks: 2) == nil)
    let host = Task.detached {
      usleep(120_000)
      let writer = try OpenFile(path, flags: O_WRONLY)
      writer.write("a b\n")
      writer.close()
    }
    let line = Hold.line(from: OpenFile(number: reader), most: 64, looks: 200)
    #expect(line.map { String(decoding: $0, as: UTF8.self) } == "a b")
    try await host.value
  }

  @Test func aLineMayComeInPieces() {
    let long = String(repeating: "x", count: 20_000)
    #expect(line(long + "\n", most: 32_768) == long)
    #expect(line(long + "\n", most: 20_000) == nil)
  }
}
