// SPDX-License-Identifier: Apache-2.0

import CLibvirt
import Dispatch
import Foundation
import Glibc
public import GuestProtocol
public import SystemPackage
public import Toolbox

/// A running libvirt domain and the two ways in which its guest speaks.
public final class LibvirtMachine: SavableMachine {
  public let signals: AsyncStream<MachineSignal>
  public let secret: GuestSecret?
  private let state: FilePath
  private let domain: LibvirtPointer
  private let queue: DispatchQueue
  private let release: @Sendable () -> Void
  private let pump: Task<Void, Never>
  private let taken = Locked(false)

  /// How often the channels are looked at. Short against the second that the shortest suite takes.
  private static let interval = Duration.milliseconds(20)
  /// How often libvirt is asked whether the domain still runs, for the case that an event was lost.
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
    /// Gives libvirt's objects back, on the queue.
    var release: @Sendable () -> Void
  }

  /// - Parameters:
  ///   - channels: are closed when the machine is gone.
  ///   - state: its state disk.
  ///   - before: what its console had before this machine was there.
  init(_ secret: GuestSecret?, _ channels: [GuestChannel], state: FilePath, before: [UInt8], _ running: Domain) {
    let (domain, listener, queue, log) = (running.pointer, running.listener, running.queue, running.log)
    self.secret = secret
    self.state = state
    self.domain = domain
    self.queue = queue
    release = running.release
    let (signals, continuation) = AsyncStream<MachineSignal>.makeStream()
    self.signals = signals
    let stop = Task { await listener.reasons.first { _ in true } }
    // Not a child of the caller's task: it must see the machine to its end also when the caller is cancelled.
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
          // What was written before the stop is read before it is told.
          for index in channels.indices { channels[index].finish { continuation.yield($0) } }
          continuation.yield(.stopped(Self.explain(reason, log)))
          break
        }
        continuation.yield(.tick)
        round += 1
        if round % Self.checkEvery == 0, await !Self.isRunning(domain, queue) {
          // The event follows shortly if it follows at all.
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

  /// Does not wait for it to be sent: where QEMU itself does not answer the call comes back only when ``destroy()`` has
  /// killed it, and the connection's queue is what that needs.
  public func interrupt() async {
    virDomainRef(domain.raw)
    DispatchQueue.global().async { [self] in
      let status = virDomainInjectNMI(domain.raw, 0)
      taken.withLock { $0 = status == 0 }
      _ = virDomainFree(domain.raw)
    }
  }

  public var tookInterrupt: Bool { taken.withLock { $0 } }

  /// As with ``interrupt()``, a QEMU that does not answer ends the waiting, and ``destroy()`` the call.
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

  /// Ends the machine, and copies its state disk, which is else removed with it, to a new file.
  /// - Throws: ``ToolError``
  public func keepState(as image: FilePath) async throws(ToolError) {
    await destroy()
    // A new file with nobody's rights but ours, and with its holes.
    _ = try await Tool("cp", ["--sparse=always", "--no-preserve=all", state.string, image.string]).output()
  }

  /// The host's end of the serial line of a machine with ``MachineSpec/hasTerminal``.
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

  /// Ends the machine if it still runs, and gives libvirt's objects back.
  func end() async {
    if await Self.isRunning(domain, queue) { await destroy() }
    await pump.value
    await queue.run(release)
  }

  private static func isRunning(_ domain: LibvirtPointer, _ queue: DispatchQueue) async -> Bool {
    await queue.run { virDomainIsActive(domain.raw) == 1 }
  }

  /// Adds QEMU's own last words to a stop that was not the guest's.
  private static func explain(_ reason: StopReason, _ log: FilePath?) -> StopReason {
    guard case .emulator(let words) = reason, let log,
      let text = lastWords(log),
      let last = text.split(separator: "\n").last(where: { $0.contains("qemu-system") && !$0.contains("-name") })
    else { return reason }
    return .emulator("\(words): \(last.suffix(300))")
  }
}

/// The last 64 KiB of a file. A guest can have QEMU complain any number of times.
private func lastWords(_ log: FilePath) -> String? {
  guard let file = try? FileHandle(forReadingFrom: URL(filePath: log.string)) else { return nil }
  defer { try? file.close() }
  guard let length = try? file.seekToEnd(), (try? file.seek(toOffset: length > 65536 ? length - 65536 : 0)) != nil,
    let data = try? file.readToEnd()
  else { return nil }
  return String(decoding: data, as: UTF8.self)
}

/// Gives a continuation the first of several answers.
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
