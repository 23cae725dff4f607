// SPDX-License-Identifier: Apache-2.0

public import BenchModel
import Foundation
import SystemPackage
import TestSupport
public import Testing
import Toolbox

/// Debian's validator from python3-jsonschema, so that our schema is not checked by our own reading of it.
enum Validator {
  static let program = "/usr/bin/jsonschema"

  static let schema = schema("report")

  /// The schema `NAME.schema.json`.
  static func schema(_ name: String) -> URL {
    URL(filePath: #filePath)
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Sources/Reports/Schema/\(name).schema.json")
  }

  /// Returns the validator's complaints about a document; empty if it is valid. Throws if there is no validator: a test
  /// that cannot check must not pass.
  static func complaints(about document: String, by schema: URL = schema) async throws -> String {
    let scratch = try Scratch()
    let file = try scratch.write("report.json", document)
    let answer = try await Tool(program, ["--instance", file.string, schema.path]).run()
    let words = answer.output + answer.errors
    return answer.status.isSuccess || !words.isEmpty ? words : "\(answer.status.words) without a word"
  }
}

/// A record is long, and a test's log prints its arguments.
extension RunRecord: CustomTestStringConvertible {
  public var testDescription: String { "a run of \(header.series.count) series" }
}
