// SPDX-License-Identifier: Apache-2.0

import BenchModel
import GuestProtocol
import Toolbox

/// The base's trial, for those that have to wait for it, and what its tests said when they were tried again.
final class BaseTrials: Sendable {
  /// `nil` once it is known that there will be none.
  private let promise = Promise<Trial?>()
  /// What tests said when they were tried again, by their names.
  private let known: Locked<[String: [TestResult]]>
  /// Series that want the same tests take turns, so that the second finds what the first has had done.
  private let turn = Capacity(1)

  /// - Parameter again: what tests said that were tried again before the run was broken off, by the number of the time.
  init(again: [Int: [TestResult]] = [:]) {
    var known: [String: [TestResult]] = [:]
    for (_, results) in again.sorted(by: { $0.key < $1.key }) {
      for result in results { known[result.name, default: []].append(result) }
    }
    self.known = Locked(known)
  }

  /// Says what came of the base's trial; the first word counts.
  /// - Parameter trial: `nil` if there will be none.
  func fulfil(_ trial: Trial?) { promise.fulfil(trial) }

  /// The base's trial once it is over, which it is also when the run is stopped.
  func trial() async -> Trial? { await promise.value }

  /// What the base says of some tests when they are tried again, so and so often.
  /// - Parameter run: runs tests in fresh guests, one for each of the lists, and tells what each guest said as soon as it
  ///   did; called for those that nobody has tried again yet.
  func again(
    _ names: [String], times: Int,
    run: (_ lists: [[String]], _ tell: ([TestResult]) -> Void) async throws -> Void
  ) async throws -> [[TestResult]] {
    try await turn.with {
      let lists = known.withLock { known in
        (0..<times).map { number in names.filter { (known[$0] ?? []).count <= number } }.filter { !$0.isEmpty }
      }
      var left = lists[...]
      if !lists.isEmpty {
        try await run(lists) { said in
          let results = Dictionary(said.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
          for name in left.popFirst() ?? [] {
            // A try that gave no answer counts as a try, or it would be made for ever.
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
