// SPDX-License-Identifier: Apache-2.0

import CLibvirt
import Dispatch
import Foundation
import Toolbox

/// libvirt's report of a failed call. Decisions depend on the code, never on the message.
public struct LibvirtError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The call: `virConnectOpen`.
  public var call: String
  /// `virErrorNumber`
  public var code: Int
  public var message: String

  public var description: String { "libvirt: \(message) (\(call), error \(code))" }

  /// Reads the calling thread's last error, so it must run on the thread that made the call.
  static func last(_ call: String) -> LibvirtError {
    guard let error = virGetLastError() else { return LibvirtError(call: call, code: 0, message: "no reason given") }
    return LibvirtError(
      call: call, code: Int(error.pointee.code),
      message: error.pointee.message.map { String(cString: $0) } ?? "no reason given")
  }
}

/// libvirt's event loop: one thread of this process, started before the first connection and never stopped, as
/// libvirt requires.
enum LibvirtEventLoop {
  private static let started: Bool = {
    // Its messages would otherwise go to stderr among ours; the errors that we read have them all.
    virSetErrorFunc(nil) { _, _ in }
    guard virEventRegisterDefaultImpl() == 0 else { return false }
    let thread = Thread {
      while true { _ = virEventRunDefaultImpl() }
    }
    thread.name = "libvirt events"
    thread.start()
    return true
  }()

  /// - Throws: ``LibvirtError`` if the loop cannot start.
  static func start() throws {
    if !started { throw LibvirtError.last("virEventRegisterDefaultImpl") }
  }
}

/// A libvirt pointer. libvirt's objects are reference counted and may be used from any thread, one call at a time per
/// connection, which ``LibvirtHost``'s queue ensures.
struct LibvirtPointer: @unchecked Sendable {
  var raw: OpaquePointer
}

/// Passes a domain's end from libvirt's thread to the task that waits for it.
final class StopListener: Sendable {
  let name: String
  let reasons: AsyncStream<StopReason>
  /// Whether QEMU took a signal, such as SIGTERM. It then ends as if the guest had powered itself off.
  let tookSignal = Locked(false)
  private let continuation: AsyncStream<StopReason>.Continuation

  /// - Parameter name: the domain to listen for.
  init(_ name: String) {
    self.name = name
    (reasons, continuation) = AsyncStream.makeStream()
  }

  func send(_ reason: StopReason) {
    continuation.yield(reason)
    continuation.finish()
  }
}

/// Passes a connection's lifecycle events to the listeners of its domains. There is one per connection: libvirt accepts
/// a callback only once, and calls it for every domain.
final class StopRegistry: Sendable {
  private let listeners = Locked<[String: StopListener]>([:])

  func add(_ listener: StopListener) { listeners.withLock { $0[listener.name] = listener } }

  /// Removes the listener, unless a later guest of the same name has replaced it.
  func remove(_ listener: StopListener) {
    listeners.withLock { if $0[listener.name] === listener { $0[listener.name] = nil } }
  }

  /// The lifecycle callback, with the registry as its opaque pointer.
  static let callback: @convention(c) (OpaquePointer?, OpaquePointer?, Int32, Int32, UnsafeMutableRawPointer?) -> Void =
    { _, domain, event, detail, opaque in
      guard let domain, let opaque, let name = virDomainGetName(domain) else { return }
      let registry = Unmanaged<StopRegistry>.fromOpaque(opaque).takeUnretainedValue()
      registry.take(String(cString: name), event: event, detail: detail)
    }

  private func take(_ name: String, event: Int32, detail: Int32) {
    guard let listener = listeners.withLock({ $0[name] }) else { return }
    let detail = UInt32(bitPattern: detail)
    if event == Int32(VIR_DOMAIN_EVENT_SHUTDOWN.rawValue), detail == VIR_DOMAIN_EVENT_SHUTDOWN_HOST.rawValue {
      listener.tookSignal.withLock { $0 = true }
    }
    guard event == Int32(VIR_DOMAIN_EVENT_STOPPED.rawValue) else { return }
    switch detail {
    case VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN.rawValue, VIR_DOMAIN_EVENT_STOPPED_CRASHED.rawValue:
      listener.send(listener.tookSignal.withLock { $0 } ? .emulator("QEMU was ended by a signal") : .guest)
    case VIR_DOMAIN_EVENT_STOPPED_DESTROYED.rawValue: listener.send(.destroyed)
    case VIR_DOMAIN_EVENT_STOPPED_SAVED.rawValue: listener.send(.saved)
    default: listener.send(.emulator("QEMU exited unexpectedly"))
    }
  }
}
