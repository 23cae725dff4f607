// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import GuestProtocol

@Suite struct KTAPTests {
  @Test func countsAreReadBackAndWhatIsNoneIsAnAnomaly() {
    let plan = KTAPWriter.plan(["a/b"])
    #expect(
      read(plan + KTAPWriter.ran("f.isra.0", count: 3, number: 1) + KTAPWriter.notCounted("no # tracefs"))
        == [.planned(["a/b"]), .ran(function: "f.isra.0", test: "a/b", count: 3), .notCounted("no # tracefs")])
    for bad in ["ran 2 1 f", "ran 0 1 f", "ran 1 0 f", "ran 1 -1 f", "ran 1 99999999999999999999 f", "ran 1 5"] {
      let events = read(plan + "# patchbench: \(bad)\n").dropFirst()
      #expect(events.allSatisfy { if case .anomaly = $0 { true } else { false } }, "\(bad)")
    }
  }

  @Test func whatIsNotCountedAnyMoreIsReadBack() {
    let text = KTAPWriter.enough([3, 0, 12]) + KTAPWriter.untraceable("f.cold")
    #expect(
      read(text) == [.enough(probe: 3), .enough(probe: 0), .enough(probe: 12), .untraceable(function: "f.cold")])
    #expect(KTAPWriter.enough([]) == "")
    // As many lines as needed.
    #expect(read(KTAPWriter.enough(Array(0..<2000))) == (0..<2000).map { .enough(probe: $0) })
    for bad in ["enough x", "enough -1"] {
      #expect(read("# patchbench: \(bad)\n").allSatisfy { if case .anomaly = $0 { true } else { false } }, "\(bad)")
    }
  }

  @Test func whatIsToBeCountedIsReadBack() {
    let request = TraceRequest(
      [
        TraceRequest.Function(TraceRequest.Place(0xffff_ffff_8100_0010), name: "dma_buf_mmap"),
        TraceRequest.Function(TraceRequest.Place(0x40, driverSection: ".text"), name: "pbtest_move"),
      ],
      probes: [
        TraceRequest.Probe(TraceRequest.Place(0xffff_ffff_8100_1234)),
        TraceRequest.Probe(TraceRequest.Place(0x20, driverSection: ".text.unlikely")),
        TraceRequest.Probe(
          TraceRequest.Place(0xffff_ffff_8100_1238), test: TraceRequest.Probe.Test(bits: [6, 7], table: 0b1010)),
        TraceRequest.Probe(
          TraceRequest.Place(0xffff_ffc0_8100_1238),
          test: TraceRequest.Probe.Test(.init(3, width: 64), bits: [5], table: 2)),
        TraceRequest.Probe(
          TraceRequest.Place(0xffff_ffc0_8100_123c),
          test: TraceRequest.Probe.Test(.init(0, width: 32), bits: [], table: 1)),
      ], all: true)
    #expect(TraceRequest(text: request.text) == request)
    #expect(TraceRequest(text: "") == TraceRequest())
    #expect(
      TraceRequest(
        text:
          "@\n@ x\n@ 0x10 6\n@ 0x10 64 0x1\n@ 0x10 6,x\n@ +\n@ 0x10 r3 0x1\n@ 0x10 r64/8 0x1\n@ 0x10 r3/65 0x1\n@ 0x10 r3/8:x 0x1\n"
      ).probes == [])
    #expect(TraceRequest(text: "f\nf 0x10\nf 10 g\nf x g\nf 0x10 g h\n3 f\n\n").functions == [])
  }

  @Test func whatAsksForTheDesignIsReadBack() {
    let checks =
      Design.allCases.map { Check(name: "by \($0)", passed: true, design: $0) } + [Check(name: "must", passed: false)]
    let result = TestResult(name: "a/b", status: .notOk, checks: checks)
    let text = KTAPWriter.plan(["a/b"]) + KTAPWriter.start(1) + KTAPWriter.result(result, number: 1)
    #expect(read(text).last == .finished(result))
    // A word that is none makes the check one that must hold.
    let odd = text.replacing("# patchbench: design offset\n", with: "# patchbench: design of\n")
    guard case .finished(let seen)? = read(odd).last else { return #expect(Bool(false)) }
    #expect(seen.checks.map(\.design) == Design.allCases.map { $0 == .offset ? nil : $0 } + [nil])
  }

  @Test func readsItsOwnDocumentation() {
    let text = """
      KTAP version 1
      1..2
      # patchbench: protocol 2
      # patchbench: planned 1 forward/virtio_gpu-to-vgem/three-aliases
      # patchbench: planned 2 access/vgem/no-handle
      # patchbench: start 1
          KTAP version 1
          1..2
          # patchbench: design file
          ok 1 chardev: vm_file
          not ok 2 dma-buf: first byte # 0x00, expected 0x5a
      not ok 1 forward/virtio_gpu-to-vgem/three-aliases
      # patchbench: ran 1 12 dma_buf_mmap
      # patchbench: start 2
      ok 2 access/vgem/no-handle # SKIP no vgem here
      # patchbench: end 2

      """
    let first = "forward/virtio_gpu-to-vgem/three-aliases"
    let second = "access/vgem/no-handle"
    #expect(
      read(text) == [
        .planned([first, second]), .started(first),
        .finished(
          TestResult(
            name: first, status: .notOk,
            checks: [
              Check(name: "chardev: vm_file", passed: true, design: .file),
              Check(name: "dma-buf: first byte", passed: false, detail: "0x00, expected 0x5a"),
            ])),
        .ran(function: "dma_buf_mmap", test: first, count: 12), .started(second),
        .finished(TestResult(name: second, status: .skip, reason: "no vgem here")), .end(count: 2),
      ])
  }

  /// Text that has a meaning somewhere on the way: to KTAP, to the reader, or to Unicode.
  private static let nasty = [
    "plain", "a # b", "a \\# b", "\\", "#", "# SKIP x", "SKIP", "skip this", "TIMEOUT", "error reading it", "ERROR",
    "- dash",
    "-", " leading", "two  spaces", "\u{301}mark", "#\u{301}", "a\\\u{301}b", "ok 1 x", "1..2", "é", "👩‍👩‍👧", "'\"",
  ]

  @Test(arguments: nasty, [TestStatus.ok, .notOk, .skip, .timeout, .crash])
  func roundTrip(_ text: String, _ status: TestStatus) {
    let reason = status == .ok ? "" : text.trimmingLeadingSpaces
    let result = TestResult(
      name: text, status: status, reason: reason,
      checks: status == .ok || status == .notOk
        ? [Check(name: text, passed: true, detail: text.trimmingLeadingSpaces)] : [])
    let stream =
      KTAPWriter.plan([text]) + KTAPWriter.start(1) + KTAPWriter.result(result, number: 1) + KTAPWriter.end(1)
    #expect(read(stream) == [.planned([text]), .started(text), .finished(result), .end(count: 1)])
  }

  @Test func controlCharactersBecomeSpaces() {
    let result = TestResult(name: "a/b", status: .notOk, reason: "one\ntwo\u{1b}three")
    let events = read(KTAPWriter.plan(["a/b"]) + KTAPWriter.result(result, number: 1))
    #expect(events.last == .finished(TestResult(name: "a/b", status: .notOk, reason: "one two three")))
  }

  @Test func longTextIsCutByTheWriterAndNotByTheReader() {
    let long = String(repeating: "\\", count: 5000)
    let check = Check(name: long, passed: true, detail: long)
    let stream =
      KTAPWriter.plan(["a"]) + KTAPWriter.result(TestResult(name: "a", status: .ok, checks: [check]), number: 1)
    let events = read(stream)
    #expect(!events.contains { if case .anomaly = $0 { true } else { false } })
    guard case .finished(let result) = events.last else {
      Issue.record("no result: \(events)")
      return
    }
    #expect(result.checks.first?.name.hasSuffix("…") == true)
  }

  @Test(arguments: [1, 2, 5, 64])
  func piecesDoNotMatter(_ size: Int) {
    let stream = Array(
      (KTAPWriter.plan(["a", "é"]) + KTAPWriter.result(TestResult(name: "é", status: .crash, reason: "11"), number: 2)
        + KTAPWriter.end(1)).utf8)
    var reader = KTAPReader()
    var events: [GuestEvent] = []
    for start in stride(from: 0, to: stream.count, by: size) {
      events += reader.read(stream[start..<min(start + size, stream.count)])
    }
    #expect(
      events == [
        .planned(["a", "é"]), .finished(TestResult(name: "é", status: .crash, reason: "11")), .end(count: 1),
      ])
  }

  @Test func carriageReturnsCarryNothing() {
    let plain = KTAPWriter.plan(["a"]) + KTAPWriter.end(0)
    #expect(read(plain.split(separator: "\n").joined(separator: "\r\n") + "\r\n") == read(plain))
  }

  @Test func anEmptyPlanIsAPlan() {
    #expect(read(KTAPWriter.plan([]) + KTAPWriter.end(0)) == [.planned([]), .end(count: 0)])
  }

  @Test(arguments: [
    "ok 3 c", "ok 1 b", "ok 1 a\nok 1 a", "# patchbench: start 3", "# patchbench: start 0", "# patchbench: start x",
    "# patchbench: planned 3 c", "# patchbench: end 1", "# patchbench: end x", "1..2", "hello", "ok x a",
    "    not ok 1 c\nok 1 a", "# patchbench: end 0\nmore", "# patchbench: protocol 1",
  ])
  func contradictionsAreAnomalies(_ line: String) {
    let events = read(KTAPWriter.plan(["a", "b"]) + line + "\n")
    #expect(events.contains { if case .anomaly = $0 { true } else { false } })
  }

  @Test(arguments: [
    "# anything", "# patchbench: newer than us", "KTAP version 1", "    # a note", "        ok 1 deep", "",
  ])
  func whatIsNotKnownIsPassedOver(_ line: String) {
    #expect(read(KTAPWriter.plan(["a"]) + line + "\n") == [.planned(["a"])])
  }

  @Test(arguments: [
    "1..99999\n", "1..-1\n", "1..x\n", "# patchbench: planned 1 a\n", "1..1\n# patchbench: planned 1 \n",
  ])
  func unusablePlans(_ text: String) {
    let events = read("KTAP version 1\n" + text)
    #expect(events.contains { if case .anomaly = $0 { true } else { false } })
    #expect(!events.contains { if case .planned = $0 { true } else { false } })
  }

  @Test func aPlanMustNotNameATestTwice() {
    #expect(read(KTAPWriter.plan(["a", "a"])) == [.anomaly("the plan names a test twice"), .planned(["a", "a"])])
  }

  @Test func linesAreBounded() {
    let events = read(String(repeating: "x", count: KTAPReader.longestLine + 1) + "\n")
    #expect(events.first == .anomaly("a line longer than \(KTAPReader.longestLine) bytes was cut"))
  }

  @Test func checksAreBounded() {
    var text = KTAPWriter.plan(["a"])
    for number in 1...(KTAPReader.mostChecks + 2) { text += "    ok \(number) c\n" }
    let events = read(text + "ok 1 a\n")
    let anomalies = events.filter { if case .anomaly = $0 { true } else { false } }
    #expect(anomalies.count == 1)
    guard case .finished(let result) = events.last else {
      Issue.record("no result")
      return
    }
    #expect(result.checks.count == KTAPReader.mostChecks)
  }

  @Test func invalidBytesAreReplaced() {
    var reader = KTAPReader()
    let events = reader.read([0xff, 0xfe, 0x0a])
    #expect(events == [.anomaly("not KTAP: \u{fffd}\u{fffd}")])
  }

  /// Every prefix of a stream is a truncated stream: only what is there may come out of it.
  @Test func aLostTailInventsNothing() {
    let stream = Array(
      (KTAPWriter.plan(["a", "b"]) + KTAPWriter.start(1)
        + KTAPWriter.result(TestResult(name: "a", status: .ok, checks: [Check(name: "c", passed: true)]), number: 1)
        + KTAPWriter.end(1)).utf8)
    var whole = KTAPReader()
    let all = whole.read(stream)
    for count in stream.indices {
      var reader = KTAPReader()
      let events = reader.read(stream[..<count])
      #expect(events == Array(all.prefix(events.count)))
    }
  }

  private func read(_ text: String) -> [GuestEvent] {
    var reader = KTAPReader()
    return reader.read(text.utf8)
  }
}

extension String {
  fileprivate var trimmingLeadingSpaces: String {
    String(decoding: utf8.drop { $0 == UInt8(ascii: " ") }, as: UTF8.self)
  }
}
