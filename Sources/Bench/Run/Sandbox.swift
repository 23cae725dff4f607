// SPDX-License-Identifier: Apache-2.0

import Foundation
public import Toolbox

/// What a series may take while it is read and built, in a cage.
public struct Sandbox: Codable, Sendable, Hashable {
  var limits: ToolLimits

  /// - Parameters:
  ///   - jobs: how many compilers run at once.
  ///   - time: the longest that one build may take; `nil` is an hour.
  public init(jobs: Int, time: Duration? = nil) {
    limits = ToolLimits.build(jobs: jobs, machine: Int64(clamping: ProcessInfo.processInfo.physicalMemory))
    if let time { limits.time = time }
  }

  /// - Throws: ``NoCage``
  public func cage() async throws -> Cage { try await Cage.find(limits) }
}
