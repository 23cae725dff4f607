// SPDX-License-Identifier: Apache-2.0

import BenchModel
import GuestMachine
import GuestProtocol
import KernelBuild

/// How long a guest and its tests may take here: what the profile says, or what guests of the accelerator usually may, and
/// more where bases were measured to boot more slowly.
struct TrialClocks: Codable, Sendable, Hashable {
  var guest: GuestClocks
  /// For one test.
  var test: Int

  /// - Parameter boot: what a base's boot was measured to take, in seconds; `nil` if nothing is known.
  init(_ profile: KernelDefinition.Clocks, _ accelerator: Accelerator, boot: Double?) {
    let slowness = boot.map { .seconds($0) / GuestClocks.usualBoot(accelerator) } ?? 1
    var clocks = GuestClocks.standard(accelerator)
    if let seconds = profile.boot { clocks.boot = .seconds(seconds) }
    if let seconds = profile.silence { clocks.silence = .seconds(seconds) }
    if let seconds = profile.run { clocks.run = .seconds(seconds) }
    guest = clocks.stretched(by: slowness)
    let factor = guest.run / clocks.run
    test = Int(((profile.test ?? Double(GuestOptions().testSeconds)) * factor).rounded(.up))
    // Or a hung test would pass for a hung guest; a killed process may take five seconds to die.
    guest.silence = max(guest.silence, .seconds(test + 15))
  }
}
