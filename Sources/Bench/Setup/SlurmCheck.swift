// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc

extension Doctor {
  /// Checks for what an executor needs besides what every run needs.
  public static func executor(_ choice: ExecutorChoice, _ environment: [String: String]) -> [DoctorCheck] {
    choice == .slurm ? slurm(environment, state: .missing) : []
  }

  /// Checks for Slurm's programs. Clusters often have them in a directory of their own, so they are searched like the user
  /// would.
  /// - Parameter state: what it is if one is not there.
  static func slurm(_ environment: [String: String], state: DoctorCheck.State) -> [DoctorCheck] {
    let directories = environment["PATH", default: ""].split(separator: ":")
    func path(_ program: String) -> String? {
      directories.map { "\($0)/\(program)" }.first { access($0, X_OK) == 0 }
    }
    let missing = ["sbatch", "squeue", "scancel"].first { path($0) == nil }
    return [
      DoctorCheck(
        name: "Slurm", state: missing == nil ? .ok : state,
        detail: missing.map { "\($0) not found: without it, trials do not run as Slurm's jobs (--executor slurm)" }
          ?? path("sbatch")!,
        remedy: missing == nil ? nil : .packages(["slurm-client"]))
    ]
  }
}
