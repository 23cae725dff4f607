// SPDX-License-Identifier: Apache-2.0

import BenchModel
import GuestProtocol
import Toolbox

/// The base's trial, for those that have to wait for it, and what its tests said when they were tried again.
final class BaseTrials: Sendable {
  private struct State {
    var isOver = false
    var trial: Trial?
    var waiting: [CheckedContinuation<Void, Never>] = []
    /// By the test's name.
    var again: [String: [TestResult]] = [:]
  }

  private let state: Locked<State>
  /// Series that want the same tests take turns, so that the second finds what the first has had done.
  private let turn = Capacity(1)

  /// - Parameter again: what tests said that were tried again before the run was broken off, by the number of the time.
  init(again: [Int: [TestResult]] = [:]) {
    var known = State()
    for (_, results) in again.sorted(by: { $0.key < $1.key }) {
      for result in results { known.again[result.name, default: []].append(result) }
    }
    state = Locked(known)
  }

  /// Says what came of the base's trial; the first word counts.
  /// - Parameter trial: `nil` if there will be none.
  func fulfil(_ trial: Trial?) {
    let waiting = state.withLock { state in
      if state.isOver { return [] as [CheckedContinuation<Void, Never>] }
      state.isOver = true
      state.trial = trial
      defer { state.waiting = [] }
      return state.waiting
    }
    for one in waiting { one.resume() }
  }

  /// The base's trial once it is over, which it is also when the run is stopped.
  func trial() async -> Trial? {
    await withCheckedContinuation { continuation in
      let isOver = state.withLock { state in
        if !state.isOver { state.waiting.append(continuation) }
        return state.isOver
      }
      if isOver { continuation.resume() }
    }
    return state.withLock { $0.trial }
  }

  /// What the base says of some tests when they are tried again, so and so often.
  /// - Parameter run: runs tests in fresh guests, one for each of the lists, and tells what each guest said as soon as it
  ///   did; called for those that nobody has tried again yet.
  func again(
    _ names: [String], times: Int,
    run: (_ lists: [[String]], _ tell: ([TestResult]) -> Void) async throws -> Void
  ) async throws -> [[TestResult]] {
    try await turn.with {
      let lists = state.withLock { state in
        (0..<times).map { number in names.filter { (state.again[$0] ?? []).count <= number } }.filter { !$0.isEmpty }
      }
      var left = lists[...]
      if !lists.isEmpty {
        try await run(lists) { said in
          let results = Dictionary(said.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
          for name in left.popFirst() ?? [] {
            // A try that gave no answer counts as a try, or it would be made for ever.
            let result = results[name] ?? TestResult(name: name, status: .missing)
            state.withLock { $0.again[name, default: []].append(result) }
          }
        }
      }
      return state.withLock { state in
        (0..<times).map { number in names.compactMap { state.again[$0]?[number] } }
      }
    }
  }
}
