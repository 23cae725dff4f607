// SPDX-License-Identifier: Apache-2.0

import Foundation
public import Toolbox

/// The limits for reading and building a series in a cage.
public struct Sandbox: Codable, Sendable, Hashable {
  var limits: ToolLimits

  /// - Parameters:
  ///   - jobs: how many compilers run at once.
  ///   - time: the time limit for one build; `nil` is an hour.
  public init(jobs: Int, time: Duration? = nil) {
    limits = ToolLimits.build(jobs: jobs, machine: Int64(clamping: ProcessInfo.processInfo.physicalMemory))
    if let time { limits.time = time }
  }

  /// Returns the cage with these limits.
  /// - Throws: ``NoCage`` if this machine cannot provide one.
  public func cage() async throws -> Cage { try await Cage.find(limits) }
}
