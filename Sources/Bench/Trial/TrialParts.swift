// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import GuestMachine
import GuestProtocol
import KernelBuild
import SystemPackage
import Toolbox

/// The tests that the guests of a run are asked to run.
struct AskedTests: Codable, Sendable, Hashable {
  /// The tests that a guest must plan, in this order.
  var names: [String]
  /// Whether these are only some of the guest binary's tests.
  var isPart: Bool
  /// Which tests run which code; `nil` if that was not examined.
  var reach: BaseReach?

  private enum CodingKeys: CodingKey { case names, isPart }

  init(names: [String], isPart: Bool) {
    self.names = names
    self.isPart = isPart
  }

  /// Returns the tests for a change, in the order in which bad news comes soonest.
  /// - Parameter base: the base's trial, if it is over.
  func inOrder(for change: CodeChange?, base: Trial?) -> AskedTests {
    var other = self
    if let reach {
      other.names = reach.runners(names, of: change) ?? reach.order(names, for: change)
    } else if let reach = base?.reach, case .ran(let run)? = base?.result {
      let near = reach.tests(running: change?.runningFunctions ?? [], of: run.tests.map(\.name))
      other.names = BaseReach.order(names, first: near)
    }
    other.isPart = isPart || other.names != names
    return other
  }

  /// Returns the tests with those first that one of the witnesses names.
  func first(_ witnesses: [Witness]) -> AskedTests {
    var other = self
    let isNamed = { name in witnesses.contains { $0.names(test: name) } }
    other.names = names.filter(isNamed) + names.filter { !isNamed($0) }
    other.isPart = isPart || other.names != names
    return other
  }

  /// Returns what a guest gets besides its binary to run these tests.
  func extras(_ modules: GuestModules, trace: CodeTrace) -> Initramfs.Extras {
    Initramfs.Extras(
      driver: modules.driver.forGuest, counter: modules.counter.forGuest, trace: trace.request,
      orders: isPart ? GuestOptions(only: names) : nil)
  }
}

extension CodeChange {
  /// The changed functions, and those that a changed piece was inlined into.
  var runningFunctions: [String] { functions.map(\.name) + pieces.flatMap(\.carriers) }
}

extension Trial {
  /// Takes the counts of the base's functions out of the guest's run, and keeps only which tests ran which.
  mutating func keepReach() {
    guard case .ran(var run) = result, let execution = run.execution else { return }
    if execution.failure == nil { reach = TestReach(execution, tests: run.tests.map(\.name)) }
    run.execution = nil
    result = .ran(run)
  }
}

/// What all guests of a run have in common.
struct GuestSetup: Sendable {
  var accelerator: Accelerator
  var clocks: TrialClocks
  /// Whether to save the memory of guests that panic or hang.
  var keepsMemory: Bool
  /// The initramfs of the base's guests, with its test driver and orders.
  var baseInitramfs: FilePath
}

/// How trials are judged while they run.
struct TrialRules: Codable, Sendable {
  var cell: Cell
  var retryPolicy: RetryPolicy
  /// Whether a trial ends as soon as it is certainly worse.
  var stopsWhenWorse: Bool
  /// What ends a planted fault's trial as soon as it is certain, by series; `nil` if nothing does.
  var witnesses: [String: [Witness]]?
  /// Whether the run is one of mutants.
  var isOfMutants: Bool
  /// What series are compared with; `nil` is the base.
  var baseline: Baseline?
  /// Kernel reports that do not count against a series.
  var known: [KnownReport]
  /// See ``RunChoices/settings``; `nil` for none.
  var settings: [String]?
  /// See ``RunChoices/eachPatch``.
  var eachPatch: EachPatch

  init(_ plan: RunPlan) {
    cell = plan.cell
    retryPolicy = plan.retryPolicy
    stopsWhenWorse = plan.purpose.isOfMutants || plan.choices.stopsAtFirst
    witnesses = plan.purpose.witnesses.isEmpty ? nil : plan.purpose.witnesses
    isOfMutants = plan.purpose.isOfMutants
    baseline = plan.purpose.baseline
    known = plan.target.kernel.knownReports.filter { Date() < $0.expires }
    settings = plan.choices.settings.isEmpty ? nil : plan.choices.settings
    eachPatch = plan.choices.eachPatch
  }
}

/// The evidence of the base's reruns.
struct BaseEvidence: Sendable {
  var directory: FilePath
  /// Numbers the reruns.
  var tries: Counter
}
