import Foundation
import Testing

/// Debian's validator, from python3-jsonschema: not our own reading of our own schema.
enum Validator {
  static let program = "/usr/bin/jsonschema"

  static let schema = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Sources/Reports/Schema/report.schema.json")

  /// What the validator has against a document; empty if it is valid. Throws where there is no validator: a test that
  /// cannot look must not pass.
  static func complaints(about document: String) throws -> String {
    let file = FileManager.default.temporaryDirectory.appending(path: "patchbench-\(UUID().uuidString).json")
    try Data(document.utf8).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    let pipe = Pipe()
    let process = Process()
    process.executableURL = URL(filePath: program)
    process.arguments = ["--instance", file.path, schema.path]
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let output = String(decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    process.waitUntilExit()
    if process.terminationStatus == 0 { return output }
    return output.isEmpty ? "ended with \(process.terminationStatus) and no word" : output
  }
}
