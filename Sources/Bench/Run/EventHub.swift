// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import Toolbox

/// Stamps events and hands them to every sink, one at a time and in order.
final class EventHub: Sendable {
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
  func record(_ kind: BenchEvent.Kind) throws {
    send(kind)
    if let error = failures.withLock({ $0.record }) { throw error }
    if case .runStarted = kind { started.withLock { $0 = true } }
  }

  /// Whether the record has a run that a report can be made of.
  var hasRunStarted: Bool { started.withLock { $0 } }

  /// Says on stderr which sinks gave up.
  func reportFailures() {
    for (_, words) in failures.withLock({ $0.sinks }).sorted(by: { $0.key < $1.key }) {
      // Standard error may be gone by now.
      try? FileHandle.standardError.write(contentsOf: Data("patchbench: lost events: \(words)\n".utf8))
    }
  }
}
