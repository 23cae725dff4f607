// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import GuestProtocol

/// How long each test of a series may take, from how long it took on the base. A test that hangs then costs seconds, and
/// not the time that the slowest test may take on a busy machine.
///
/// A test that runs out of such a limit has not failed: it gets another try with the long limit.
struct TestLimits: Sendable, Hashable {
  /// How much longer than on the base a test may take.
  static let multiple = 10.0
  /// The least that a test gets, as a share of the long limit: 10 s of the usual 45. Ten times less than a millisecond
  /// would be too little on a machine that becomes busy.
  private static let least = 2.0 / 9
  /// How many tests have a limit of their own; a kernel's command line has no room for more. Others get the least of
  /// theirs.
  private static let most = 20

  /// The limit without evidence, in seconds.
  let long: Int
  /// The limit of most tests, in seconds.
  let short: Int
  /// The tests with longer limits.
  let slow: [String: Int]

  /// The long limit for every test.
  init(long: Int) {
    self.long = long
    short = long
    slow = [:]
  }

  /// - Parameter base: a run of all tests on the base; `nil` if it is not known yet.
  init(long: Int, base: GuestRun?) {
    self.long = long
    guard let seconds = base?.seconds, base?.ending == .completed else {
      short = long
      slow = [:]
      return
    }
    let least = Int((Double(long) * Self.least).rounded(.up))
    let limits = seconds.compactMapValues { taken -> Int? in
      guard taken.isFinite, taken < Double(long) else { return long }
      return max(least, min(long, Int((taken * Self.multiple).rounded(.up))))
    }
    let longer = limits.filter { $0.value > least }.sorted { ($0.value, $1.key) > ($1.value, $0.key) }
    short = longer.count > Self.most ? longer[Self.most].value : least
    slow = Dictionary(uniqueKeysWithValues: longer.prefix(Self.most).filter { [short] in $0.value > short })
  }

  func seconds(for test: String) -> Int { slow[test] ?? short }

  /// The options for a guest.
  func options(only names: [String] = []) -> GuestOptions {
    var options = GuestOptions(only: names, testSeconds: short)
    options.slow = names.isEmpty ? slow : slow.filter { names.contains($0.key) }
    return options
  }

  /// Takes back the answers of tests that only ran out of a short limit. They count as skipped until a try with the long
  /// limit gives the answer. A test that survives SIGKILL has shown that it hangs.
  func takingBack(_ run: GuestRun, base: GuestRun?) -> GuestRun {
    var run = run
    for (index, test) in run.tests.enumerated() {
      let limit = seconds(for: test.name)
      guard test.status == .timeout, !test.hangs, limit < long else { continue }
      let taken = (base?.seconds?[test.name]).map { String(format: "%.2f s", $0) } ?? "an unknown time"
      run.overdue = (run.overdue ?? []) + [test.name]
      run.tests[index].status = .skip
      run.tests[index].reason =
        "not done in \(limit) s; it took \(taken) on the base, so its limit was \(Int(Self.multiple)) times that, and at "
        + "least \(short) s"
    }
    return run
  }
}
