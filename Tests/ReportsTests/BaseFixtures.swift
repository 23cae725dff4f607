// SPDX-License-Identifier: Apache-2.0

import BenchModel

extension RunRecord {
  /// Adds which base was taken, and a series that stands on another one.
  mutating func tellBase() {
    header.choice = BaseChoice(
      reason: .applies,
      compared: [
        BaseChoice.Compared(kernel: "linux-6.12", applies: 10, exact: 7),
        BaseChoice.Compared(kernel: "linux-6.1", applies: 4, exact: 0),
      ])
    header.fits = ["leave": BaseFit(exact: 2, told: 2), "share": BaseFit(exact: 1, told: 3)]
    var prerequisite = header.series[0].patches[0]
    (prerequisite.subject, prerequisite.file, prerequisite.from) = ("drm: before", "leave/0001-share.patch", "leave")
    header.series[1].patches.insert(prerequisite, at: 0)
    header.series[1].origin = SeriesOrigin()
    header.series[1].origin?.baseCommit = "401ae99111859c05a0e06eb8ddc2e4667ac71c7e"
  }

  /// The same with text that has an effect if it is not escaped.
  mutating func tellHostileBase() {
    header.choice = BaseChoice(
      reason: .madeFrom, revision: hostile,
      compared: [BaseChoice.Compared(kernel: hostile, applies: 1, exact: 1)])
    header.choice?.untaken = BaseChoice.Untaken(kernel: hostile, commit: hostile)
    header.fits = [hostile: BaseFit(exact: 1, told: 2)]
    var prerequisite = header.series[0].patches[0]
    prerequisite.from = hostile + " of another"
    header.series[0].patches.insert(prerequisite, at: 0)
  }
}
