// SPDX-License-Identifier: Apache-2.0

import Foundation
public import GuestMachine
public import GuestProtocol
public import SystemPackage
import Toolbox

/// What a scripted host was asked to do, in order.
public enum HostCall: Sendable, Hashable {
  case started(MachineSpec)
  case saved(FilePath)
  /// A restored guest, with its orders and the text of its console file at its start.
  case restored(MachineSpec, orders: String, console: String)
  case ended
}

/// A host whose machines follow scripts: the first script is for the boot, the others for the guests restored from it.
public final class ScriptedHost: SavingHost {
  private let clock: ScriptClock
  private let scripts: Locked<[[Step]]>
  private let log = Locked<[HostCall]>([])
  private let refusal: (save: SavedGuestError?, restore: SavedGuestError?)

  public init(
    _ scripts: [[Step]], clock: ScriptClock, refusingToSave save: SavedGuestError? = nil,
    refusingToRestore restore: SavedGuestError? = nil
  ) {
    self.clock = clock
    self.scripts = Locked(scripts)
    refusal = (save, restore)
  }

  public let endsRestored = true
  public var calls: [HostCall] { log.withLock { $0 } }

  public struct Running: SavableMachine {
    let machine: ScriptedMachine
    let host: ScriptedHost
    public var signals: AsyncStream<MachineSignal> { machine.signals }
    public var secret: GuestSecret? { machine.secret }
    public func interrupt() async { await machine.interrupt() }
    public var tookInterrupt: Bool { machine.tookInterrupt }
    public func dumpMemory(to file: FilePath) async -> String? { await machine.dumpMemory(to: file) }
    public func destroy() async { await machine.destroy() }
    public func keepState(as image: FilePath) async throws { try await machine.keepState(as: image) }
    public func save(to file: FilePath) async throws {
      if let refusal = host.refusal.save { throw refusal }
      try Data("state".utf8).write(to: URL(filePath: file.string))
      host.log.withLock { $0.append(.saved(file)) }
    }
  }

  public func withMachine<Result: Sendable>(
    _ spec: MachineSpec, _ body: @Sendable (Running) async throws -> Result
  ) async throws -> Result {
    try Data("the boot's console\n".utf8).write(to: URL(filePath: spec.console.string))
    return try await run(.started(spec), body)
  }

  public func withMachine<Result: Sendable>(
    _ spec: MachineSpec, restoredFrom state: FilePath, _ body: @Sendable (Running) async throws -> Result
  ) async throws -> Result {
    if let refusal = refusal.restore { throw refusal }
    // Both files must exist; libvirt would not find them otherwise either.
    _ = try Data(contentsOf: URL(filePath: state.string))
    let console = try String(contentsOfFile: spec.console.string, encoding: .utf8)
    return try await run(.restored(spec, orders: spec.hold!.orders, console: console), body)
  }

  private func run<Result: Sendable>(
    _ call: HostCall, _ body: @Sendable (Running) async throws -> Result
  ) async throws -> Result {
    log.withLock { $0.append(call) }
    defer { log.withLock { $0.append(.ended) } }
    let script = scripts.withLock { $0.isEmpty ? [] : $0.removeFirst() }
    return try await body(Running(machine: ScriptedMachine(script, clock: clock), host: self))
  }
}
