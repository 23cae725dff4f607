// SPDX-License-Identifier: Apache-2.0

import BenchModel
import GuestMachine
import GuestProtocol
import KernelBuild

/// The time limits for a guest and its tests: those of the profile, or else the usual ones for the accelerator. They
/// are longer if bases were measured to boot more slowly on this machine.
struct TrialClocks: Codable, Sendable, Hashable {
  var guest: GuestClocks
  /// For one test, in seconds.
  var test: Int

  /// - Parameter boot: the measured boot time of a base, in seconds; `nil` if nothing is known.
  init(_ profile: KernelDefinition.Clocks, _ accelerator: Accelerator, boot: Double?) {
    let slowness = boot.map { .seconds($0) / GuestClocks.usualBoot(accelerator) } ?? 1
    var clocks = GuestClocks.standard(accelerator)
    if let seconds = profile.boot { clocks.boot = .seconds(seconds) }
    if let seconds = profile.silence { clocks.silence = .seconds(seconds) }
    if let seconds = profile.run { clocks.run = .seconds(seconds) }
    guest = clocks.stretched(by: slowness)
    let factor = guest.run / clocks.run
    test = Int(((profile.test ?? Double(GuestOptions().testSeconds)) * factor).rounded(.up))
    // Otherwise a hung test would look like a hung guest. A killed process may take five seconds to die.
    guest.silence = max(guest.silence, .seconds(test + 15))
  }
}
