// SPDX-License-Identifier: Apache-2.0

public import GuestProtocol
public import SystemPackage

/// What can be observed of a running machine, in chronological order.
public enum MachineSignal: Sendable, Hashable {
  /// More output of the serial console.
  case console([UInt8])
  /// More output of the results port.
  case results([UInt8])
  /// This many bytes exceeded the limit, and are neither read nor in the file.
  case cut(GuestOutput, bytes: Int)
  /// Output can no longer be written to its file, for this reason; it is still read.
  case notKept(GuestOutput, String)
  /// Some time has passed. Sent several times a second, so that clocks are checked even if nothing else happens.
  case tick
  /// The machine is gone; this is the last signal.
  case stopped(StopReason)
}

/// Why a machine is gone.
public enum StopReason: Sendable, Hashable {
  /// The guest powered itself off, or reset itself, which also ends it.
  case guest
  /// The emulator exited without a request from the guest; the payload is what is known.
  case emulator(String)
  /// ``Machine/destroy()`` was called.
  case destroyed
  /// ``SavableMachine/save(to:)`` was called.
  case saved
}

/// A machine that was started.
public protocol Machine: Sendable {
  /// Must be iterated only once. Ends after ``MachineSignal/stopped(_:)``.
  var signals: AsyncStream<MachineSignal> { get }
  /// The key with which the guest signs its results; `nil` if it signs nothing.
  var secret: GuestSecret? { get }
  /// Stops the machine now; harmless if it is already gone.
  func destroy() async
  /// Sends a non-maskable interrupt, which a kernel handles even if it handles nothing else.
  func interrupt() async
  /// Whether the last ``interrupt()`` reached the guest. An emulator that is stopped, or hangs itself,
  /// does not take it.
  var tookInterrupt: Bool { get }
  /// Writes the guest's memory to a new file, as an ELF core (QEMU's `dump-guest-memory`). The guest is
  /// paused meanwhile.
  /// - Returns: the reason for failure; `nil` if the file was written.
  func dumpMemory(to file: FilePath) async -> String?
  /// Copies the machine's state disk to a file, once the machine is gone.
  func keepState(as image: FilePath) async throws
}

/// Starts machines: libvirt, or a script in the tests.
public protocol MachineHost: Sendable {
  associatedtype Running: Machine
  /// Starts a machine while `body` runs. When this returns, the machine is gone, even if the task was cancelled.
  func withMachine<Result: Sendable>(
    _ spec: MachineSpec, _ body: @Sendable (Running) async throws -> Result
  ) async throws -> Result
}

/// A machine whose state can be written to a file.
public protocol SavableMachine: Machine {
  /// Writes the machine's whole state to a new file and stops the machine.
  /// - Throws: ``SavedGuestError/notSaved(_:)``
  func save(to file: FilePath) async throws
}

/// Can start machines from saved states.
public protocol SavingHost: MachineHost where Running: SavableMachine {
  /// Whether a restored machine ends with this process, as a started one does. If not, callers must not restore any.
  var endsRestored: Bool { get }
  /// Starts a machine from a saved state while `body` runs. When this returns, the machine is gone, even if the task
  /// was cancelled.
  /// - Parameters:
  ///   - spec: the one that was saved, with other files. The contents of these files stay; the machine appends to them.
  ///   - state: the file that ``SavableMachine/save(to:)`` wrote.
  /// - Throws: ``SavedGuestError/notRestored(_:)``, and what `body` throws.
  func withMachine<Result: Sendable>(
    _ spec: MachineSpec, restoredFrom state: FilePath, _ body: @Sendable (Running) async throws -> Result
  ) async throws -> Result
}
