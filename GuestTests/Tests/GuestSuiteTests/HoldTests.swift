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

  @Test func aLineMayComeInPieces() {
    let long = String(repeating: "x", count: 20_000)
    #expect(line(long + "\n", most: 32_768) == long)
    #expect(line(long + "\n", most: 20_000) == nil)
  }
}
