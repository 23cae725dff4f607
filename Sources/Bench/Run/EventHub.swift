// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Dispatch
import Foundation
import Toolbox

/// Stamps events and hands them to every sink, one at a time and in order. Sinks write and sync files, so they are called
/// on a queue of their own and never on the cooperative pool.
final class EventHub: Sendable {
  private let queue = DispatchQueue(label: "patchbench.events")
  /// The run's record, without which nothing that was finished counts.
  private let recorder: any EventSink
  private let sinks: [any EventSink]
  private let started: Locked<Bool>

  private struct Failures {
    var record: (any Error)?
    /// The first failure of each sink that failed; it gets no more events.
    var sinks: [Int: String] = [:]
  }
  private let failures = Locked(Failures())

  /// - Parameter isStarted: the record has a run that is gone on with.
  init(_ recorder: any EventSink, _ sinks: [any EventSink], isStarted: Bool = false) {
    self.recorder = recorder
    self.sinks = sinks
    started = Locked(isStarted)
  }

  /// Tells of something that nobody has to know later.
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

  /// Tells of something that is finished. It is on the disk when this returns.
  /// - Throws: what kept the record from taking it, or anything before it: a record with holes is none, so the run ends.
  func record(_ kind: BenchEvent.Kind) async throws {
    send(kind)
    await drain()
    if let error = failures.withLock({ $0.record }) { throw error }
    if case .runStarted = kind { started.withLock { $0 = true } }
  }

  /// Waits for all events that were sent.
  func drain() async { await withCheckedContinuation { waiting in queue.async { waiting.resume() } } }

  /// Whether the record has a run that a report can be made of.
  var hasRunStarted: Bool { started.withLock { $0 } }

  /// Says on stderr which sinks gave up. All events are delivered first; a run ends with ``record(_:)``, so none is left.
  func reportFailures() {
    queue.sync {}
    for (_, words) in failures.withLock({ $0.sinks }).sorted(by: { $0.key < $1.key }) {
      // Standard error may be gone by now.
      try? FileHandle.standardError.write(contentsOf: Data("patchbench: lost events: \(words)\n".utf8))
    }
  }
}
