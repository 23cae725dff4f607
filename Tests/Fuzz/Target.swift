// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import GuestProtocol
import KernelCode
import KernelText

/// A parser of untrusted input.
enum Target: String, CaseIterable {
  case console, ktap, compiler, apply, config, options, source, assembly, elf, lines

  /// Parses an input and describes any impossible result.
  /// - Returns: `nil` if there is none.
  func read(_ bytes: [UInt8]) -> String? {
    switch self {
    case .console: Self.console(bytes)
    case .ktap: Self.ktap(bytes)
    case .compiler: CompilerOutput.diagnostics(in: bytes, tree: "/src/linux").count > 20 ? "more than asked for" : nil
    case .apply: Self.apply(bytes)
    case .config:
      // An unreadable file must be rejected, not misread.
      (try? KConfig.parse(bytes, file: "x"))?.contains { !$0.symbol.hasPrefix("CONFIG_") } == true
        ? "a setting without a symbol" : nil
    case .options: Self.options(bytes)
    case .source: SourceChange(before: bytes, after: bytes).isEmpty ? nil : "a file differs from itself"
    case .assembly:
      AssemblyChange(before: AssemblyOutline(bytes), after: AssemblyOutline(bytes)).isEmpty
        ? nil : "assembly differs from itself"
    case .lines: Self.lines(bytes)
    case .elf:
      Self.elf(bytes)
    }
  }

  private static func console(_ bytes: [UInt8]) -> String? {
    var whole = ConsoleScanner()
    whole.read(bytes)
    whole.finish()
    // Input arrives in pieces, and the boundaries must not matter.
    var pieces = ConsoleScanner()
    var rest = bytes[...]
    var size = 1
    while !rest.isEmpty {
      pieces.read(rest.prefix(size))
      rest = rest.dropFirst(size)
      size = size % 4093 * 3 + 1
    }
    pieces.finish()
    if whole.reports != pieces.reports { return "different reports when it is read in pieces" }
    if whole.reports.count > ConsoleScanner.mostReports { return "more reports than are kept" }
    if let report = whole.reports.first(where: { $0.title.isEmpty || $0.trace.count > 450 }) {
      return "a report without a title or an end: \(report.title)"
    }
    _ = HangAnswer(whole.lastLines(200))
    return nil
  }

  private static func elf(_ bytes: [UInt8]) -> String? {
    bytes.withUnsafeBytes { bytes in
      if TraceTable(bytes, calls: .listed)?.entries(of: "f", in: "f.c").contains(where: { $0.name.first != "f" })
        == true
      {
        return "another function"
      }
      _ = ObjectCode(bytes, of: ["f"])
      return nil
    }
  }

  private static func ktap(_ bytes: [UInt8]) -> String? {
    // Without the secret, no output may be believed.
    var signed = KTAPReader(secret: GuestSecret(low: 1, high: 2))
    for event in signed.read(bytes) + signed.finish() {
      switch event {
      case .unsigned, .anomaly: break
      default: return "an unsigned event: \(event)"
      }
    }
    var reader = KTAPReader()
    var planned: Set<String> = []
    var finished: Set<String> = []
    for event in reader.read(bytes) {
      switch event {
      case .planned(let names): planned = Set(names)
      case .finished(let result):
        if !planned.contains(result.name) { return "a result that was not planned: \(result.name)" }
        if !finished.insert(result.name).inserted { return "two results of \(result.name)" }
      case .ran(_, let test, let count):
        if !planned.contains(test) || count < 1 { return "a count for an unknown test" }
      case .hit(_, let test, let count, let held):
        if !planned.contains(test) || !(0...count).contains(held) { return "a count for an unknown test" }
      case .refused(let probe, _), .enough(let probe): if probe < 0 { return "a probe below 0" }
      case .started, .untraceable, .stopped, .end, .anomaly, .notCounted, .unsigned: break
      }
    }
    return nil
  }

  private static func apply(_ bytes: [UInt8]) -> String? {
    let middle = bytes.count / 2
    let patch = Patch(subject: "s", author: "a", file: "f", paths: ["x.c"])
    let failure = GitApply.failure(in: bytes[..<middle], patch: bytes[middle...], of: patch)
    return failure.hunk.map { $0 < 1 } == true ? "a hunk below 1" : nil
  }

  /// Uses these bytes as the three texts about an object's lines, as the diff and as the source.
  private static func lines(_ bytes: [UInt8]) -> String? {
    let text = String(decoding: bytes, as: UTF8.self)
    let object = LinePlan.Object(
      path: "a.o", disassembly: text, controlFlow: bytes, preprocessed: bytes, files: ["a.c"], tree: "/src",
      instructions: .x86)
    var diff = UnifiedDiff.shortened(UnifiedDiff.parse(text), to: 1000).files
    let all = bytes.split(separator: 0x0a, omittingEmptySubsequences: false).prefix(200).indices
    diff.append(
      DiffFile(
        path: "a.c",
        hunks: [
          DiffHunk(heading: "@@", lines: all.map { DiffLine(kind: .added, number: $0 % 200 + 1, text: "x") })
        ]))
    let plan = LinePlan(diff: diff, files: ["a.c": LinePlan.File(source: bytes, differing: nil)], objects: [object])
    for line in plan.lines {
      guard case .watched(let watch) = line.place else { continue }
      let sights = watch.ran + watch.ways.flatMap(\.sights)
      if sights.isEmpty { return "a line that nothing shows" }
      if !sights.allSatisfy({ plan.probes.indices.contains($0.probe) }) { return "a nonexistent probe" }
    }
    return nil
  }

  private static func options(_ bytes: [UInt8]) -> String? {
    let text = String(decoding: bytes, as: UTF8.self)
    let options = GuestOptions(commandLine: text)
    if options.testSeconds < 1 { return "no time for a test" }
    let request = TraceRequest(text: text)
    return TraceRequest(text: request.text) == request ? nil : "a request that does not survive a round trip"
  }
}
