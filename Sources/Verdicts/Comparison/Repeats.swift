// SPDX-License-Identifier: Apache-2.0

public import BenchModel
internal import GuestProtocol

/// The results that differed when one kernel was run several times.
public struct Repeats: Codable, Sendable, Hashable {
  /// A test, or another result of a run, with all its different outcomes.
  public struct Difference: Codable, Sendable, Hashable {
    public var name: String
    public var outcomes: [Outcome]
  }

  public struct Outcome: Codable, Sendable, Hashable {
    /// `ok, 12 checks`, `not-ok, 12 checks, failed: dma-buf: faults`
    public var words: String
    /// The number of runs with this outcome.
    public var count: Int
  }

  /// The number of runs.
  public var runs: Int
  /// The number of runs that completed.
  public var completed: Int
  /// In the order of the plan; each test's first outcome comes first.
  public var differences: [Difference]

  /// Whether there is more than one run, each completed, and all were the same.
  public var areIdentical: Bool { runs > 1 && differences.isEmpty }

  public init(_ trials: [Trial]) {
    runs = trials.count
    completed = trials.count { if case .ran(let run) = $0.result { run.ending == .completed } else { false } }
    var names: [String] = []
    var outcomes: [String: [String]] = [:]
    func add(_ name: String, _ words: String) {
      if outcomes[name] == nil { names.append(name) }
      outcomes[name, default: []].append(words)
    }
    for trial in trials {
      guard case .ran(let run) = trial.result else {
        add("the run itself", "did not reach a guest")
        continue
      }
      add("the run itself", run.ending == .completed ? "completed" : "ended: \(run.ending.words)")
      add("kernel reports", Set(run.reports.map(\.title)).sorted().joined(separator: "; "))
      for test in run.tests { add(test.name, Self.words(test)) }
    }
    differences = names.compactMap { name in
      let seen = outcomes[name]!
      var counted: [Outcome] = []
      for words in seen {
        if let index = counted.firstIndex(where: { $0.words == words }) {
          counted[index].count += 1
        } else {
          counted.append(Outcome(words: words, count: 1))
        }
      }
      // A test that is absent from some runs has fewer results than there are runs.
      if seen.count < trials.count { counted.append(Outcome(words: "not there", count: trials.count - seen.count)) }
      return counted.count > 1 ? Difference(name: name, outcomes: counted) : nil
    }
  }

  private static func words(_ test: TestResult) -> String {
    let failed = test.checks.filter { !$0.passed }.map(\.name)
    return "\(test.status.rawValue), \(test.checks.count) checks"
      + (failed.isEmpty ? "" : ", failed: \(failed.joined(separator: "; "))")
  }
}
