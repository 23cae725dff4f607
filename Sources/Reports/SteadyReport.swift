// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import KernelText

/// What two runs of the same series on the same machine have in common, whenever and however fast they were made, and
/// however often they were broken off.
public enum SteadyReport {
  /// A `report.json` without what differs from one such run to the next: times, what ccache happened to have, how often
  /// code ran (whether it did stays), and of what the kernel said the times, addresses, process numbers and the lines that
  /// no test has to do with. Everything else stays as it is: equal texts are equal results.
  /// - Throws: if it is no JSON.
  public static func text(of json: String) throws -> String {
    let document = try JSONSerialization.jsonObject(with: Data(json.utf8))
    let steady = try JSONSerialization.data(
      withJSONObject: steady(document, of: ""), options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
    return String(decoding: steady, as: UTF8.self)
  }

  /// The lines in which two reports differ; the first few of each. Nothing if they are the same.
  public static func differences(_ first: String, _ second: String) throws -> [String] {
    let (a, b) = (try text(of: first).lines, try text(of: second).lines)
    return b.difference(from: a).prefix(20).map { change in
      switch change {
      case .remove(let offset, let line, _): "-\(offset + 1):\(line)"
      case .insert(let offset, let line, _): "+\(offset + 1):\(line)"
      }
    }
  }

  /// What is of one run only.
  private static let passing: Set = ["started", "finished", "resumed", "reportSeconds", "seconds", "cached"]
  /// What the kernel said.
  private static let kernelText: Set = ["log", "lastLines", "trace", "answer", "blocked", "busyIn"]
  /// In lines that the kernel writes at any time, into whichever test then runs: it has measured how fast the processor
  /// counts, a second or so after the boot, or that the machine was busy.
  private static let whenever = [
    "] tsc: Refined TSC clocksource calibration:", "] clocksource: tsc: mask:",
    "] clocksource: Switched to clocksource tsc", "] hrtimer: interrupt took ", " hogged CPU for ",
  ]
  /// How often something ran.
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

  /// A race names where its random numbers came from, to be given them again: `seed 4711`.
  private static func withoutSeed(_ text: String) -> String {
    text.replacing(#/seed [0-9]+/#, with: "seed")
  }
}

extension String {
  fileprivate var lines: [Substring] { split(separator: "\n", omittingEmptySubsequences: false) }
}
