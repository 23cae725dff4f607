public import BenchModel
import Foundation
import KernelText
public import SystemPackage
import Toolbox

/// How many of a failing build's errors are kept.
private let mostDiagnostics = 5
private let seriesDeadline = Duration.seconds(2 * 3600)

extension SeriesTree {
  /// Builds the image on top of the base's objects.
  /// - Parameter log: where the whole output of make goes.
  /// - Returns: `nil` if it was built.
  public func build(
    _ series: PatchSeries, jobs: Int, log: FilePath, progress: @escaping @Sendable (String) -> Void
  ) async throws -> BuildFailure? {
    if let failure = try await configureAgain(series) { return failure }
    let counter = BuildProgress(progress)
    let status = try await wrap(Kbuild.tool(["-j\(jobs)", base.profile.image.rawValue], in: nil)).run(
      log: log, deadline: seriesDeadline, line: counter.line)
    if status.isSuccess { return nil }

    let text = (try? Data(contentsOf: URL(filePath: log.string))).map { String(decoding: $0, as: UTF8.self) } ?? ""
    guard case .exited = status else { throw StageError.fault(.build, "make \(status.words)", advice: "see \(log)") }
    // A machine that ran out of something is not the series' fault.
    if text.contains("No space left on device") { throw StageError.noSpace(.build) }
    if text.contains("Killed signal terminated program") || text.contains("virtual memory exhausted") {
      throw StageError.fault(.build, "a compiler was killed or had no memory left", advice: "use fewer --jobs")
    }
    return failure(in: text, of: series)
  }

  /// Resolves the configuration anew for a series that changes Kconfig: kbuild would otherwise ask on a terminal
  /// about symbols it does not know, and a symbol that no longer survives would silently leave code untested.
  private func configureAgain(_ series: PatchSeries) async throws -> BuildFailure? {
    let kconfigs = series.patches.filter { patch in
      patch.paths.contains { FilePath($0).lastComponent?.string.hasPrefix("Kconfig") ?? false }
    }
    guard let last = kconfigs.last else { return nil }
    let configured = try await Kbuild.configure(fragments: base.fragments, run: wrap, directory: nil)
    let text = configured.errors + configured.output
    if !configured.status.isSuccess { return failure(in: text, of: series) }
    let requested = try KConfig.parse(Data(contentsOf: URL(filePath: base.fragments.string)), file: "fragments")
    let lost = try KConfig.lost(requested, in: file(".config"))
    if lost.isEmpty { return nil }
    return BuildFailure(
      diagnostics: lost.map {
        Diagnostic(file: nil, line: nil, message: "the profile's \($0) no longer survives", patch: last.file)
      }, tail: [])
  }

  private func failure(in text: String, of series: PatchSeries) -> BuildFailure {
    let found = CompilerOutput.diagnostics(in: text.utf8, tree: base.tree.string, limit: mostDiagnostics)
    return BuildFailure(
      diagnostics: CompilerOutput.blame(found, on: series.patches),
      tail: text.split(separator: "\n").suffix(20).map(String.init))
  }
}
