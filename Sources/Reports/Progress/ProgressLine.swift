// SPDX-License-Identifier: Apache-2.0

public import BenchModel
public import Foundation
internal import GuestProtocol

/// The events of a run as lines of JSON, one object for each, for programs that follow a run.
///
/// Each object has a `version`, a `time` and a `kind`; docs/reports.md lists the kinds with their fields. A line is plain
/// ASCII: what a terminal would act on stands in it as an escape of JSON, which keeps every character.
public enum ProgressLine {
  /// The version of the format. It is raised when a field is removed or changes its meaning, but not for new fields and
  /// new kinds.
  public static let version = 1

  /// Returns the line of an event, without its end.
  public static func of(_ event: BenchEvent) -> String {
    let (kind, fields) = parts(event.kind)
    return line(kind, at: event.at, fields)
  }

  /// Returns the line of what a person would be told: `kind` is `note`.
  public static func note(_ text: String, at time: Date) -> String {
    line("note", at: time, ["text": .text(text)])
  }

  /// Returns the line of the files that a run has written: `kind` is `reports`.
  public static func reports(_ files: [String], at time: Date) -> String {
    line("reports", at: time, ["files": .list(files)])
  }

  private static func line(_ kind: String, at time: Date, _ fields: [String: Field]) -> String {
    var fields = fields
    fields["version"] = .number(Double(version))
    fields["kind"] = .text(kind)
    fields["time"] = .text(time.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true)))
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    // Encoding strings and finite numbers does not fail.
    return ascii((try? encoder.encode(fields)).map { String(decoding: $0, as: UTF8.self) } ?? "{}")
  }

  private static func parts(_ kind: BenchEvent.Kind) -> (kind: String, fields: [String: Field]) {
    switch kind {
    case .runStarted(let header):
      let cell = header.cell
      return (
        "run-started",
        [
          "kernel": .text(cell.kernel), "profile": .text(cell.profile), "source": .text(header.source),
          "accelerator": .text(header.accelerator.rawValue), "series": .list(header.series.map(\.name)),
        ]
      )
    case .runResumed: return ("run-resumed", [:])
    case .expected(let series, let build, let tests):
      return (
        "expected", ["series": .text(series), "buildSeconds": .number(build), "testSeconds": .number(tests)]
      )
    case .stageStarted(let series, let stage):
      return ("stage", ["series": .text(series), "stage": .text(stage.rawValue)])
    case .progress(let series, let stage, let text):
      return ("progress", ["series": .text(series), "stage": .text(stage.rawValue), "text": .text(text)])
    case .retrying(let series, let number, let of):
      return ("retry", ["series": .text(series), "number": .number(Double(number)), "of": .number(Double(of))])
    case .worse(let series, let subject, let words, let isConfirmed):
      return (
        "worse",
        ["series": .text(series), "subject": .text(subject), "words": .text(words), "confirmed": .flag(isConfirmed)]
      )
    case .trialFinished(let trial): return ("trial-finished", fields(trial))
    case .baseRepeated(let trial, let number):
      return ("base-repeated", fields(trial).merging(["number": .number(number.map { Double($0) })]) { $1 })
    case .baseTriedAgain(let results, _, let number):
      return ("base-tried-again", ["number": .number(Double(number)), "tests": .list(results.map(\.name))])
    case .stateRead(let series, let state):
      return (
        "state-read", ["series": .text(series), "image": .text(state.image), "failure": .text(state.failure)]
      )
    case .runFinished(let interrupted): return ("run-finished", ["interrupted": .flag(interrupted)])
    case .reported(let seconds): return ("reported", ["seconds": .number(seconds)])
    }
  }

  private static func fields(_ trial: Trial) -> [String: Field] {
    var fields: [String: Field] = [
      "series": .text(trial.series), "outcome": .text(TrialDocument.Outcome(trial.result).rawValue),
      "reused": .flag(trial.reused), "seconds": .number(trial.seconds.known.total),
    ]
    if let run = trial.run {
      fields["tests"] = .number(Double(run.tests.count))
      fields["ok"] = .number(Double(run.tests.count { $0.status == .ok }))
      fields["kernelReports"] = .number(Double(run.reports.count))
    }
    return fields
  }

  /// Writes everything else than ASCII as JSON's escapes.
  private static func ascii(_ json: String) -> String {
    var out = ""
    for unit in json.utf16 {
      if (0x20..<0x7f).contains(unit) {
        out.unicodeScalars.append(Unicode.Scalar(UInt8(unit)))
      } else {
        let digits = String(unit, radix: 16)
        out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      }
    }
    return out
  }

  /// A value in a line. A field that does not apply is `null`.
  private enum Field: Encodable {
    case text(String?)
    case number(Double?)
    case flag(Bool)
    case list([String])

    func encode(to encoder: any Encoder) throws {
      var container = encoder.singleValueContainer()
      switch self {
      case .text(let text?): try container.encode(text)
      case .number(let number?) where number.isFinite: try container.encode(number)
      case .text(nil), .number: try container.encodeNil()
      case .flag(let flag): try container.encode(flag)
      case .list(let list): try container.encode(list)
      }
    }
  }
}
