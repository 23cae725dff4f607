// SPDX-License-Identifier: Apache-2.0

import GuestProtocol
import Testing

@testable import GuestSuite

@Suite("What checks show of a value, which Embedded Swift cannot find out by itself")
struct ShownTests {
  @Test("a value is shown as ordinary Swift prints it")
  func likeSwift() {
    #expect(3.shown == "\(3)")
    #expect(UInt64.max.shown == "\(UInt64.max)")
    #expect(true.shown == "\(true)")
    #expect("a \"b\"\n".shown == "a \"b\"\n")
    #expect((0..<3).shown == String(describing: 0..<3))
    let texts = ["a", "b \"c\"\n", "é"]
    #expect(texts.shown == String(describing: texts))
    #expect("\(texts)" == String(describing: texts))
    #expect([[1, 2], []].shown == String(describing: [[1, 2], []]))
    #expect([String]().shown == "[]")
  }

  @Test("a text holds another one wherever it is")
  func holds() {
    #expect("abc".holds("abc"))
    #expect("abc".holds("a"))
    #expect("abc".holds("bc"))
    #expect(!"abc".holds("ac"))
    #expect(!"abc".holds("abcd"))
    #expect(!"".holds("a"))
  }

  @Test("the words that started the process are its arguments")
  func arguments() {
    #expect(GuestCommand.arguments == CommandLine.arguments)
  }
}
