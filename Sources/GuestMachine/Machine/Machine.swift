// SPDX-License-Identifier: Apache-2.0

public import GuestProtocol
public import SystemPackage

/// What a running machine lets be seen of it, in the order it happens.
public enum MachineSignal: Sendable, Hashable {
  /// More of the serial console.
  case console([UInt8])
  /// More of the results port.
  case results([UInt8])
  /// So many bytes more have come than are kept, and are neither read nor in the file.
  case cut(GuestOutput, bytes: Int)
  /// What comes can no longer be written to its file, and why; it is read all the same.
  case notKept(GuestOutput, String)
  /// Some time has passed; sent several times a second so that clocks are looked at also when nothing else happens.
  case tick
  /// The machine is gone; nothing comes after this.
  case stopped(StopReason)
}

/// Why a machine is gone.
public enum StopReason: Sendable, Hashable {
  /// The guest powered itself off, or reset itself, which ends it too.
  case guest
  /// The emulator ended without the guest having asked for it; the payload says what is known.
  case emulator(String)
  /// ``Machine/destroy()`` was called.
  case destroyed
  /// ``SavableMachine/save(to:)`` was called.
  case saved
}

/// A machine that was started.
public protocol Machine: Sendable {
  /// To be iterated once. Ends after ``MachineSignal/stopped(_:)``.
  var signals: AsyncStream<MachineSignal> { get }
  /// With what the guest signs its results; `nil` if it signs nothing.
  var secret: GuestSecret? { get }
  /// Ends the machine now; harmless if it is gone already.
  func destroy() async
  /// Sends a non-maskable interrupt, which a kernel hears also where it hears nothing else.
  func interrupt() async
  /// Whether the last ``interrupt()`` reached the guest. An emulator that is stopped, or hangs itself, takes none.
  var tookInterrupt: Bool { get }
  /// Writes the guest's memory to a new file, as an ELF core (QEMU's `dump-guest-memory`). The guest stands
  /// still meanwhile.
  /// - Returns: why there is none; `nil` if it was written.
  func dumpMemory(to file: FilePath) async -> String?
  /// Keeps the machine's state disk as a file, once the machine is gone.
  func keepState(as image: FilePath) async throws
}

/// What starts machines: libvirt, or a script in the tests.
public protocol MachineHost: Sendable {
  associatedtype Running: Machine
  /// Starts a machine for as long as `body` runs. When this returns the machine is gone, also if the task was
  /// cancelled.
  func withMachine<Result: Sendable>(
    _ spec: MachineSpec, _ body: @Sendable (Running) async throws -> Result
  ) async throws -> Result
}

/// A machine whose state can be written to a file.
public protocol SavableMachine: Machine {
  /// Writes all of the machine's state to a new file and ends the machine.
  /// - Throws: ``SavedGuestError/notSaved(_:)``
  func save(to file: FilePath) async throws
}

/// What can start machines from saved states.
public protocol SavingHost: MachineHost where Running: SavableMachine {
  /// Whether a restored machine ends with this process, as a started one does. Who cannot see to that restores none.
  var endsRestored: Bool { get }
  /// Starts a machine from a saved state for as long as `body` runs. When this returns the machine is gone, also if the
  /// task was cancelled.
  /// - Parameters:
  ///   - spec: the one that was saved, with other files. What is in these files stays; the machine appends to it.
  ///   - state: what ``SavableMachine/save(to:)`` wrote.
  /// - Throws: ``SavedGuestError/notRestored(_:)``, and what `body` throws.
  func withMachine<Result: Sendable>(
    _ spec: MachineSpec, restoredFrom state: FilePath, _ body: @Sendable (Running) async throws -> Result
  ) async throws -> Result
}
