// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import GuestProtocol
import Testing

/// The guest does without their coding, so it is an extension of its own.
@Suite struct CodedResultsTests {
  private static let check = Check(name: "a", passed: true, detail: "b", design: .file)
  private static let result = TestResult(name: "a", status: .notOk, reason: "c", checks: [check])

  private func keys(_ value: some Encodable) throws -> Set<String> {
    let object = try JSONSerialization.jsonObject(with: JSONEncoder().encode(value))
    return Set(try #require(object as? [String: Any]).keys)
  }

  private func fields(_ value: some Any) -> Set<String> { Set(Mirror(reflecting: value).children.compactMap(\.label)) }

  @Test func everyFieldIsCoded() throws {
    #expect(try keys(Self.check) == fields(Self.check))
    #expect(try keys(Self.result) == fields(Self.result))
  }

  @Test func whatIsCodedIsReadAgain() throws {
    let data = try JSONEncoder().encode(Self.result)
    #expect(try JSONDecoder().decode(TestResult.self, from: data) == Self.result)
  }
}
