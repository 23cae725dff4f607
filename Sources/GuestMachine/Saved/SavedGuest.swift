// SPDX-License-Identifier: Apache-2.0

public import BenchModel
import Foundation
public import GuestProtocol
import KernelText
public import SystemPackage
import Toolbox

/// Why a guest could not be saved or restored.
public enum SavedGuestError: Error, Sendable, Hashable {
  /// The guest did not come to where it holds; how it ended instead says whose fault that is.
  case neverHeld(GuestEnding)
  case notSaved(LibvirtError)
  case notRestored(LibvirtError)
  /// The options do not fit into what a guest reads as orders, ``GuestHold/longestOrders``.
  case ordersTooLong(bytes: Int)
}

/// The state of a guest that has booted and waits for its orders. It is there for as long as the body of
/// ``SavingHost/withSavedGuest(_:directory:watch:_:)`` runs.
///
/// Every guest started from it is as fresh as one that has just booted, with these differences:
/// - Its console begins with the console of the boot, because that is what it has lived through: the release is read
///   from there, and what the kernel reported while it booted counts for each guest. The results begin empty.
/// - All begin with the same entropy. What the kernel draws at random may come out equal in two of them.
/// - The guest's clocks stand still while it is saved: no time has passed that a watchdog could miss, and its time of
///   day is behind by how long it lay there.
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

  /// Starts a guest from the state for as long as `body` runs. libvirt knows all guests of one state by one name, so
  /// they run one after another; a second caller waits.
  /// - Parameters:
  ///   - options: what the guest is to do; these are its orders.
  ///   - console: a file for its console; the console of the boot is copied there first.
  ///   - results: a file for its KTAP.
  /// - Throws: ``SavedGuestError``, `CancellationError` if the task was cancelled before its turn, and what `body`
  ///   throws.
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
  /// Boots a machine to where it holds, saves it, and lets `body` start it from there any number of times, which is
  /// several times faster than to boot it again.
  /// - Parameters:
  ///   - spec: the machine. Its console and results are those of the boot. Of the options on its command line nothing
  ///     counts: each guest gets its own as orders.
  ///   - directory: where the state is kept while `body` runs, uncompressed: some hundred MiB. The guest's emulator must
  ///     be able to write there.
  ///   - watch: its clocks for boot and silence say how long the guest may take to its hold.
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
      // Copied only now: what the kernel said up to the last moment is then in it.
      try files.keepConsole(spec.console)
      let seconds = start.duration(to: watch.clock.now) / .seconds(1)
      return try await body(SavedGuest(self, spec: spec, files: files, seconds: seconds))
    }
  }
}

extension GuestWatch {
  /// Waits for a guest to say that it holds.
  /// - Returns: how the guest ended instead; the machine may still run then.
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
        // It is the first that such a guest says, so nothing behind it is of interest.
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
    return .machineDied("its signals ended without a word")
  }
}
