// SPDX-License-Identifier: Apache-2.0

internal import BenchModel
internal import Verdicts

/// Paths of the machine that ran it. Forms go to other machines, where such a path helps nobody, and tells of a person's
/// directories.
enum MachinePaths {
  /// Leaves the last part of each absolute path: `…/kernel.yaml`. Devices and `/proc` are everywhere the same.
  static func shortened(_ text: String) -> String {
    text.replacing(/(^|[\s(“"'`=])((?:\/[^\s\/(),;:“”"'`]+)+)/) { match in
      let parts = match.output.2.split(separator: "/")
      guard parts.count > 1, let last = parts.last, !["dev", "proc", "sys"].contains(parts[0]) else {
        return String(match.output.0)
      }
      return "\(match.output.1)…/\(last)"
    }
  }
}

extension Judgement {
  /// The same without the machine's paths in what the harness said.
  func withoutPaths(in record: RunRecord) -> Judgement {
    guard [trial, record.base].contains(where: { $0?.isFault == true }) else { return self }
    var copy = self
    copy.reasons = reasons.map { Reason($0.subject, MachinePaths.shortened($0.text)) }
    return copy
  }
}

extension RunRecord {
  /// Why nothing can be compared with the base, without the machine's paths.
  var flawWords: String? { baseFlaw.map { MachinePaths.shortened($0.description) } }
}

extension CellGap {
  var reasonWords: String { MachinePaths.shortened(reason) }
}

extension Trial {
  /// Whether the harness or its machine has the last word.
  fileprivate var isFault: Bool {
    switch result {
    case .fault: return true
    case .ran(let run): if case .machineDied = run.ending { return true } else { return false }
    case .doesNotApply, .doesNotBuild, .sameCode, .built, .interrupted: return false
    }
  }
}
