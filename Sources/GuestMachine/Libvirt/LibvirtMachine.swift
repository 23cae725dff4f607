// SPDX-License-Identifier: Apache-2.0

import BenchModel
import CLibvirt
import Dispatch
import Foundation
import Glibc
public import GuestProtocol
public import SystemPackage
public import Toolbox

/// A running libvirt domain and the two output channels of its guest.
public final class LibvirtMachine: SavableMachine {
  public let signals: AsyncStream<MachineSignal>
  public let secret: GuestSecret?
  private let state: FilePath
  private let domain: LibvirtPointer
  private let queue: DispatchQueue
  private let release: @Sendable () -> Void
  private let interruption: Architecture.Interrupt
  private let console: GuestPipe
  private let pump: Task<Void, Never>
  private let taken = Locked(false)

  /// The polling interval of the channels. Short compared with the second that the shortest suite takes.
  private static let interval = Duration.milliseconds(20)
  /// How many polls pass between checks that the domain still runs, in case an event was lost.
  private static let checkEvery = 100

  /// A domain that runs, and what belongs to it.
  struct Domain: Sendable {
    var pointer: LibvirtPointer
    /// Hears of its end.
    var listener: StopListener
    /// The connection's: libvirt's calls block.
    var queue: DispatchQueue
    /// QEMU's own words.
    var log: FilePath?
    /// How it is made to panic, and its serial line.
    var interrupt: Architecture.Interrupt
    var console: GuestPipe
    /// Gives libvirt's objects back, on the queue.
    var release: @Sendable () -> Void
  }

  /// - Parameters:
  ///   - channels: closed when the machine is gone.
  ///   - state: its state disk.
  ///   - before: what its console contained before this machine started.
  init(_ secret: GuestSecret?, _ channels: [GuestChannel], state: FilePath, before: [UInt8], _ running: Domain) {
    let (domain, listener, queue, log) = (running.pointer, running.listener, running.queue, running.log)
    self.secret = secret
    self.state = state
    self.domain = domain
    self.queue = queue
    release = running.release
    interruption = running.interrupt
    console = running.console
    let (signals, continuation) = AsyncStream<MachineSignal>.makeStream()
    self.signals = signals
    let stop = Task { await listener.reasons.first { _ in true } }
    // Not a child of the caller's task, because it must follow the machine to its end even if the caller is cancelled.
    pump = Task.detached {
      var channels = channels
      if !before.isEmpty { continuation.yield(.console(before)) }
      let stopped = Flag()
      let watcher = Task {
        let reason = await stop.value
        await stopped.set(reason ?? .emulator("libvirt's events ended"))
      }
      var round = 0
      while true {
        let reason = await stopped.reason
        for index in channels.indices { _ = channels[index].take { continuation.yield($0) } }
        if let reason {
          // What was written before the stop is read before the stop is reported.
          for index in channels.indices { channels[index].finish { continuation.yield($0) } }
          continuation.yield(.stopped(Self.explain(reason, log)))
          break
        }
        continuation.yield(.tick)
        round += 1
        if round % Self.checkEvery == 0, await !Self.isRunning(domain, queue) {
          // The event follows shortly, if at all.
          try? await Task.sleep(for: .seconds(1))
          listener.send(.emulator("libvirt no longer knows the domain"))
        }
        try? await Task.sleep(for: Self.interval)
      }
      continuation.finish()
      await watcher.value
    }
  }

  public func destroy() async {
    await queue.run { [domain] in _ = virDomainDestroy(domain.raw) }
  }

  /// Does not wait for it to be sent. If QEMU itself does not respond, the call returns only when ``destroy()`` has
  /// killed it, which needs the connection's queue.
  public func interrupt() async {
    virDomainRef(domain.raw)
    DispatchQueue.global().async { [self] in
      let isTaken =
        switch interruption {
        case .nonMaskable: virDomainInjectNMI(domain.raw, 0) == 0
        case .serialBreak(let letter): sendBreak(letter)
        }
      taken.withLock { $0 = isTaken }
      _ = virDomainFree(domain.raw)
    }
  }

  /// Sends a break on the serial line, and then a letter.
  /// - Returns: whether QEMU took both. The guest may have interrupts disabled.
  private func sendBreak(_ letter: String) -> Bool {
    // libvirt's name for the character device of the first serial line.
    let command = #"{"execute": "chardev-send-break", "arguments": {"id": "charserial0"}}"#
    var answer: UnsafeMutablePointer<CChar>?
    guard virDomainQemuMonitorCommand(domain.raw, command, &answer, 0) == 0 else { return false }
    // An error of QEMU's is an answer as well.
    let words = answer.map { String(cString: $0) } ?? ""
    free(answer)
    guard words.contains(#""return""#),
      let line = try? FileDescriptor.open(console.input, .writeOnly, options: [.nonBlocking, .closeOnExec])
    else { return false }
    return (try? line.closeAfter { try line.writeAll(letter.utf8) }) == letter.utf8.count
  }

  public var tookInterrupt: Bool { taken.withLock { $0 } }

  /// As with ``interrupt()``, QEMU may not respond. Then the wait times out, and ``destroy()`` ends the call.
  public func dumpMemory(to file: FilePath) async -> String? {
    virDomainRef(domain.raw)
    return await withCheckedContinuation { continuation in
      let answer = FirstAnswer(continuation)
      DispatchQueue.global().async { [domain] in
        let status = virDomainCoreDumpWithFormat(
          domain.raw, file.string, UInt32(VIR_DOMAIN_CORE_DUMP_FORMAT_RAW.rawValue),
          UInt32(VIR_DUMP_MEMORY_ONLY.rawValue))
        answer.give(status == 0 ? nil : LibvirtError.last("virDomainCoreDumpWithFormat").description)
        _ = virDomainFree(domain.raw)
      }
      DispatchQueue.global().asyncAfter(deadline: .now() + Self.dumpDeadline) {
        answer.give("QEMU did not write it within \(Self.dumpDeadline) s")
      }
    }
  }

  /// In seconds. 512 MiB take two on an idle machine.
  private static let dumpDeadline = 60.0

  /// Stops the machine, and copies its state disk, which would otherwise be removed with it, to a new file.
  /// - Throws: ``ToolError``
  public func keepState(as image: FilePath) async throws(ToolError) {
    await destroy()
    // The new file has our default owner and mode, and is sparse.
    _ = try await Tool("cp", ["--sparse=always", "--no-preserve=all", state.string, image.string]).output()
  }

  /// Returns the host's end of the serial line of a machine with ``MachineSpec/hasTerminal``.
  /// - Throws: ``LibvirtError``
  public func terminal() async throws -> FilePath {
    try await queue.call { [domain] in
      guard let xml = virDomainGetXMLDesc(domain.raw, 0) else { throw LibvirtError.last("virDomainGetXMLDesc") }
      defer { free(xml) }
      let text = String(cString: xml)
      guard let serial = text.firstRange(of: "<serial type='pty'"),
        let begin = text[serial.upperBound...].firstRange(of: "<source path='"),
        let end = text[begin.upperBound...].firstIndex(of: "'")
      else { throw LibvirtError(call: "virDomainGetXMLDesc", code: 0, message: "the machine has no terminal") }
      return FilePath(String(text[begin.upperBound..<end]))
    }
  }

  public func save(to file: FilePath) async throws {
    try await queue.call { [domain] in
      guard virDomainSaveFlags(domain.raw, file.string, nil, 0) == 0 else {
        throw SavedGuestError.notSaved(.last("virDomainSaveFlags"))
      }
    }
  }

  /// Stops the machine if it still runs, and releases libvirt's objects.
  func end() async {
    if await Self.isRunning(domain, queue) { await destroy() }
    await pump.value
    await queue.run(release)
  }

  private static func isRunning(_ domain: LibvirtPointer, _ queue: DispatchQueue) async -> Bool {
    await queue.run { virDomainIsActive(domain.raw) == 1 }
  }

  /// Adds QEMU's last message to a stop that the guest did not request.
  private static func explain(_ reason: StopReason, _ log: FilePath?) -> StopReason {
    guard case .emulator(let words) = reason, let log,
      let text = lastWords(log),
      let last = text.split(separator: "\n").last(where: { $0.contains("qemu-system") && !$0.contains("-name") })
    else { return reason }
    return .emulator("\(words): \(last.suffix(300))")
  }
}

/// The last 64 KiB of a file. A guest can provoke any number of QEMU messages.
private func lastWords(_ log: FilePath) -> String? {
  guard let file = try? FileHandle(forReadingFrom: URL(filePath: log.string)) else { return nil }
  defer { try? file.close() }
  guard let length = try? file.seekToEnd(), (try? file.seek(toOffset: length > 65536 ? length - 65536 : 0)) != nil,
    let data = try? file.readToEnd()
  else { return nil }
  return String(decoding: data, as: UTF8.self)
}

/// Resumes a continuation with the first of several answers.
private final class FirstAnswer: Sendable {
  private let continuation: Locked<CheckedContinuation<String?, Never>?>

  init(_ continuation: CheckedContinuation<String?, Never>) { self.continuation = Locked(continuation) }

  func give(_ answer: String?) {
    continuation.withLock { waiting in
      waiting?.resume(returning: answer)
      waiting = nil
    }
  }
}

/// Why the machine stopped, once it has.
private actor Flag {
  var reason: StopReason?
  func set(_ reason: StopReason) { if self.reason == nil { self.reason = reason } }
}
