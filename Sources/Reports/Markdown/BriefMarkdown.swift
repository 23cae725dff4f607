// SPDX-License-Identifier: Apache-2.0

internal import BenchModel
internal import GuestProtocol
internal import Verdicts

/// `report.md`, the comment on a merge request: the answer first, and at most 60 kB, whatever was run. A forge refuses
/// a comment that is too long.
struct BriefMarkdown {
  /// The most bytes.
  static let most = 60_000
  /// The file that has everything.
  static let details = "report-details.md"

  let text: String

  init(_ record: RunRecord, _ judgements: [Judgement]) {
    let answers = SeriesAnswer.ranked(judgements, record.header)
    let cell = record.header.cell
    var parts = [
      "# patchbench: \(Self.escape(cell.kernel, 60)), profile \(Self.escape(cell.profile, 60))",
      Self.escape(Summary.sentence(judgements), 1500),
    ]
    if record.interrupted { parts.append("**The run was stopped before it finished.**") }
    if !answers.isEmpty { parts += BriefTables.series(answers, record.header) }
    parts += BriefTables.questions(answers, record)
    let last = [
      "## The base", Self.base(record),
      "\(Markdown.code(Self.details)) has every test, check and kernel report, the diffs, and where the time went.",
    ]
    var room = Self.most - Self.bytes(parts) - Self.bytes(last) - Self.reserve
    for (index, answer) in answers.enumerated() {
      let left = answers.count - index
      // What one series leaves, the others may use.
      let share = max(Self.leastShare, room / left)
      if share > room {
        parts.append("\(left) more series \(left == 1 ? "is" : "are") told of in \(Markdown.code(Self.details)).")
        break
      }
      let section = BriefSeries(answer, record.header, room: share).text
      parts.append(section)
      room -= Self.bytes([section])
    }
    text = (parts + last).joined(separator: "\n\n") + "\n"
  }

  static func escape(_ text: String, _ most: Int) -> String { Markdown.escape(Markdown.cut(text, to: most)) }

  /// What is kept for the sentence that names what is left out.
  private static let reserve = 200
  /// Less would not say anything of a series.
  private static let leastShare = 1500

  /// With the space after each part.
  private static func bytes(_ parts: [String]) -> Int { parts.reduce(0) { $0 + $1.utf8.count + 2 } }

  private static func base(_ record: RunRecord) -> String {
    let header = record.header
    let release = record.base?.run?.release.map { "\(Markdown.code(Markdown.cut($0, to: 80))), " } ?? ""
    let choice = record.baseWords.map { ["Taken as the base: \(escape($0, 300))"] } ?? []
    let lines =
      ["On the base: \(release)\(escape(Words.base(record.base), 300))"] + choice + [
        "Source: \(escape(header.source, 200))",
        "Accelerator: \(header.accelerator.rawValue) (\(escape(header.acceleratorReason, 200)))",
        "Run: \(escape(Words.started(record), 200)), by patchbench \(escape(header.patchbench, 40))",
      ]
    return lines.map { "- \($0)" }.joined(separator: "\n")
  }
}
