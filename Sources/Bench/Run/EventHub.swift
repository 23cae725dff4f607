// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import Toolbox

/// Adds the time to events and passes them to every sink, one at a time and in order.
final class EventHub: Sendable {
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
  func record(_ kind: BenchEvent.Kind) throws {
    send(kind)
    if let error = failures.withLock({ $0.record }) { throw error }
    if case .runStarted = kind { started.withLock { $0 = true } }
  }

  /// Whether the record has a run, so that a report can be made.
  var hasRunStarted: Bool { started.withLock { $0 } }

  /// Prints on stderr which sinks failed.
  func reportFailures() {
    for (_, words) in failures.withLock({ $0.sinks }).sorted(by: { $0.key < $1.key }) {
      // Standard error may be closed by now.
      try? FileHandle.standardError.write(contentsOf: Data("patchbench: lost events: \(words)\n".utf8))
    }
  }
}
