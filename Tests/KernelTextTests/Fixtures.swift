// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// A file with the expected results above a line `---`, and a tool's output below it.
struct Fixture: Sendable, CustomTestStringConvertible {
  var name: String
  var header: [(key: String, value: String)]
  var body: [UInt8]

  var testDescription: String { name }

  func values(_ key: String) -> [String] { header.filter { $0.key == key }.map(\.value) }

  /// Returns the parts of a value that are separated by ` | `; a lone `-` stands for nothing.
  static func parts(_ value: String) -> [String?] {
    value.components(separatedBy: " | ").map { $0 == "-" ? nil : $0 }
  }

  static func all(_ directory: String) -> [Fixture] {
    let root = Bundle.module.resourceURL!.appendingPathComponent("Fixtures/\(directory)")
    let files = try! FileManager.default.contentsOfDirectory(at: root, includingPropertiesForKeys: nil)
    return files.sorted { $0.lastPathComponent < $1.lastPathComponent }.map {
      Fixture($0.lastPathComponent, [UInt8](try! Data(contentsOf: $0)))
    }
  }

  static func named(_ name: String, in directory: String) -> Fixture { all(directory).first { $0.name == name }! }

  private init(_ name: String, _ bytes: [UInt8]) {
    self.name = name
    header = []
    var rest = bytes[...]
    while let end = rest.firstIndex(of: 0x0a) {
      let line = String(decoding: rest[..<end], as: UTF8.self)
      rest = rest[(end + 1)...]
      if line.hasPrefix("---") { break }
      let colon = line.firstIndex(of: ":")!
      header.append((String(line[..<colon]), String(line[colon...].dropFirst(2))))
    }
    body = Array(rest)
  }
}
