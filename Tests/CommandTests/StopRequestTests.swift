// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import patchbench

@Suite("a request to stop") struct StopRequestTests {
  @Test("signals at the same time are one request, and a later one is another")
  func meanings() {
    let start = ContinuousClock.now
    var requests = StopRequests()
    let times: [Duration] = [.zero, .milliseconds(1), .milliseconds(999), .seconds(1), .seconds(60)]
    let found = times.map { requests.next(at: start + $0) }
    #expect(found == [.stop, .sameAgain, .sameAgain, .stopAtOnce, .stopAtOnce])
  }
}
