// SPDX-License-Identifier: Apache-2.0

import Testing
import Toolbox

@testable import Bench

@Suite struct ResourcesTests {
  @Test(arguments: [(1, 8000, 1), (2, 8000, 2), (16, 64000, 16), (16, 4096, 4), (4, 512, 1)])
  func asManyJobsAsCoresAndMemoryCarry(_ row: (processors: Int, memory: Int, jobs: Int)) {
    #expect(Resources.standardJobs(processors: row.processors, memory: row.memory) == row.jobs)
  }

  @Test func theMemoryOfBuildsAndGuestsTogetherStaysWithinTheBudget() async throws {
    let resources = Resources(jobs: 4, memory: 3000)
    try await withThrowingTaskGroup { group in
      for number in 0..<40 {
        group.addTask {
          if number % 2 == 0 {
            try await resources.build { try await Task.sleep(for: .milliseconds(1)) }
          } else {
            try await resources.guest { try await Task.sleep(for: .milliseconds(1)) }
          }
        }
      }
      try await group.waitForAll()
    }
    #expect(resources.memory.peak <= 3000)
    #expect(resources.memory.peak > 1500, "a build and a guest fit at the same time")
    #expect(resources.guests.peak <= 4)
    #expect(resources.builds.peak <= 1)
  }
}
