// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import KernelText
import SystemPackage
import Toolbox

/// One line of a configuration.
public enum KernelSetting {
  /// Whether a line sets an option: `CONFIG_X=y`.
  public static func isValid(_ line: String) -> Bool {
    !line.contains("\n") && (try? KConfig.parse(line.utf8, file: "")).map { $0.count == 1 } == true
  }
}

/// How the configuration of a series came out.
enum SeriesConfiguration {
  /// It has everything that the profile asks for.
  case asked
  /// kconfig reported errors.
  case failed(BuildFailure)
  /// The series' Kconfig drops what was asked for, though the kernel may well build.
  case dropped(HarnessFault)
}

extension SeriesTree {
  /// Resolves the configuration again for a series that changes Kconfig, or that gets settings of its own. Otherwise
  /// kbuild would ask on a terminal about new symbols, and a dropped symbol would silently leave code untested.
  /// - Parameter settings: lines such as `CONFIG_X=y`, which are added to the profile's.
  func configureAgain(_ series: PatchSeries, settings: [String]) async throws -> SeriesConfiguration {
    let kconfigs = series.patches.filter { patch in
      patch.paths.contains { FilePath($0).lastComponent?.string.hasPrefix("Kconfig") ?? false }
    }
    if kconfigs.isEmpty, settings.isEmpty { return .asked }
    // In a place that tools in this tree cannot write to.
    let fragments = scratch.appending("fragments")
    let text = try String(contentsOfFile: base.fragments.string, encoding: .utf8)
    try Data((text + settings.map { $0 + "\n" }.joined()).utf8).write(to: URL(filePath: fragments.string))
    let configured = try await base.kbuild.configure(fragments: fragments, directory: nil) {
      wrap($0, reading: [fragments], compiled: .read)
    }
    if !configured.status.isSuccess {
      return .failed(failure(in: configured.errors + configured.output, of: series))
    }
    guard let resolved = file(".config") else {
      return .failed(
        BuildFailure(
          diagnostics: [
            Diagnostic(
              file: nil, line: nil, message: "make allnoconfig left no .config", patch: kconfigs.last?.file)
          ], tail: []))
    }
    let requested = KConfig.merge([
      try KConfig.parse(text.utf8, file: "fragments"),
      try KConfig.parse(settings.joined(separator: "\n").utf8, file: ""),
    ])
    let lost = try KConfig.lostSymbols(requested, in: resolved)
    return lost.isEmpty ? .asked : .dropped(fault(lost, of: series))
  }

  /// The profile is for the base's Kconfig, so it is not the series' fault that it does not fit another one.
  private func fault(_ lost: [LostSymbol], of series: PatchSeries) -> HarnessFault {
    let list = lost.map { "\($0.requested.symbol)=\($0.requested.value)" }
    let added = addedOptions(Set(series.patches.flatMap(\.paths))).sorted()
    let new = added.isEmpty ? ["CONFIG_NEW"] : added
    let again =
      lost.map { "--series-config \($0.requested.symbol)=n" } + new.prefix(3).map { "--series-config \($0)=y" }
    return HarnessFault(
      stage: .build,
      message: "the profile needs a change for this series: the kernel builds, but its Kconfig no longer has "
        + list.prefix(3).joined(separator: ", ") + (list.count > 3 ? ", …" : ""),
      advice: added.isEmpty
        ? "if an option has another name now, run the series with \(again.joined(separator: " "))"
        : "the series adds \(added.prefix(3).joined(separator: ", ")): run it with \(again.joined(separator: " "))")
  }
}
