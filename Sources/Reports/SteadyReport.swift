// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import KernelText

/// Compares two runs of the same series on the same machine, regardless of when they ran, how fast they were and how
/// often they were interrupted.
public enum SteadyReport {
  /// Returns a `report.json` without the parts that differ from one such run to the next:
  /// - times;
  /// - what ccache happened to have;
  /// - how often code ran (whether it ran is kept);
  /// - in kernel text: times, addresses, process numbers, and lines that no test causes.
  ///
  /// Everything else is unchanged: equal texts are equal results.
  /// - Throws: an error if the text is not JSON.
  public static func text(of json: String) throws -> String {
    let document = try JSONSerialization.jsonObject(with: Data(json.utf8))
    let steady = try JSONSerialization.data(
      withJSONObject: steady(document, of: ""), options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
    return String(decoding: steady, as: UTF8.self)
  }

  /// Returns the lines in which two reports differ, at most 20. It is empty if the reports are the same.
  public static func differences(_ first: String, _ second: String) throws -> [String] {
    let (a, b) = (try text(of: first).lines, try text(of: second).lines)
    return b.difference(from: a).prefix(20).map { change in
      switch change {
      case .remove(let offset, let line, _): "-\(offset + 1):\(line)"
      case .insert(let offset, let line, _): "+\(offset + 1):\(line)"
      }
    }
  }

  /// Fields that belong to one run only.
  private static let passing: Set = ["started", "finished", "resumed", "reportSeconds", "seconds", "cached"]
  /// Fields with kernel text.
  private static let kernelText: Set = ["log", "lastLines", "trace", "answer", "blocked", "busyIn"]
  /// Parts of lines that the kernel may print at any time, during whichever test runs then: it calibrated the TSC a
  /// second or so after boot, or the machine was busy.
  private static let whenever = [
    "] tsc: Refined TSC clocksource calibration:", "] clocksource: tsc: mask:",
    "] clocksource: Switched to clocksource tsc", "] hrtimer: interrupt took ", " hogged CPU for ",
  ]
  /// Fields that count how often something ran.
  private static let counts: Set = ["count", "runs"]

  private static func steady(_ value: Any, of key: String) -> Any {
    switch value {
    case let object as [String: Any]:
      return Dictionary(
        uniqueKeysWithValues: object.filter { !passing.contains($0.key) }.map { ($0.key, steady($0.value, of: $0.key)) }
      )
    case let array as [Any]:
      return array.filter { !isWhenever($0, of: key) }.map { steady($0, of: key) }
    case let text as String:
      return kernelText.contains(key)
        ? SteadyText.steady(text).split(separator: " ").joined(separator: " ") : withoutSeed(text)
    case let number as NSNumber where counts.contains(key): return number.doubleValue > 0 ? 1 : 0
    default: return value
    }
  }

  private static func isWhenever(_ value: Any, of key: String) -> Bool {
    guard kernelText.contains(key), let line = value as? String else { return false }
    return whenever.contains { line.contains($0) }
  }

  /// Removes the seed. A race test names its seed so that it can be repeated: `seed 4711`.
  private static func withoutSeed(_ text: String) -> String {
    text.replacing(#/seed [0-9]+/#, with: "seed")
  }
}

extension String {
  fileprivate var lines: [Substring] { split(separator: "\n", omittingEmptySubsequences: false) }
}
