import BenchModel
import Foundation
import GuestMachine
import GuestProtocol
import KernelBuild
import SeriesIntake
import SystemPackage
import Toolbox

/// Takes one series, or the base, from its patches to its guest's last word.
struct TrialRunner: Sendable {
  var cell: CellKey
  var base: BaseBuild
  var initramfs: FilePath
  var accelerator: Accelerator
  var jobs: Int
  var cache: Cache
  var host: LibvirtHost
  var events: EventHub

  /// Runs the base's own image.
  func runBase(evidence: FilePath) async throws -> Trial {
    let seconds = StageSeconds(compile: base.seconds)
    var trial = Trial(series: nil, cell: cell, seconds: seconds, reused: false, result: .interrupted)
    try await guarding(&trial, .boot) { trial in
      try await boot(base.image, evidence: evidence, trial: &trial)
    }
    return trial
  }

  /// Applies, builds and runs one series.
  /// - Throws: only when the run was cancelled; whatever else goes wrong is the trial's result.
  func run(_ one: ReadSeries, evidence: FilePath) async throws -> Trial {
    let series = one.series
    var trial = Trial(series: series.name, cell: cell, seconds: StageSeconds(), reused: false, result: .interrupted)
    try await guarding(&trial, .apply) { trial in
      trial = try await cache.withScratch { scratch in
        var trial = trial
        let diffs = one.diffs.map { evidence.appending($0.lastComponent!.string) }.map(Self.absolute)
        try await SeriesTree.with(base, scratch: scratch) { tree in
          events.send(.stageStarted(series: series.name, stage: .apply))
          let refused = try await timed(&trial.seconds.apply) { try await tree.apply(series, diffs: diffs) }
          if let refused {
            trial.result = .doesNotApply(refused)
            return
          }
          events.send(.stageStarted(series: series.name, stage: .build))
          let broken = try await timed(&trial.seconds.compile) {
            try await tree.build(series, jobs: jobs, log: Self.absolute(evidence.appending("build.log"))) { text in
              events.send(.progress(series: series.name, stage: .build, text: text))
            }
          }
          if let broken {
            trial.result = .doesNotBuild(broken)
            return
          }
          try await boot(tree.image, evidence: evidence, trial: &trial)
        }
        return trial
      }
    }
    return trial
  }

  private func boot(_ image: FilePath, evidence: FilePath, trial: inout Trial) async throws {
    let name = trial.series
    events.send(.stageStarted(series: name, stage: .boot))
    let spec = MachineSpec(
      name: "patchbench-\(ProcessInfo.processInfo.processIdentifier)-\(UUID().uuidString.prefix(8))",
      accelerator: accelerator, kernel: Self.absolute(image), initramfs: initramfs,
      commandLine: KernelCommandLine(GuestOptions()), console: Self.absolute(evidence.appending("console.log")),
      results: Self.absolute(evidence.appending("results.ktap")))
    let watch = GuestWatch(.standard(accelerator), clock: ContinuousClock())
    let watched = try await host.withMachine(spec) { machine in
      try await watch.watch(machine, accelerator: accelerator) { progress in
        switch progress {
        case .booted: events.send(.stageStarted(series: name, stage: .tests))
        case .testStarted(let test, let number, let count):
          events.send(.progress(series: name, stage: .tests, text: "\(number)/\(count) \(test)"))
        }
      }
    }
    trial.seconds.boot = watched.boot
    trial.seconds.tests = watched.tests
    trial.result = .ran(watched.run)
  }

  /// Turns whatever the harness could not do into the trial's result, so that the other series still have their turn.
  private func guarding(_ trial: inout Trial, _ stage: Stage, _ body: (inout Trial) async throws -> Void) async throws {
    do {
      try await body(&trial)
    } catch {
      if error.isCancellation { throw CancellationError() }
      if case StageError.fault(let fault) = error {
        trial.result = .fault(fault)
      } else {
        trial.result = .fault(HarnessFault(stage: stage, message: "\(error)"))
      }
    }
  }

  /// Runs `body` and notes its wall time in seconds, also when it throws.
  private func timed<Result>(_ seconds: inout Double?, _ body: () async throws -> Result) async rethrows -> Result {
    let start = ContinuousClock.now
    defer { seconds = (ContinuousClock.now - start) / .seconds(1) }
    return try await body()
  }

  /// Tools run in the tree, so paths have to hold there too.
  static func absolute(_ path: FilePath) -> FilePath {
    path.isAbsolute ? path : FilePath(FileManager.default.currentDirectoryPath).pushing(path)
  }
}

extension Error {
  /// Whether this is the user's stopping the run, in whatever form the layer below gave it.
  var isCancellation: Bool {
    Task.isCancelled || self is CancellationError || self as? StageError == .cancelled
      || self as? ToolError == .cancelled
  }
}
