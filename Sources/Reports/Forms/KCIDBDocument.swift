// SPDX-License-Identifier: Apache-2.0

internal import Foundation

/// A report for KCIDB, in its schema 5.3. A field without a value is left out: the schema has no `null`.
struct KCIDBDocument: Encodable {
  /// The CI system that submits. Who submits to a common database puts its own name there.
  static let origin = "patchbench"

  var version = Version()
  var checkouts: [Checkout] = []
  var builds: [Build] = []
  var tests: [Test] = []
  var issues: [Issue] = []
  var incidents: [Incident] = []

  struct Version: Encodable {
    var major = 5
    var minor = 3
  }

  /// Of tests and builds. What the harness is to blame for is `MISS`, and so is what nobody can tell.
  enum Status: String, Encodable {
    case fail = "FAIL"
    case miss = "MISS"
    case pass = "PASS"
    case skip = "SKIP"
  }

  /// A kernel's source with a series, or without one.
  struct Checkout: Encodable {
    var id: String
    var origin = KCIDBDocument.origin
    var gitCommitHash: String?
    /// Empty for the base.
    var patchsetHash: String?
    var messageId: String?
    var comment: String?
    var startTime: String?
    var logExcerpt: String?
    /// Whether the series applies; `nil` if that is not known.
    var valid: Bool?
    var misc: Misc

    struct Misc: Encodable {
      var kernel: String
      var source: String?
      var series: String?
    }
  }

  struct Build: Encodable {
    var id: String
    var checkoutId: String
    var origin = KCIDBDocument.origin
    var comment: String?
    var duration: Double?
    var architecture: String?
    var compiler: String?
    var configName: String
    var status: Status
    var logExcerpt: String?
  }

  struct Test: Encodable {
    var id: String
    var buildId: String
    var origin = KCIDBDocument.origin
    var environment: Environment?
    var path: String
    var comment: String?
    var logExcerpt: String?
    var status: Status
    var duration: Double?
    var misc: Misc?

    struct Environment: Encodable {
      var comment: String
    }

    struct Misc: Encodable {
      /// As the guest calls it.
      var name: String
      /// How it ended on the base, and how the two compare; `nil` for the base's own.
      var base: String?
      var change: String?
    }
  }

  /// A kernel report, by its title.
  struct Issue: Encodable {
    var id: String
    var version = 1
    var origin = KCIDBDocument.origin
    var reportSubject: String
    var culprit = Culprit()
    var comment: String

    struct Culprit: Encodable {
      var code = true
      var tool = false
      var harness = false
    }
  }

  struct Incident: Encodable {
    var id: String
    var origin = KCIDBDocument.origin
    var issueId: String
    var issueVersion = 1
    var buildId: String
    var testId: String?
    var present = true
    var comment: String?
  }

  func encoded() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.keyEncodingStrategy = .convertToSnakeCase
    return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
  }
}

/// The names and texts that KCIDB takes.
enum KCIDBText {
  /// A dotted path: `patchbench.forward.x-to-y.vm-file`.
  static func path(_ test: String) -> String {
    let parts = test.split(separator: "/").map { part in
      String(String.UnicodeScalarView(part.unicodeScalars.map { isPlain($0) ? $0 : "_" }))
    }
    return (["patchbench"] + parts).joined(separator: ".")
  }

  /// A part of an id. Texts that differ stay different.
  static func part(_ text: String) -> String {
    text.utf8.map { byte in
      let scalar = Unicode.Scalar(byte)
      if isPlain(scalar) || scalar == "." || scalar == "/" { return String(scalar) }
      return "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
    }.joined()
  }

  static func comment(_ text: String) -> String { Markdown.cut(text, to: 1000) }

  /// The most characters of an excerpt are 16384.
  static func excerpt(_ lines: [String]) -> String? {
    var text = ""
    var count = 0
    for line in lines {
      let line = Markdown.cut(line, to: 1000) + "\n"
      count += line.unicodeScalars.count
      if count > 16_000 { return text + "...\n" }
      text += line
    }
    return text.isEmpty ? nil : text
  }

  private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
    ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || ("0"..."9").contains(scalar) || scalar == "-"
      || scalar == "_"
  }
}
