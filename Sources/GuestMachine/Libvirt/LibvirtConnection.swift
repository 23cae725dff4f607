// SPDX-License-Identifier: Apache-2.0

import CLibvirt
import Dispatch
import Foundation
import Glibc
import Toolbox

/// An open connection to libvirt, which passes on the ends of its domains.
///
/// libvirt's calls block, so they run on the connection's own queue, one at a time.
struct LibvirtConnection: Sendable {
  let pointer: LibvirtPointer
  let queue: DispatchQueue
  let stops: StopRegistry
  /// libvirt's ID of the lifecycle callback.
  private let callback: Int32

  /// - Throws: ``LibvirtError`` if libvirt refuses.
  static func open(_ uri: String) async throws -> LibvirtConnection {
    let queue = DispatchQueue(label: "patchbench.libvirt")
    let stops = StopRegistry()
    return try await queue.call {
      try LibvirtEventLoop.start()
      guard let raw = virConnectOpen(uri) else { throw LibvirtError.last("virConnectOpen") }
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
      return LibvirtConnection(pointer: LibvirtPointer(raw: raw), queue: queue, stops: stops, callback: callback)
    }
  }

  /// Ends all domains, and removes what dead ones left.
  func reap(_ root: EmbeddedRoot) async {
    await queue.run { [pointer] in
      defer { root.clear() }
      var domains: UnsafeMutablePointer<virDomainPtr?>?
      let count = virConnectListAllDomains(pointer.raw, &domains, 0)
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

  func close() async {
    await queue.run { [pointer, callback] in
      _ = virConnectDomainEventDeregisterAny(pointer.raw, callback)
      _ = virConnectClose(pointer.raw)
    }
  }
}

/// The connection to the embedded driver. It stays open until the process ends: each `virConnectOpen` registers the
/// driver once more, and libvirt has room for about twenty (`MAX_DRIVERS` in its `src/libvirt.c`).
actor EmbeddedConnection {
  static let shared = EmbeddedConnection()
  private var opening: Task<LibvirtConnection, any Error>?

  /// - Throws: ``LibvirtError`` if libvirt refuses.
  func connection(to root: EmbeddedRoot) async throws -> LibvirtConnection {
    if let opening { return try await opening.value }
    let task = Task {
      let connection = try await LibvirtConnection.open(root.uri)
      // We hold the directory's lock, so anything that runs there now was left by a killed run.
      await connection.reap(root)
      return connection
    }
    opening = task
    do { return try await task.value } catch {
      opening = nil
      throw error
    }
  }
}
