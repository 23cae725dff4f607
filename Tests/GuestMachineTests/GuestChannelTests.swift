// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage
import TestSupport
import Testing

@testable import GuestMachine

@Suite struct GuestChannelTests {
  let scratch: Scratch
  let pipe: GuestPipe
  let file: FilePath
  /// QEMU's end.
  let guest: FileDescriptor

  init() throws {
    scratch = try Scratch()
    pipe = GuestPipe(name: scratch.path.appending("console"))
    file = scratch.path.appending("console.log")
    try pipe.make()
    guest = try FileDescriptor.open(pipe.output, .readWrite, options: .nonBlocking)
  }

  private func channel(_ output: GuestOutput = .console, appending: Bool = false, most: Int) throws -> GuestChannel {
    try GuestChannel(output, from: pipe, to: file, appending: appending, most: most)
  }

  private var kept: String { get throws { try String(contentsOfFile: file.string, encoding: .utf8) } }

  /// Takes everything available, and finishes.
  private func signals(_ channel: consuming GuestChannel) -> [MachineSignal] {
    var list: [MachineSignal] = []
    var channel = channel
    channel.finish { list.append($0) }
    return list
  }

  @Test func whatComesIsKeptAndHeard() throws {
    var channel = try channel(most: 100)
    var heard: [MachineSignal] = []
    #expect(!channel.take { heard.append($0) })
    _ = try guest.writeAll("one\n".utf8)
    _ = channel.take { heard.append($0) }
    #expect(try kept == "one\n")
    _ = try guest.writeAll("two".utf8)
    channel.finish { heard.append($0) }
    #expect(heard == [.console(Array("one\n".utf8)), .console(Array("two".utf8))])
    #expect(try kept == "one\ntwo")
  }

  @Test func whatIsTooMuchIsCutCountedAndSaid() throws {
    var channel = try channel(.results, most: 10)
    var heard: [MachineSignal] = []
    _ = try guest.writeAll("0123456789abc".utf8)
    _ = channel.take { heard.append($0) }
    _ = try guest.writeAll("more".utf8)
    channel.finish { heard.append($0) }
    #expect(
      heard == [.results(Array("0123456789".utf8)), .cut(.results, bytes: 3), .cut(.results, bytes: 4)])
    #expect(try kept == "0123456789\n# patchbench: cut here; 7 more bytes followed\n")
  }

  @Test func exactlyWhatIsKeptIsNotCut() throws {
    let channel = try channel(most: 4)
    _ = try guest.writeAll("abc\n".utf8)
    #expect(signals(channel) == [.console(Array("abc\n".utf8))])
    #expect(try kept == "abc\n")
  }

  @Test func whatWasThereStays() throws {
    try Data("before\n".utf8).write(to: URL(filePath: file.string))
    let channel = try channel(appending: true, most: 100)
    _ = try guest.writeAll("after\n".utf8)
    #expect(signals(channel) == [.console(Array("after\n".utf8))])
    #expect(try kept == "before\nafter\n")
  }

  @Test func aWholeConsoleFitsIntoTheFIFO() throws {
    // A guest whose output is not read for a while must not notice: one byte at a time, as a serial line writes them.
    let channel = try channel(most: 1 << 20)
    for _ in 0..<300_000 { #expect(try guest.writeAll("x".utf8) == 1) }
    let bytes = signals(channel).reduce(0) { if case .console(let bytes) = $1 { $0 + bytes.count } else { $0 } }
    #expect(bytes == 300_000)
  }

  @Test func oneLookIsBoundedHoweverMuchComes() async throws {
    var channel = try channel(most: 1)
    let piece = [UInt8](repeating: 0x78, count: 4096)
    let flood = Task.detached { [guest] in
      while !Task.isCancelled { if (try? guest.writeAll(piece)) == nil { await Task.yield() } }
    }
    var cut = 0
    // On a busy machine the flood may begin late.
    for _ in 0..<200 where cut == 0 {
      try await Task.sleep(for: .milliseconds(50))
      _ = channel.take { if case .cut(_, let bytes) = $0 { cut += bytes } }
    }
    flood.cancel()
    await flood.value
    // Over the limit by one chunk at most.
    #expect(cut <= 1 << 20 + 64 << 10)
    #expect(cut > 0)
    channel.close()
  }

  @Test func aFileThatCannotBeWrittenIsSaidOnceAndTheGuestIsHeardOn() throws {
    // Every write there fails with ENOSPC.
    let full = try GuestChannel(.console, from: pipe, to: "/dev/full", appending: false, most: 100)
    var channel = full
    var heard: [MachineSignal] = []
    _ = try guest.writeAll("one".utf8)
    _ = channel.take { heard.append($0) }
    _ = try guest.writeAll("two".utf8)
    channel.finish { heard.append($0) }
    try #require(heard.count == 3)
    #expect(heard[0] == .console(Array("one".utf8)))
    guard case .notKept(.console, let reason) = heard[1] else {
      Issue.record("\(heard)")
      return
    }
    #expect(reason.contains("space"))
    #expect(heard[2] == .console(Array("two".utf8)))
  }
}
