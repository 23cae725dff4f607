// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import GuestProtocol

@Suite struct SignatureTests {
  static let secret = GuestSecret(low: 0x0706_0504_0302_0100, high: 0x0f0e_0d0c_0b0a_0908)
  static let plan = KTAPWriter.plan(["a", "b"])
  static let one = KTAPWriter.result(TestResult(name: "a", status: .ok), number: 1)
  static let two = KTAPWriter.result(
    TestResult(name: "b", status: .ok, checks: [Check(name: "c", passed: true)]), number: 2)

  private static func signed(_ piece: String, _ number: Int, _ secret: GuestSecret = secret) -> String {
    piece + KTAPWriter.signature(piece, number: number, secret)
  }
  private func read(_ text: String) -> [GuestEvent] {
    var reader = KTAPReader(secret: Self.secret)
    return reader.read(text.utf8) + reader.finish()
  }
  private static let believed: [GuestEvent] = [
    .planned(["a", "b"]), .finished(TestResult(name: "a", status: .ok)),
    .finished(TestResult(name: "b", status: .ok, checks: [Check(name: "c", passed: true)])), .end(count: 2),
  ]
  private static let whole = signed(plan, 1) + signed(one, 2) + signed(two, 3) + signed(KTAPWriter.end(2), 4)

  /// The vectors of the authors' reference code: the key and the text are 0, 1, 2, and so on.
  @Test(
    arguments: [
      (0, 0x726f_db47_dd0e_0e31), (1, 0x74f8_39c5_93dc_67fd), (7, 0xab02_00f5_8b01_d137), (8, 0x93f5_f579_9a93_2462),
      (15, 0xa129_ca61_49be_45e5),
    ] as [(Int, UInt64)])
  func hash(_ row: (length: Int, value: UInt64)) {
    var hash = SipHash(key: Self.secret)
    for byte in 0..<row.length { hash.take(UInt8(byte)) }
    #expect(hash.finish() == row.value)
  }

  @Test func secretsAreReadBackAndNotTwoAreTheSame() {
    let secret = GuestSecret.random()
    #expect(GuestSecret(text: secret.text.utf8) == secret)
    #expect(secret != .random())
    #expect(GuestSecret(low: 1, high: 0).text == "0000000000000001" + "0000000000000000")
    for text in ["", "12", secret.text + "0", String(secret.text.dropLast()) + "G", secret.text.dropLast() + "\n"] {
      #expect(GuestSecret(text: text.utf8) == nil)
    }
  }

  @Test func ordersCarryTheSecretWhereItCanBeCutOff() {
    let options = GuestOptions(only: ["a/b"], testSeconds: 4)
    let line = Array(options.orders(Self.secret).utf8.dropLast())
    let cut = GuestSecret.cut(off: line)
    #expect(cut.secret == Self.secret)
    #expect(GuestOptions(commandLine: String(decoding: cut.options, as: UTF8.self)) == options)
    #expect(!String(decoding: cut.options, as: UTF8.self).contains("secret"))
    let plain = Array(options.orders().utf8.dropLast())
    #expect(GuestSecret.cut(off: plain).secret == nil)
    #expect(GuestSecret.cut(off: plain).options == plain[...])
  }

  @Test func whatIsSignedIsBelieved() { #expect(read(Self.whole) == Self.believed) }

  @Test func whoDoesNotAskForSignaturesReadsPastThem() {
    var reader = KTAPReader()
    #expect(reader.read(Self.whole.utf8) == Self.believed)
  }

  @Test func aStreamThatNobodySignedIsNotBelieved() {
    let text = Self.plan + Self.one + Self.two + KTAPWriter.end(2)
    #expect(read(text) == [.unsigned(lines: 11, first: "KTAP version 1")])
  }

  @Test func aWrongKeyIsNone() {
    let other = GuestSecret(low: 1, high: 2)
    for event in read(Self.signed(Self.plan, 1, other) + Self.signed(KTAPWriter.end(0), 2, other)) {
      guard case .unsigned = event else {
        Issue.record("\(event)")
        continue
      }
    }
  }

  @Test(
    "no byte of a piece or its signature can be changed",
    arguments: [plan, one, two].enumerated().map { ($0.offset, $0.element) })
  func changed(_ row: (Int, String)) {
    let piece = Array(Self.signed(row.1, 1).utf8)
    for index in piece.indices.dropLast() {
      var forged = piece
      forged[index] ^= 1
      var reader = KTAPReader(secret: Self.secret)
      for event in reader.read(forged) + reader.finish() {
        switch event {
        case .unsigned, .anomaly: break
        default: Issue.record("believed with byte \(index) changed: \(event)")
        }
      }
    }
  }

  @Test func aStrayLineBetweenTwoPiecesCostsNeither() {
    let text =
      Self.signed(Self.plan, 1) + Self.signed(Self.one, 2) + "not ok 2 b\nx\n" + Self.signed(Self.two, 3)
      + Self.signed(KTAPWriter.end(2), 4)
    var expected = Self.believed
    expected.insert(.unsigned(lines: 2, first: "not ok 2 b"), at: 2)
    #expect(read(text) == expected)
  }

  @Test func aStrayLineInsideAPieceCostsIt() {
    let lines = Self.signed(Self.two, 3).split(separator: "\n", omittingEmptySubsequences: true)
    let torn = (lines.prefix(2) + ["ok 2 b"] + lines.dropFirst(2)).joined(separator: "\n") + "\n"
    let events = read(Self.signed(Self.plan, 1) + Self.signed(Self.one, 2) + torn)
    #expect(events.count == 3)
    #expect(events.last == .unsigned(lines: 6, first: "    KTAP version 1"))
  }

  @Test func whatWasSaidIsNotSaidAgain() {
    let again = read(Self.signed(Self.plan, 1) + Self.signed(Self.one, 2) + Self.signed(Self.one, 2))
    #expect(again.last == .anomaly("a repeated or late piece: 2 after 2"))
    #expect(again.count == 3)
  }

  @Test func anotherOrderIsSeen() {
    let events = read(
      Self.signed(Self.plan, 1) + Self.signed(Self.two, 3) + Self.signed(Self.one, 2)
        + Self.signed(KTAPWriter.end(2), 4))
    #expect(events.contains(.anomaly("pieces 2 to 2 of the guest's output are lost")))
    #expect(events.contains(.anomaly("a repeated or late piece: 2 after 3")))
    #expect(events.contains(.anomaly("the guest claims 2 results, but 1 arrived")))
  }

  @Test func whatIsSignedAndContradictsThePlanIsAnAnomalyAsBefore() {
    let events = read(
      Self.signed(Self.plan, 1) + Self.signed("ok 7 z\n", 2) + Self.signed(Self.one, 3) + Self.signed(Self.one, 4))
    #expect(events.contains(.anomaly("a result that was not planned: 7 z")))
    #expect(events.contains(.anomaly("a second result for a")))
  }

  @Test func aLostTailInventsNothing() {
    let stream = Array(Self.whole.utf8)
    for count in stream.indices {
      var reader = KTAPReader(secret: Self.secret)
      let events = reader.read(stream[..<count])
      #expect(events == Array(Self.believed.prefix(events.count)))
    }
  }

  @Test func carriageReturnsAndPiecesOfAnySizeDoNotMatter() {
    #expect(read(Self.whole.split(separator: "\n").joined(separator: "\r\n") + "\r\n") == Self.believed)
    var reader = KTAPReader(secret: Self.secret)
    var events: [GuestEvent] = []
    for byte in Self.whole.utf8 { events += reader.read([byte]) }
    #expect(events == Self.believed)
  }

  @Test func whatNobodySignsFillsNoMemory() {
    var reader = KTAPReader(secret: Self.secret)
    let events = reader.read(String(repeating: "x\n", count: Signatures.mostWaiting * 2 + 1).utf8)
    #expect(
      events == [
        .unsigned(lines: Signatures.mostWaiting, first: "x"), .unsigned(lines: Signatures.mostWaiting, first: "x"),
      ])
    #expect(reader.finish() == [.unsigned(lines: 1, first: "x")])
  }

  @Test(arguments: [
    "", "1", "1 1", "1 1 zz", "x 1 0123456789abcdef", "1 -1 0123456789abcdef",
    "1 99999999999999999999 0123456789abcdef",
    "1 2 0123456789abcdef", "0 0 0123456789abcdef", "1 1 0123456789abcdef 1", "1 1 0123456789abcde",
  ])
  func whatIsNoSignatureSignsNothing(_ words: String) {
    let events = read("ok 1 a\n# patchbench: signed \(words)\n")
    #expect(events == [.unsigned(lines: 2, first: "ok 1 a")])
  }
}
