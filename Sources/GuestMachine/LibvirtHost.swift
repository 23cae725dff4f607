import CLibvirt
import Dispatch
import Foundation
import Glibc
import Synchronization
public import SystemPackage
import Toolbox

/// A connection to libvirt that can start machines.
///
/// libvirt's calls block, so they are made on a queue of the connection's own, one at a time.
public final class LibvirtHost: SavingHost {
  private let connection: LibvirtPointer
  private let queue: DispatchQueue
  private let stops: StopRegistry
  /// libvirt's number of the lifecycle callback.
  private let callback: Int32
  /// The driver runs inside this process; guests then do not end with the connection, and have to be ended here.
  private let isEmbedded: Bool
  /// Where the embedded driver keeps QEMU's own log files.
  private let logs: FilePath?

  private init(
    _ connection: LibvirtPointer, queue: DispatchQueue, stops: StopRegistry, callback: Int32, isEmbedded: Bool,
    logs: FilePath?
  ) {
    self.connection = connection
    self.queue = queue
    self.stops = stops
    self.callback = callback
    self.isEmbedded = isEmbedded
    self.logs = logs
  }

  /// Opens a connection for as long as `body` runs.
  /// - Parameter uri: `nil` for the embedded driver with a directory of its own.
  /// - Throws: ``LibvirtError`` if libvirt refuses, `Errno` if no directory can be had, and what `body` throws.
  public static func with<Result: Sendable>(
    uri: String?, environment: [String: String], _ body: (LibvirtHost) async throws -> Result
  ) async throws -> Result {
    TimeStampCounter.begin()
    let root = uri == nil ? try EmbeddedRoot.take(environment: environment) : nil
    let queue = DispatchQueue(label: "patchbench.libvirt")
    let name = uri ?? root!.uri
    // libvirt reads this once, at its first call, and would otherwise write on our stderr. A user's own setting stays.
    if let root { setenv("LIBVIRT_LOG_OUTPUTS", "3:file:\(root.path.appending("libvirt.log"))", 0) }
    if root != nil { OrphanReaper.start() }
    let stops = StopRegistry()
    let (connection, callback) = try await queue.call {
      try LibvirtEventLoop.start()
      guard let raw = virConnectOpen(name) else { throw LibvirtError.last("virConnectOpen") }
      let opaque = Unmanaged.passRetained(stops)
      let callback = virConnectDomainEventRegisterAny(
        raw, nil, Int32(VIR_DOMAIN_EVENT_ID_LIFECYCLE.rawValue),
        unsafeBitCast(StopRegistry.callback, to: virConnectDomainEventGenericCallback.self), opaque.toOpaque(),
        { Unmanaged<StopRegistry>.fromOpaque($0!).release() })
      guard callback >= 0 else {
        let error = LibvirtError.last("virConnectDomainEventRegisterAny")
        opaque.release()
        _ = virConnectClose(raw)
        throw error
      }
      return (LibvirtPointer(raw: raw), callback)
    }
    let host = LibvirtHost(
      connection, queue: queue, stops: stops, callback: callback, isEmbedded: root != nil,
      logs: root?.path.appending("log").appending("qemu"))
    // The directory is ours by its lock, so whatever runs there was left by a run that was killed.
    if root != nil { await host.reap() }
    do {
      let result = try await body(host)
      await host.close()
      return result
    } catch {
      await host.close()
      throw error
    }
  }

  /// `9.0.0`
  public func version() async throws -> String {
    try await queue.call { [connection] in
      var number: UInt = 0
      guard virConnectGetLibVersion(connection.raw, &number) == 0 else {
        throw LibvirtError.last("virConnectGetLibVersion")
      }
      return "\(number / 1_000_000).\(number / 1000 % 1000).\(number % 1000)"
    }
  }

  private func close() async {
    await queue.run { [connection, callback] in
      _ = virConnectDomainEventDeregisterAny(connection.raw, callback)
      _ = virConnectClose(connection.raw)
    }
  }

  private func reap() async {
    await queue.run { [connection] in
      var domains: UnsafeMutablePointer<virDomainPtr?>?
      let count = virConnectListAllDomains(connection.raw, &domains, 0)
      guard count >= 0, let domains else { return }
      for index in 0..<Int(count) {
        if let domain = domains[index] {
          virDomainDestroy(domain)
          virDomainFree(domain)
        }
      }
      free(domains)
    }
  }

  public func withMachine<Result: Sendable>(
    _ spec: MachineSpec, _ body: @Sendable (LibvirtMachine) async throws -> Result
  ) async throws -> Result {
    // The files must be there before QEMU is, so that reading can begin with their first byte.
    for path in [spec.console, spec.results] { try Data().write(to: URL(filePath: path.string)) }
    // The embedded driver refuses to end guests with the connection; any other does it for us.
    let flags = isEmbedded ? 0 : UInt32(VIR_DOMAIN_START_AUTODESTROY.rawValue)
    return try await withDomain(spec, body) { connection, xml in
      guard let raw = virDomainCreateXML(connection.raw, xml, flags) else {
        throw LibvirtError.last("virDomainCreateXML")
      }
      return LibvirtPointer(raw: raw)
    }
  }

  /// As ``SavingHost`` says. A connection other than the embedded driver's does not end a restored guest when this
  /// process is killed: libvirt has no flag for that here.
  public func withMachine<Result: Sendable>(
    _ spec: MachineSpec, restoredFrom state: FilePath, _ body: @Sendable (LibvirtMachine) async throws -> Result
  ) async throws -> Result {
    try await withDomain(spec, body) { connection, xml in
      // Paused, because the call gives no handle, and a guest that runs could be gone before there is one.
      guard virDomainRestoreFlags(connection.raw, state.string, xml, UInt32(VIR_DOMAIN_SAVE_PAUSED.rawValue)) == 0
      else { throw SavedGuestError.notRestored(.last("virDomainRestoreFlags")) }
      guard let raw = virDomainLookupByName(connection.raw, spec.name) else {
        throw SavedGuestError.notRestored(.last("virDomainLookupByName"))
      }
      guard virDomainResume(raw) == 0 else {
        let error = LibvirtError.last("virDomainResume")
        _ = virDomainDestroy(raw)
        _ = virDomainFree(raw)
        throw SavedGuestError.notRestored(error)
      }
      return LibvirtPointer(raw: raw)
    }
  }

  /// - Parameter start: makes the call that starts the domain; runs on the connection's queue.
  private func withDomain<Result: Sendable>(
    _ spec: MachineSpec, _ body: @Sendable (LibvirtMachine) async throws -> Result,
    start: @escaping @Sendable (_ connection: LibvirtPointer, _ xml: String) throws -> LibvirtPointer
  ) async throws -> Result {
    let listener = StopListener(spec.name)
    // Before the start: a guest may end before this call returns.
    stops.add(listener)
    let xml = DomainXML.render(spec)
    let domain: LibvirtPointer
    do {
      domain = try await queue.call { [connection] in try start(connection, xml) }
    } catch {
      stops.remove(listener)
      throw error
    }
    let machine = LibvirtMachine(
      spec, domain: domain, listener: listener, queue: queue, log: logs?.appending(spec.name + ".log"),
      release: { [stops] in
        stops.remove(listener)
        _ = virDomainFree(domain.raw)
      })
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

extension DispatchQueue {
  /// Runs a blocking body here and waits for it without blocking the caller's thread. Not cut short by cancellation.
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
