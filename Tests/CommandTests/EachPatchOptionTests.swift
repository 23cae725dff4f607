// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Bench
import Testing

@testable import patchbench

@Suite("The option for each patch") struct EachPatchOptionTests {
  @Test("each patch is built unless something else is asked for")
  func values() throws {
    #expect(try RunCommand.parse(["series"]).eachPatch == .build)
    #expect(try RunCommand.parse(["series", "--each-patch", "none"]).eachPatch == .none)
    #expect(try RunCommand.parse(["series", "--each-patch", "test"]).eachPatch == .test)
    #expect(throws: (any Error).self) { try RunCommand.parse(["series", "--each-patch", "all"]) }
  }

  @Test("it is not known which of several results of a whole series a patch is compared with")
  func repeated() throws {
    _ = try RunCommand.parse(["series", "--each-patch", "build", "--repeat", "3"])
    #expect(throws: (any Error).self) { try RunCommand.parse(["series", "--each-patch", "test", "--repeat", "3"]) }
  }
}
