// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import GuestProtocol
import Testing

@testable import Reports

@Suite struct SchemaTests {
  @Test func theValidatorIsThere() {
    #expect(
      FileManager.default.isExecutableFile(atPath: Validator.program),
      "\(Validator.program) is missing: apt-get install python3-jsonschema")
  }

  static let runs: [(String, RunRecord)] = [
    ("every verdict", everyVerdict()),
    ("hostile", hostileRun()),
    ("broken off at once", record(header([series("a")]), base: nil, results: [], interrupted: nil)),
    (
      "stopped",
      record(
        header([series("a"), series("b")]), base: guest([plain]), results: [(.interrupted, StageSeconds())],
        interrupted: true)
    ),
    ("no series", record(header([]), base: guest([plain]), results: [])),
    (
      "base failed", record(header([series("a")]), base: .fault(HarnessFault(stage: .build, message: "x")), results: [])
    ),
    (
      "base does not build",
      record(
        header([series("a")]), base: .doesNotBuild(BuildFailure(diagnostics: [], tail: ["Killed"])),
        results: [(guest([plain]), allSeconds)])
    ),
    ("numbers that are no times", oddTimes()),
    ("nothing is known that need not be", withoutOptions()),
    ("every ending", everyEnding()),
    ("every kind", everyKind()),
    ("resumed", resumed()),
  ]

  @Test(arguments: runs) func everyReportIsValid(name: String, run: RunRecord) async throws {
    #expect(try await Validator.complaints(about: Report(record: run).json()) == "")
  }

  /// Changes to a valid report, each of which must be detected.
  static let wounds: [(String, String)] = [
    ("\"format\" : 2", "\"format\" : 1"),
    ("\"verdict\" : \"fixes\"", "\"verdict\" : \"pass\""),
    ("\"verdict\" : \"fixes\"", "\"verdicts\" : \"fixes\""),
    ("\"stage\" : \"done\"", "\"stage\" : \"end\""),
    ("\"onBase\" : true", "\"onBase\" : \"yes\""),
    ("\"onBase\" : true,", ""),
    ("\"change\" : \"fixed\"", "\"change\" : \"better\""),
    ("\"series\" : \"not-ok\"", "\"series\" : null"),
    ("\"boot\" : null,", ""),
    ("\"applyFailure\" : null,", ""),
    ("\"interrupted\" : false", "\"interrupted\" : false, \"extra\" : 1"),
    ("\"hunk\" : 3", "\"hunk\" : \"3\""),
    ("\"hunk\" : 3", "\"hunk\" : 3, \"extra\" : 1"),
    ("\"passed\" : false", "\"passed\" : 0"),
    ("\"started\" : \"2026-", "\"started\" : \"26-"),
    ("\"reportSeconds\" : 0.042,", ""),
    ("\"reportSeconds\" : 0.042", "\"reportSeconds\" : -1"),
    ("\"compile\" : 41.4,", ""),
    ("\"link\" : 6.75", "\"link\" : -6.75"),
    ("\"collect\" : 0.04", "\"collect\" : \"0.04 s\""),
    ("\"method\" : \"replay\"", "\"method\" : \"magic\""),
    ("\"cached\" : 9", "\"cached\" : -9"),
    ("\"cached\" : 9", "\"cached\" : 9.5"),
    ("\"sharedPatches\" : 2", "\"sharedPatches\" : 2, \"extra\" : 1"),
    ("\"work\" : null", "\"works\" : null"),
    ("\"outcome\" : \"left-out\"", "\"outcome\" : \"skipped\""),
    ("\"cure\" : 4", "\"cure\" : 1"),
    ("\"lastBad\" : 1,", ""),
  ]

  @Test(arguments: wounds) func aBrokenReportIsRejected(from: String, to: String) async throws {
    let sound = try Report(record: everyVerdict()).json(isIndented: true)
    let range = try #require(sound.range(of: from))
    let wounded = sound.replacingCharacters(in: range, with: to)
    // Still JSON, so that the schema is what rejects it.
    _ = try JSONSerialization.jsonObject(with: Data(wounded.utf8))
    #expect(try await Validator.complaints(about: wounded) != "")
  }

  @Test func everyFieldIsDescribedAndEveryObjectClosed() throws {
    let data = try Data(contentsOf: Validator.schema)
    let schema = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    var fields = 0
    func walk(_ value: Any, _ path: String) {
      if let list = value as? [Any] { for entry in list { walk(entry, path) } }
      guard let object = value as? [String: Any] else { return }
      if object["type"] as? String == "object" {
        #expect(object["additionalProperties"] as? Bool == false, "\(path) is open")
        let properties = object["properties"] as? [String: Any] ?? [:]
        #expect(Set(object["required"] as? [String] ?? []) == Set(properties.keys), "\(path) has optional fields")
        for (name, field) in properties {
          fields += 1
          let description = (field as? [String: Any])?["description"] as? String ?? ""
          #expect(description.count > 3, "\(path)/\(name) is not described")
        }
      }
      for (key, entry) in object { walk(entry, "\(path)/\(key)") }
    }
    walk(schema, "")
    #expect(fields > 60)
  }

  @Test func absentIsNullAndNotLeftOut() throws {
    let run = record(
      header([series("a")]), base: guest([plain]),
      results: [(guest([plain], reports: [report("x")]), StageSeconds([.apply: 1]))])
    let json = try Report(record: run).json()
    let document = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
    let list = try #require(document["series"] as? [[String: Any]])
    let cells = try #require(list[0]["cells"] as? [[String: Any]])
    let seconds = try #require(cells[0]["seconds"] as? [String: Any])
    #expect(seconds["boot"] is NSNull)
    #expect(seconds["apply"] as? Double == 1)
    #expect(seconds["build"] is NSNull)
    #expect(seconds["total"] as? Double == 1)
    #expect(cells[0]["work"] is NSNull)
    #expect(document["reportSeconds"] is NSNull)
    let reports = try #require(cells[0]["kernelReports"] as? [[String: Any]])
    #expect(reports[0]["test"] is NSNull)
  }

  @Test func equalRunsGiveEqualBytes() throws {
    #expect(try Report(record: everyVerdict()).json() == Report(record: everyVerdict()).json())
  }

  /// A record in which every optional is `nil`.
  private static func withoutOptions() -> RunRecord {
    let bare = ["a", "b", "c"].map { name in
      PatchSeries(
        name: name,
        patches: series(name).patches.map { bare in
          var bare = bare
          bare.trailers = nil
          return bare
        })
    }
    let run = GuestRun(
      release: nil, accelerator: .kvm, ending: .completed, booted: true, tests: [plain],
      reports: [report("WARNING in x", test: nil)], anomalies: [], lastLines: [])
    return record(
      header(bare), base: .ran(run),
      results: [
        (.ran(run), StageSeconds()),
        (
          .doesNotApply(ApplyFailure(patch: bare[1].patches[0], file: nil, hunk: nil, message: "corrupt patch")),
          StageSeconds()
        ),
        (
          .doesNotBuild(
            BuildFailure(diagnostics: [Diagnostic(file: nil, line: nil, message: "no rule")], tail: [])),
          StageSeconds()
        ),
      ], interrupted: nil)
  }

  private static func everyEnding() -> RunRecord {
    let endings: [GuestEnding] = [
      .completed, .panicked("Oops"), .stoppedEarly, .silent(seconds: 1), .bootDeadline(seconds: 1),
      .runDeadline(seconds: 1.5), .flooded, .machineDied("signal 9"),
    ]
    return record(
      header(endings.indices.map { series("\($0)") }), base: guest([plain]),
      results: endings.map { (guest([plain], ending: $0), allSeconds) })
  }

  private static func everyKind() -> RunRecord {
    let statuses = TestStatus.allCases.map { TestResult(name: "a/\($0.rawValue)", status: $0) }
    let reports = KernelReport.Kind.allCases.map {
      KernelReport(title: "\($0.rawValue) in x", kind: $0, trace: [], test: nil)
    }
    return record(
      header([series("a")]), base: guest(statuses, reports: reports),
      results: [(guest(statuses.reversed(), reports: reports), allSeconds)])
  }
}
