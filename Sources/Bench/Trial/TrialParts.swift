// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import GuestMachine
import KernelBuild
import SystemPackage
import Toolbox

/// Which tests the guests of a run are asked.
struct AskedTests: Codable, Sendable, Hashable {
  /// What a guest has to plan, in this order.
  var names: [String]
  /// They are not all that the guest binary has.
  var isPart: Bool
  /// Which tests run what; `nil` where nobody looked.
  var reach: BaseReach?

  private enum CodingKeys: CodingKey { case names, isPart }

  init(names: [String], isPart: Bool) {
    self.names = names
    self.isPart = isPart
  }
}

/// What the guests of a run have in common.
struct GuestSetup: Sendable {
  var accelerator: Accelerator
  var clocks: TrialClocks
  /// Whether the memory of guests that panic or hang is kept.
  var keepsMemory: Bool
  /// What the base's guests start from: with its test driver, and orders.
  var baseInitramfs: FilePath
}

/// How trials are judged while they run.
struct TrialRules: Codable, Sendable {
  var cell: Cell
  var retryPolicy: RetryPolicy
  /// A trial is over as soon as it is certain that it is worse.
  var stopsWhenWorse: Bool
  /// What series are held against instead of the base; `nil` is the base.
  var baseline: Baseline?
  /// Kernel reports that are not held against a series.
  var known: [KnownReport]

  init(_ plan: RunPlan) {
    cell = plan.cell
    retryPolicy = plan.retryPolicy
    stopsWhenWorse = plan.purpose.isOfMutants
    baseline = plan.purpose.baseline
    known = plan.target.kernel.knownReports.filter { Date() < $0.expires }
  }
}

/// Where it stands what the base said when it was tried again.
struct BaseEvidence: Sendable {
  var directory: FilePath
  /// Numbers the tries.
  var tries: Counter
}
