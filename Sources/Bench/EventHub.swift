import BenchModel
import Foundation
import Synchronization

/// Stamps events and hands them to every sink, one at a time and in order.
final class EventHub: Sendable {
  private let sinks: [any EventSink]
  private let started = Mutex(false)
  /// The first failure of each sink that failed; it gets no more events.
  private let failed = Mutex<[Int: String]>([:])

  init(_ sinks: [any EventSink]) { self.sinks = sinks }

  func send(_ kind: BenchEvent.Kind) {
    let event = BenchEvent(at: Date(), kind: kind)
    if case .runStarted = kind { started.withLock { $0 = true } }
    failed.withLock { failed in
      for (index, sink) in sinks.enumerated() where failed[index] == nil {
        do { try sink.take(event) } catch { failed[index] = "\(type(of: sink)): \(error)" }
      }
    }
  }

  /// Whether the record has a run that a report can be made of.
  var hasRunStarted: Bool { started.withLock { $0 } }

  /// Says on stderr which sinks gave up, since a record with holes must not pass for a whole one.
  func reportFailures() {
    for (_, words) in failed.withLock({ $0 }).sorted(by: { $0.key < $1.key }) {
      FileHandle.standardError.write(Data("patchbench: lost events: \(words)\n".utf8))
    }
  }
}
