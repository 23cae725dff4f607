// SPDX-License-Identifier: Apache-2.0

import BenchModel
import GuestProtocol
import Toolbox

/// The base's trial, for series that have to wait for it, and what the base's reruns gave.
final class BaseTrials: Sendable {
  /// Fulfilled with `nil` if there will be no trial.
  private let promise = Promise<Trial?>()
  /// Results of reruns, by test name.
  private let known: Locked<[String: [TestResult]]>
  /// The kernel reports of all reruns, the first of each title.
  private let found: Locked<[KernelReport]>
  /// Series that want the same tests take turns, so that the second one reuses the reruns of the first.
  private let turn = Capacity(1)

  /// - Parameters:
  ///   - again: results of reruns from before the run was interrupted, by the number of the rerun.
  ///   - reports: the kernel reports of those reruns.
  init(again: [Int: [TestResult]] = [:], reports: [KernelReport] = []) {
    var known: [String: [TestResult]] = [:]
    for (_, results) in again.sorted(by: { $0.key < $1.key }) {
      for result in results { known[result.name, default: []].append(result) }
    }
    self.known = Locked(known)
    found = Locked([])
    add(reports)
  }

  /// The kernel reports that reruns gave so far, the first of each title.
  var reports: [KernelReport] { found.withLock { $0 } }

  private func add(_ reports: [KernelReport]) {
    found.withLock { found in
      for report in reports where !found.contains(where: { $0.title == report.title }) { found.append(report) }
    }
  }

  /// Sets the base's trial. Only the first call counts.
  /// - Parameter trial: `nil` if there will be none.
  func fulfil(_ trial: Trial?) { promise.fulfil(trial) }

  /// Waits for the base's trial and returns it. The wait also ends when the run is stopped.
  func trial() async -> Trial? { await promise.value }

  /// Returns the base's results of rerunning some tests `times` times.
  /// - Parameter run: runs tests in fresh guests, one per list, and passes each guest's results and kernel
  ///   reports to `tell` as soon as it has them. It is called only for reruns that no series has asked for yet.
  func again(
    _ names: [String], times: Int,
    run: (_ lists: [[String]], _ tell: ([TestResult], [KernelReport]) -> Void) async throws -> Void
  ) async throws -> [[TestResult]] {
    try await turn.with {
      let lists = known.withLock { known in
        (0..<times).map { number in names.filter { (known[$0] ?? []).count <= number } }.filter { !$0.isEmpty }
      }
      var left = lists[...]
      if !lists.isEmpty {
        try await run(lists) { said, reports in
          add(reports)
          let results = Dictionary(said.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
          for name in left.popFirst() ?? [] {
            // A try without an answer counts as a try; otherwise it would be repeated forever.
            let result = results[name] ?? TestResult(name: name, status: .missing)
            known.withLock { $0[name, default: []].append(result) }
          }
        }
      }
      return known.withLock { known in
        (0..<times).map { number in names.compactMap { known[$0]?[number] } }
      }
    }
  }
}
