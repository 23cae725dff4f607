// SPDX-License-Identifier: Apache-2.0

internal import Foundation

/// GitLab's code quality: a JSON array with an entry for each finding that can be tied to a line.
enum CodeQuality {
  static func text(_ runs: ToldRuns) throws -> String {
    var seen: Set<String> = []
    let isInSeveral = runs.records.count + runs.gaps.count > 1
    let issues = LineFindings.all(runs).map { finding in
      Issue(finding, isInSeveral: isInSeveral, fingerprint: fingerprint(finding, &seen))
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.keyEncodingStrategy = .convertToSnakeCase
    return String(decoding: try encoder.encode(issues), as: UTF8.self) + "\n"
  }

  private struct Issue: Encodable {
    var description: String
    var checkName: String
    var fingerprint: String
    var severity: String
    var location: Location

    struct Location: Encodable {
      var path: String
      var lines: Lines
    }

    struct Lines: Encodable {
      var begin: Int
      var end: Int
    }

    init(_ finding: LineFinding, isInSeveral: Bool, fingerprint: String) {
      description = Markdown.cut(finding.sentence(isInSeveral: isInSeveral), to: 1000)
      checkName = "patchbench:\(visible(finding.check))"
      self.fingerprint = fingerprint
      severity = CodeQuality.severity(finding)
      location = Location(path: visible(finding.file), lines: Lines(begin: finding.line, end: finding.end))
    }
  }

  private static func severity(_ finding: LineFinding) -> String {
    switch finding.kind {
    case .doesNotApply, .doesNotBuild: "blocker"
    case .kernelReport: "critical"
    case .newWarning: finding.tool == nil ? "major" : "minor"
    case .notRun: "minor"
    case .notSeen: "info"
    }
  }

  /// GitLab takes findings with equal fingerprints for the same one, in two pipelines and in one report. So it has no
  /// line numbers and no name of a series (`v3`, then `v4`), and a second one in a report has a number.
  private static func fingerprint(_ finding: LineFinding, _ seen: inout Set<String>) -> String {
    var number = 1
    while true {
      let parts = [finding.check, finding.file, finding.lasting] + (number == 1 ? [] : ["\(number)"])
      let text = parts.joined(separator: "\n")
      // Twice, over the text and its reverse: 64 bits are few for all findings that a project ever has.
      let print = [Array(text.utf8), text.utf8.reversed()].map(hash).joined()
      if seen.insert(print).inserted { return print }
      number += 1
    }
  }

  /// FNV-1a (Fowler, Noll, Vo): the same in each process, unlike Swift's own.
  private static func hash(_ bytes: [UInt8]) -> String {
    let hash = bytes.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
