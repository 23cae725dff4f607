// SPDX-License-Identifier: Apache-2.0

import BenchModel
import GuestProtocol

/// Text that has an effect if it is not escaped.
let hostile = "<script>alert(1)</script> `a``b` | *b* [x](y) \u{1b}[31m\u{202e}\r\n# \"\u{301}'"

/// A run in which everything from a patch, a console or a guest is hostile.
func hostileRun() -> RunRecord {
  var bad = series(hostile, subject: hostile)
  bad.cover?.subject = hostile
  bad.patches[0].author = hostile
  bad.path = hostile
  var origin = SeriesOrigin()
  (origin.messageID, origin.date, origin.link) = (hostile, hostile, hostile)
  (origin.changeID, origin.baseCommit) = (hostile, hostile)
  (origin.prerequisites, origin.notes, origin.signatures) = (
    [Prerequisite(kind: .messageID, id: hostile)], [hostile], [hostile]
  )
  bad.origin = origin
  bad.patches[0].trailers = Trailer.keys.map { Trailer(key: $0, value: hostile, isFromReply: true) }
  bad.patches[0].file = hostile
  var others = [bad, bad]
  others[0].name += "2"
  others[1].name += "3"
  let test = TestResult(
    name: hostile, status: .notOk, reason: hostile, checks: [Check(name: hostile, passed: false, detail: hostile)])
  let run = guest(
    [test, TestResult(name: hostile + "2", status: .crash, reason: hostile)],
    reports: [report(hostile, test: hostile, trace: ["```", hostile, "~~~"])], ending: .panicked(hostile),
    deaths: [GuestDeath(test: hostile, ending: .panicked(hostile)), GuestDeath(test: hostile, ending: .stoppedEarly)],
    anomalies: [hostile], lastLines: ["````", hostile],
    hang: GuestHang(
      place: .inTest(hostile), state: .busy, busyIn: [hostile], blocked: [hostile], answer: ["```", hostile]),
    logs: [hostile: ["```", hostile]])
  var change = CodeChange(
    pieces: [CodeChange.Piece(kind: .function, name: hostile, file: hostile, carriers: [hostile])],
    functions: [CodeChange.Function(name: hostile, file: hostile)], notCompiled: [hostile], unexamined: [hostile])
  change.elsewhere = [hostile: [hostile]]
  change.lines = ChangedLines(
    files: [
      DiffFile(
        path: hostile,
        hunks: [DiffHunk(heading: hostile, lines: [DiffLine(kind: .added, number: 1, text: "```" + hostile)])])
    ],
    lines: [
      ChangedLine(file: hostile, number: 1, text: hostile, function: hostile, place: .notCompiled(hostile))
    ], failure: hostile)
  var recorded = record(
    header([bad] + others, reason: hostile), base: guest([plain]),
    results: [
      (run, allSeconds),
      (
        .doesNotApply(diagnosed(bad.patches[0], hostile)), StageSeconds()
      ),
      (
        .doesNotBuild(
          BuildFailure(diagnostics: [Diagnostic(file: hostile, line: 1, message: hostile, patch: hostile)], tail: [])),
        StageSeconds()
      ),
    ], changes: [hostile: change],
    states: [
      hostile: [
        StateEvidence(image: hostile, files: [hostile]),
        StateEvidence(image: hostile + "2", files: [], failure: hostile),
      ]
    ])
  recorded.header.rangeDiffs = [
    RangeDiff(older: hostile, newer: hostile, lines: ["```", hostile], remark: hostile)
  ]
  recorded.trials[hostile]?.patchTests = broken(hostile, report: hostile)
  recorded.tellHostileBase()
  recorded.trials[hostile]?.warnings = [Diagnostic(file: hostile, line: 1, message: hostile, patch: hostile)]
  return recorded
}
