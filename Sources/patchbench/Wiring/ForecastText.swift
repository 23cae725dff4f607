// SPDX-License-Identifier: Apache-2.0

import Bench
import BenchModel
import Foundation
import Reports
import Verdicts

/// Renders a forecast as text.
enum ForecastText {
  static func text(_ forecast: Forecast) -> String {
    let width = forecast.entries.map { ($0.series ?? "base").count }.max() ?? 0
    var lines = [forecast.cell.words] + (forecast.baseWords.map { [visible("base: \($0)")] } ?? []) + [""]
    for entry in forecast.entries {
      let name = visible(entry.series ?? "base").padding(toLength: width, withPad: " ", startingAt: 0)
      let also = entry.patches == 0 ? "" : "; tests after \(entry.patches) of its patches too"
      lines.append("\(name)  \(time(entry.seconds))  \(words(entry.work, forecast.cell.extent))\(also)")
      if case .refuse(let failure) = entry.work {
        let indent = String(repeating: " ", count: width + 15)
        lines += failure.words.dropFirst().map { indent + visible($0.description) }
      }
      lines += entry.notes.map { String(repeating: " ", count: width + 15) + visible($0) }
    }
    lines += ["", "about \(time(forecast.seconds).trimmingCharacters(in: .whitespaces)) in all"]
    if forecast.entries.contains(where: { $0.work == .buildAll }) {
      lines.append("the base is not built yet, so it was not tried whether the series apply; a run builds it first")
    }
    if forecast.accelerator == nil {
      lines.append("it is not known yet whether KVM works here; a run finds out by booting a guest")
    }
    return lines.joined(separator: "\n")
  }

  private static func words(_ work: Forecast.Work, _ extent: Cell.Extent) -> String {
    let tests = extent == .boot ? ", boot and test" : ""
    switch work {
    case .reuse: return "cached result, nothing to do"
    case .run: return extent == .boot ? "boot and test" : "built, nothing to do"
    case .buildAll: return "unpack and build from scratch" + tests
    case .refuse(let failure):
      return visible("\(failure.patch.file): \(failure.words[0].text)")
    case .build(_, .unchanged, _): return "nothing to compile, so nothing to boot"
    case .build(let objects, let method, let shared):
      let made = "\(objects) object\(objects == 1 ? "" : "s")"
      let how =
        switch method {
        case .unchanged: ""
        case .replay: "compile \(made) and link"
        case .kbuild: objects == 0 ? "build with kbuild, link" : "build with kbuild, at least \(made), link"
        }
      return how + (shared > 0 ? " (\(shared) patches built with other series')" : "") + tests
    }
  }

  private static func time(_ seconds: Double) -> String {
    let whole = Int(seconds.rounded())
    let text = whole < 90 ? "\(whole) s" : "\(whole / 60) min \(whole % 60) s"
    return String(repeating: " ", count: max(0, 11 - text.count)) + text
  }
}
