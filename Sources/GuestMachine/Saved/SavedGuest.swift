// SPDX-License-Identifier: Apache-2.0

public import BenchModel
import Foundation
public import GuestProtocol
import KernelText
public import SystemPackage
import Toolbox

/// Why a guest could not be saved or restored.
public enum SavedGuestError: Error, Sendable, Hashable {
  /// The guest did not reach its hold; its ending tells whose fault that is.
  case neverHeld(GuestEnding)
  case notSaved(LibvirtError)
  case notRestored(LibvirtError)
  /// The options exceed the limit for orders, ``GuestHold/longestOrders``.
  case ordersTooLong(bytes: Int)
}

/// The state of a guest that has booted and waits for its orders. It exists while the body of
/// ``SavingHost/withSavedGuest(_:directory:watch:_:)`` runs.
///
/// Every guest started from it is as fresh as one that has just booted, with these differences:
/// - Its console begins with the console of the boot, because the guest did boot: the release is read from there, and
///   kernel reports during the boot count for each guest. The results begin empty.
/// - All guests begin with the same entropy. Random numbers in the kernel may be equal in two of them.
/// - The guest's clocks stop while it is saved: watchdogs notice no gap, and its time of day is behind by the
///   time it was saved.
public struct SavedGuest<Host: SavingHost>: Sendable {
  /// From the start of the boot to the end of saving, in seconds.
  public let seconds: Double
  private let host: Host
  private let spec: MachineSpec
  private let files: SavedFiles
  private let turn = Capacity(1)

  fileprivate init(_ host: Host, spec: MachineSpec, files: SavedFiles, seconds: Double) {
    self.host = host
    self.spec = spec
    self.files = files
    self.seconds = seconds
  }

  /// Starts a guest from the state while `body` runs. libvirt knows all guests of one state by the same name, so they
  /// run one at a time; a second caller waits.
  /// - Parameters:
  ///   - options: what the guest should do; these are its orders.
  ///   - console: a file for its console; the console of the boot is copied there first.
  ///   - results: a file for its KTAP.
  /// - Throws: ``SavedGuestError``, `CancellationError` if the task was cancelled before its turn, and what
  ///   `body` throws.
  public func withMachine<Result: Sendable>(
    _ options: GuestOptions, console: FilePath, results: FilePath,
    _ body: @Sendable (Host.Running) async throws -> Result
  ) async throws -> Result {
    var spec = spec
    spec.console = console
    spec.results = results
    let secret = GuestSecret.random()
    let orders = options.orders(secret)
    guard orders.utf8.count <= GuestHold.longestOrders else {
      throw SavedGuestError.ordersTooLong(bytes: orders.utf8.count)
    }
    spec.secret = secret
    spec.hold?.orders = orders
    return try await turn.with { [spec] in
      try files.startConsole(console)
      try Data().write(to: URL(filePath: results.string))
      return try await host.withMachine(spec, restoredFrom: files.state, body)
    }
  }
}

extension SavingHost {
  /// Boots a machine up to its hold, saves it, and lets `body` start it from there any number of times, which is
  /// several times faster than booting it again.
  /// - Parameters:
  ///   - spec: the machine. Its console and results are those of the boot. The options on its command line have no
  ///     effect: each guest gets its own as orders.
  ///   - directory: where the state is kept while `body` runs, uncompressed: a few hundred MiB. The guest's emulator
  ///     must be able to write there.
  ///   - watch: its clocks for boot and silence limit the time until the hold.
  /// - Throws: ``SavedGuestError``, what ``MachineHost/withMachine(_:_:)`` throws, and what `body` throws.
  public func withSavedGuest<Result: Sendable, C>(
    _ spec: MachineSpec, directory: FilePath, watch: GuestWatch<C>,
    _ body: (SavedGuest<Self>) async throws -> Result
  ) async throws -> Result {
    try await SavedFiles.with(directory) { files in
      let spec = spec.holding(MachineSpec.Hold(uuid: UUID().uuidString.lowercased()))
      let start = watch.clock.now
      try await withMachine(spec) { machine in
        if let ending = try await watch.hold(machine) { throw SavedGuestError.neverHeld(ending) }
        try await machine.save(to: files.state)
      }
      // Copied only now, so that it includes everything that the kernel printed.
      try files.keepConsole(spec.console)
      let seconds = start.duration(to: watch.clock.now) / .seconds(1)
      return try await body(SavedGuest(self, spec: spec, files: files, seconds: seconds))
    }
  }
}

extension GuestWatch {
  /// Waits until a guest says that it holds.
  /// - Returns: how the guest ended instead; the machine may then still run.
  /// - Throws: `CancellationError`
  func hold(_ machine: some Machine) async throws -> GuestEnding? {
    let line = Array("\(GuestHold.line)\n".utf8)
    let start = clock.now
    var lastWord = start
    var transcript = GuestTranscript()
    var results: [UInt8] = []
    for await signal in machine.signals {
      switch signal {
      case .console(let bytes):
        transcript.console.read(bytes)
        lastWord = clock.now
      case .results(let bytes):
        // This is the first output of such a guest, so anything after it does not matter.
        results += bytes.prefix(line.count - results.count)
        if results == line { return nil }
        lastWord = clock.now
      case .cut, .notKept, .tick: break
      case .stopped(let reason):
        transcript.console.finish()
        return transcript.ending(reason)
      }
      if let overdue = overdue(clock.now, start: start, lastWord: lastWord, hello: nil) { return overdue }
    }
    try Task.checkCancellation()
    return .machineDied("its signals ended unexpectedly")
  }
}
