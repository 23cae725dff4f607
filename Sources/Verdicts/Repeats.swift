// SPDX-License-Identifier: Apache-2.0

public import BenchModel
internal import GuestProtocol

/// One kernel, tried several times: what did not come out the same each time.
public struct Repeats: Codable, Sendable, Hashable {
  /// A test, or what else a run has, with every way that it came out.
  public struct Difference: Codable, Sendable, Hashable {
    public var name: String
    public var outcomes: [Outcome]
  }

  public struct Outcome: Codable, Sendable, Hashable {
    /// `ok, 12 checks`, `not-ok, 12 checks, failed: dma-buf: faults`
    public var words: String
    /// How many runs came out so.
    public var count: Int
  }

  /// How many runs there are.
  public var runs: Int
  /// How many of them came to their end.
  public var completed: Int
  /// In the order of the plan; the way that each began with first.
  public var differences: [Difference]

  /// Whether there is more than one run, each was whole, and all were the same.
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
        add("the run itself", "did not come to a guest")
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
      // A test that some run did not have at all has fewer answers than there are runs.
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
