// SPDX-License-Identifier: Apache-2.0

import BenchModel
import CLibvirt
import Dispatch
import Foundation
import Glibc
public import SystemPackage
import Toolbox

/// A libvirt that can start machines.
public final class LibvirtHost: SavingHost {
  private let connection: LibvirtConnection
  /// The embedded driver's directory.
  private let root: EmbeddedRoot?

  private init(_ connection: LibvirtConnection, root: EmbeddedRoot?) {
    self.connection = connection
    self.root = root
  }

  /// Connects to libvirt while `body` runs.
  /// - Parameter uri: `nil` for the embedded driver with its own directory.
  /// - Throws: ``LibvirtError`` if libvirt refuses, `Errno` if no directory is available, and what `body` throws.
  public static func with<Result: Sendable>(
    uri: String?, environment: [String: String], _ body: (LibvirtHost) async throws -> Result
  ) async throws -> Result {
    TimeStampCounter.begin()
    guard let uri else {
      let root = try EmbeddedRoot.take(environment: environment)
      // libvirt reads this once, at its first call, and would otherwise write to our stderr. A user's setting
      // takes precedence.
      setenv("LIBVIRT_LOG_OUTPUTS", "3:file:\(root.path.appending("libvirt.log"))", 0)
      OrphanReaper.start()
      return try await body(LibvirtHost(try await EmbeddedConnection.shared.connection(to: root), root: root))
    }
    let connection = try await LibvirtConnection.open(uri)
    do {
      let result = try await body(LibvirtHost(connection, root: nil))
      await connection.close()
      return result
    } catch {
      await connection.close()
      throw error
    }
  }

  /// The embedded driver's guests belong to this process; a daemon's do not.
  public var endsRestored: Bool { root != nil }

  /// `9.0.0`
  public func version() async throws -> String {
    try await connection.queue.call { [connection] in
      var number: UInt = 0
      guard virConnectGetLibVersion(connection.pointer.raw, &number) == 0 else {
        throw LibvirtError.last("virConnectGetLibVersion")
      }
      return "\(number / 1_000_000).\(number / 1000 % 1000).\(number % 1000)"
    }
  }

  public func withMachine<Result: Sendable>(
    _ spec: MachineSpec, _ body: @Sendable (LibvirtMachine) async throws -> Result
  ) async throws -> Result {
    // The embedded driver refuses to end guests with the connection; any other does it for us. The guest starts paused,
    // so that we have a handle even to a guest that ends at once, and limit it before it does anything.
    let autodestroy = root == nil ? VIR_DOMAIN_START_AUTODESTROY.rawValue : 0
    let flags = autodestroy | VIR_DOMAIN_START_PAUSED.rawValue
    return try await withDomain(spec, appending: false, body) { connection, xml in
      guard let raw = virDomainCreateXML(connection.raw, xml, UInt32(flags)) else {
        throw LibvirtError.last("virDomainCreateXML")
      }
      return LibvirtPointer(raw: raw)
    }
  }

  /// See ``SavingHost``. Only the embedded driver ends a restored guest when this process is killed: libvirt has no
  /// autodestroy flag for restoring.
  public func withMachine<Result: Sendable>(
    _ spec: MachineSpec, restoredFrom state: FilePath, _ body: @Sendable (LibvirtMachine) async throws -> Result
  ) async throws -> Result {
    try await withDomain(spec, appending: true, body) { connection, xml in
      // Paused, because the call returns no handle, and a running guest could be gone before we get one.
      guard virDomainRestoreFlags(connection.raw, state.string, xml, UInt32(VIR_DOMAIN_SAVE_PAUSED.rawValue)) == 0
      else { throw SavedGuestError.notRestored(.last("virDomainRestoreFlags")) }
      guard let raw = virDomainLookupByName(connection.raw, spec.name) else {
        throw SavedGuestError.notRestored(.last("virDomainLookupByName"))
      }
      return LibvirtPointer(raw: raw)
    }
  }

  /// - Parameters:
  ///   - appending: output of the machine is appended to its files; the earlier console is read first.
  ///   - start: makes the call that starts the domain, paused; runs on the connection's queue.
  private func withDomain<Result: Sendable>(
    _ spec: MachineSpec, appending: Bool, _ body: @Sendable (LibvirtMachine) async throws -> Result,
    start: @escaping @Sendable (_ connection: LibvirtPointer, _ xml: String) throws -> LibvirtPointer
  ) async throws -> Result {
    let parent = root?.guests ?? spec.results.removingLastComponent()
    return try await GuestFiles.with(spec, in: parent, for: root?.account) { files in
      let before = appending ? try [UInt8](Data(contentsOf: URL(filePath: spec.console.string))) : []
      // All of this happens before the start, because a guest may end before that call returns.
      let orders = try files.giveOrders(spec)
      defer { try? orders?.close() }
      let channels = try files.channels(spec, appending: appending)
      let listener = StopListener(spec.name)
      connection.stops.add(listener)
      let xml = DomainXML.render(
        spec, files, emulator: root?.emulators[spec.architecture.emulation.program])
      let domain: LibvirtPointer
      do {
        domain = try await connection.queue.call { [connection, root] in
          let domain = try start(connection.pointer, xml)
          do {
            try root.map { try EmulatorLimits(spec, account: $0.account).impose(on: $0.process(of: spec.name)) }
            guard virDomainResume(domain.raw) == 0 else { throw LibvirtError.last("virDomainResume") }
          } catch {
            _ = virDomainDestroy(domain.raw)
            _ = virDomainFree(domain.raw)
            throw error
          }
          return domain
        }
      } catch {
        connection.stops.remove(listener)
        for channel in channels { channel.close() }
        throw error
      }
      let machine = LibvirtMachine(
        spec.secret, channels, state: files.state, before: before,
        LibvirtMachine.Domain(
          pointer: domain, listener: listener, queue: connection.queue, log: root?.log(of: spec.name),
          interrupt: spec.architecture.emulation.interrupt, console: files.console,
          release: { [connection] in
            connection.stops.remove(listener)
            _ = virDomainFree(domain.raw)
          }))
      do {
        let result = try await body(machine)
        await machine.end()
        return result
      } catch {
        await machine.end()
        throw error
      }
    }
  }
}

extension DispatchQueue {
  /// Runs a blocking body here, without blocking the caller's thread. Cancellation does not interrupt it.
  func call<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
      async { continuation.resume(with: Swift.Result { try body() }) }
    }
  }

  /// The same for a body that cannot fail.
  func run<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
    await withCheckedContinuation { continuation in
      async { continuation.resume(returning: body()) }
    }
  }
}
