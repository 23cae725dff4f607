// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Dispatch
import Foundation
import Toolbox

/// Adds the time to events and passes them to every sink, one at a time and in order. Sinks write and sync files, so they
/// are called on a queue of their own and never on the cooperative pool.
final class EventHub: Sendable {
  private let queue = DispatchQueue(label: "patchbench.events")
  /// The run's record. Without it, finished work does not count.
  private let recorder: any EventSink
  private let sinks: [any EventSink]
  private let started: Locked<Bool>

  private struct Failures {
    var record: (any Error)?
    /// The first failure of each failed sink. A failed sink gets no more events.
    var sinks: [Int: String] = [:]
  }
  private let failures = Locked(Failures())

  /// - Parameter isStarted: whether the record already has a run, which is being resumed.
  init(_ recorder: any EventSink, _ sinks: [any EventSink], isStarted: Bool = false) {
    self.recorder = recorder
    self.sinks = sinks
    started = Locked(isStarted)
  }

  /// Sends an event that need not be on disk when this returns.
  func send(_ kind: BenchEvent.Kind) {
    let event = BenchEvent(at: Date(), kind: kind)
    queue.async { self.deliver(event) }
  }

  private func deliver(_ event: BenchEvent) {
    failures.withLock { failures in
      if failures.record == nil {
        do { try recorder.take(event) } catch { failures.record = error }
      }
      for (index, sink) in sinks.enumerated() where failures.sinks[index] == nil {
        do { try sink.take(event) } catch { failures.sinks[index] = "\(type(of: sink)): \(error)" }
      }
    }
  }

  /// Sends an event about finished work. It is on disk when this returns.
  /// - Throws: the error in recording this event or an earlier one. A record must have no gaps, so the run ends.
  func record(_ kind: BenchEvent.Kind) async throws {
    send(kind)
    await drain()
    if let error = failures.withLock({ $0.record }) { throw error }
    if case .runStarted = kind { started.withLock { $0 = true } }
  }

  /// Waits until all events that were sent are delivered.
  func drain() async { await withCheckedContinuation { waiting in queue.async { waiting.resume() } } }

  /// Whether the record has a run, so that a report can be made.
  var hasRunStarted: Bool { started.withLock { $0 } }

  /// Prints on stderr which sinks failed. It waits for the queue, which is empty: a run's last event is recorded.
  func reportFailures() {
    queue.sync {}
    for (_, words) in failures.withLock({ $0.sinks }).sorted(by: { $0.key < $1.key }) {
      // Standard error may be closed by now.
      try? FileHandle.standardError.write(contentsOf: Data("patchbench: lost events: \(words)\n".utf8))
    }
  }
}
