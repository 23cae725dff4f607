// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
public import GuestMachine
import GuestProtocol
public import KernelBuild
import SeriesIntake
import SystemPackage
import Toolbox

/// Takes one series, or the base, from its patches to its guest's last word.
struct TrialRunner<Host: SavingHost>: Sendable {
  var prepared: PreparedRun
  var asked: AskedTests
  var guests: GuestSetup
  var rules: TrialRules
  var resources: Resources
  var host: Host
  var events: EventHub
  var baseAgain: BaseEvidence

  var base: BaseBuild { prepared.base }
  var driver: BaseDriver { prepared.driver }
  var method: SeriesTree.Method { prepared.method }
  var cage: Cage? { prepared.cage }
  var cache: Cache { prepared.place.cache }
  var clocks: TrialClocks { guests.clocks }

  /// Runs the base's own image.
  func runBase(evidence: FilePath) async throws -> Trial {
    var trial = Trial(series: nil, cell: rules.cell, seconds: base.seconds, reused: false, result: .interrupted)
    if rules.cell.extent == .build {
      trial.result = .built
      return trial
    }
    try await guarding(&trial, .boot) { trial in
      trial = try await resources.guest {
        var trial = trial
        try await boot(
          Bootable(image: base.image, initramfs: guests.baseInitramfs, trace: nil, modules: driver.modules),
          evidence: evidence, trial: &trial)
        return trial
      }
      try await locate(nil, evidence: evidence, in: &trial)
    }
    return trial
  }

  /// Applies, builds and runs one series. Build and guest each wait for their turn.
  /// - Throws: only when the run was cancelled; whatever else goes wrong is the trial's result.
  func run(_ one: ReadSeries, on layer: SharedPatchTree?, base: BaseTrials, evidence: FilePath) async throws -> Trial {
    var trial = Trial(
      series: one.series.name, cell: rules.cell, seconds: StageSeconds(), reused: false, result: .interrupted)
    try await guarding(&trial, .apply) { trial in
      trial = try await cache.withScratch { scratch in
        let (built, bootable) = try await resources.build {
          try await build(one, on: layer, evidence: evidence, keep: scratch)
        }
        await layer?.release()
        guard let bootable else { return built }
        if rules.stopsWhenWorse {
          return try await inOrder(for: built.change).runUntilWorse(
            bootable, built, base: base, evidence: evidence, scratch: scratch)
        }
        var tried = try await resources.guest {
          var trial = built
          try await boot(bootable, evidence: evidence, trial: &trial)
          return trial
        }
        do {
          try await tryAgain(bootable, base: base, evidence: evidence, scratch: scratch, trial: &tried)
        } catch  where !error.endsRun {
          // What the first guest said stands, and is not known to hold.
          tried.result.note("what changed could not be tried again: \(error)")
        }
        try await locate(one, evidence: evidence, in: &tried)
        return tried
      }
    }
    return trial
  }

  /// - Parameter place: where what is booted is put, so that the tree, which is many times as large, need not stay.
  /// - Returns: the trial so far, and what to boot; `nil` if the trial is over.
  private func build(
    _ one: ReadSeries, on layer: SharedPatchTree?, evidence: FilePath, keep place: FilePath
  ) async throws -> (trial: Trial, bootable: Bootable?) {
    let name = one.series.name
    var trial = Trial(series: name, cell: rules.cell, seconds: StageSeconds(), reused: false, result: .interrupted)
    var bootable: Bootable?
    try await guarding(&trial, .apply) { trial in
      (trial, bootable) = try await cache.withScratch { scratch in
        var trial = trial
        events.send(.stageStarted(series: name, stage: .apply))
        let begun = ContinuousClock.now
        let tree = try await SeriesTree.make(base, over: layer?.tree, method: method, cage: cage, scratch: scratch)
        let done = layer?.patches ?? 0
        var rest = one.series
        rest.patches.removeFirst(done)
        let diffs = one.diffs.dropFirst(done).map { evidence.appending($0.lastComponent!.string).absolute }
        let refused = try await tree.apply(rest, diffs: diffs)
        trial.seconds[.apply] = (.now - begun) / .seconds(1)
        if let refused {
          trial.result = .doesNotApply(refused)
          return (trial, nil)
        }
        events.send(.stageStarted(series: name, stage: .build))
        let log = evidence.appending("build.log").absolute
        let built = try await tree.build(one.series, jobs: resources.jobs, log: log) { text in
          events.send(.progress(series: name, stage: .build, text: text))
        }
        trial.seconds[.configure] = built.seconds[.configure]
        trial.seconds[.compile] = built.seconds[.compile]
        trial.seconds[.link] = built.seconds[.link]
        trial.work = built.work
        trial.work?.sharedPatches = done
        if let failure = built.failure {
          trial.result = .doesNotBuild(failure)
          return (trial, nil)
        }
        let imaged = ContinuousClock.now
        let modules = try await tree.modules(
          driver, touched: Set(one.series.patches.flatMap(\.paths)), work: built.work, jobs: resources.jobs,
          log: evidence.appending("driver.log").absolute)
        let examined = try await tree.compiledChange(of: one.series, built, driver: driver, jobs: resources.jobs)
        let change = examined.change
        trial.change = change
        // Where the test driver no longer builds, that has to be seen; where it is another one, its functions are in there.
        if change.isNothing, modules.driver == driver.modules.driver || !modules.driver.isFailure {
          trial.result = .sameCode
          trial.seconds[.examine] = (.now - imaged) / .seconds(1)
          return (trial, nil)
        }
        if let baseline = rules.baseline, try await Digest.of(file: built.image) == baseline.image {
          trial.result = .sameCode
          trial.seconds[.examine] = (.now - imaged) / .seconds(1)
          return (trial, nil)
        }
        if rules.cell.extent == .build {
          trial.result = .built
          trial.seconds[.examine] = (.now - imaged) / .seconds(1)
          return (trial, nil)
        }
        let trace = try await tree.trace(of: examined)
        var bootable = Bootable(
          image: place.appending("image"), initramfs: place.appending("initramfs.cpio"), trace: trace,
          modules: modules)
        // The tree goes, and with it what lies there.
        if modules != driver.modules {
          try bootable.modules.driver.keep(in: place)
          try bootable.modules.counter.keep(in: place)
        }
        try await Initramfs.write(
          inOrder(for: change).extras(bootable.modules, trace: trace, testSeconds: clocks.test),
          behind: prepared.initramfs, to: bootable.initramfs, scratch: place)
        trial.seconds[.examine] = (.now - imaged) / .seconds(1)
        try FileManager.default.moveItem(atPath: built.image.string, toPath: bootable.image.string)
        return (trial, bootable)
      }
    }
    return (trial, bootable)
  }

  /// The same, with the tests that a change is tried by, in the order in which that is best done.
  func inOrder(for change: CodeChange?) -> Self {
    guard let reach = asked.reach else { return self }
    var other = self
    other.asked.names = reach.runners(asked.names, of: change) ?? reach.order(asked.names, for: change)
    other.asked.isPart = asked.isPart || other.asked.names != asked.names
    return other
  }

  /// What a guest of this runner's gets beside its binary.
  func extras(_ modules: GuestModules, trace: CodeTrace, testSeconds: Int) -> Initramfs.Extras {
    Initramfs.Extras(
      driver: modules.driver.forGuest, counter: modules.counter.forGuest, trace: trace.request,
      orders: asked.isPart ? GuestOptions(only: asked.names, testSeconds: testSeconds) : nil)
  }

  /// How many guests one trial may take. Each that dies takes the time of a boot with it, one that hangs much more.
  private static var mostGuests: Int { 4 }

  /// Runs the tests; those behind one that ends its guest are run by a fresh guest.
  func boot(_ bootable: Bootable, evidence: FilePath, trial: inout Trial) async throws {
    var whole: GuestRun?
    var number = 1
    var options = GuestOptions(testSeconds: clocks.test)
    var expected = asked.names[...]
    while true {
      let run: GuestRun
      do {
        run = try await guest(
          number == 1 ? "" : "-\(number)", bootable, options, evidence: evidence, trial: &trial
        ).asked(for: expected)
      } catch {
        // What the first guest said stands, whatever becomes of those after it.
        guard var sum = whole, !error.endsRun else { throw error }
        sum.anomalies.append("no fresh guest could be had for the tests that were left: \(error)")
        trial.result = .ran(sum)
        return
      }
      let sum = whole?.continued(by: run) ?? run
      trial.result = .ran(sum)
      whole = sum
      guard let death = run.deaths.last, run.tests.last?.name != death.test, number < Self.mostGuests,
        sum.deaths.count(where: \.isHang) < 2
      else { return }
      number += 1
      options.after = death.test
      expected = expected.drop { $0 != death.test }.dropFirst()
    }
  }

  /// Less than this on a disk, in bytes, and it counts as full.
  private static var leastSpace: Int64 { 1 << 20 }

  /// A machine for one guest.
  /// - Parameter suffix: for the names of its evidence, where it is not the trial's first.
  func machine(_ suffix: String, _ bootable: Bootable, _ options: GuestOptions, evidence: FilePath) -> MachineSpec {
    MachineSpec(
      name: "patchbench-\(ProcessInfo.processInfo.processIdentifier)-\(UUID().uuidString.prefix(8))",
      accelerator: guests.accelerator, kernel: bootable.image.absolute, initramfs: bootable.initramfs.absolute,
      commandLine: guests.keepsMemory ? KernelCommandLine(options).staying : KernelCommandLine(options),
      console: evidence.appending("console\(suffix).log").absolute,
      results: evidence.appending("results\(suffix).ktap").absolute)
  }

  /// One guest, from its start to its end.
  /// - Parameters:
  ///   - suffix: for the names of its evidence, where it is not the trial's first.
  ///   - saved: what it is restored from; `nil` boots it.
  ///   - isEnough: as of `GuestWatch.watch`.
  func guest(
    _ suffix: String, _ bootable: Bootable, _ options: GuestOptions, from saved: SavedGuest<Host>? = nil,
    evidence: FilePath, trial: inout Trial,
    isEnough: @escaping @Sendable (TestResult?, [KernelReport]) -> Bool = { _, _ in false }
  ) async throws -> GuestRun {
    let name = trial.series
    events.send(.stageStarted(series: name, stage: .boot))
    let spec = machine(suffix, bootable, options, evidence: evidence)
    let watch = GuestWatch(
      clocks.guest, clock: ContinuousClock(),
      memory: guests.keepsMemory ? evidence.appending("vmcore\(suffix)").absolute : nil)
    let begun = ContinuousClock.now
    let idleSlot = IdleGuestSlot(resources.guests)
    let wasEnough = Locked(false)
    let isEnough = { @Sendable (test: TestResult?, reports: [KernelReport]) in
      let isEnough = isEnough(test, reports)
      if isEnough { wasEnough.withLock { $0 = true } }
      return isEnough
    }
    let (watched, started, ended) = try await start(spec, options, from: saved) { machine in
      let started = ContinuousClock.now
      let watched = try await idleSlot.with {
        try await watch.watch(machine, accelerator: guests.accelerator, isEnough: isEnough) { progress in
          idleSlot.heard()
          switch progress {
          case .booted: events.send(.stageStarted(series: name, stage: .tests))
          case .testStarted(let test, let number, let count):
            events.send(.progress(series: name, stage: .tests, text: "\(number)/\(count) \(test)"))
          }
        }
      }
      let ended = ContinuousClock.now
      // What was ended on purpose has said all that was asked of it.
      if !wasEnough.withLock({ $0 }), watched.run.ending != .completed || !watched.run.anomalies.isEmpty {
        do {
          try await machine.keepState(as: StateDisks.place(in: evidence, suffix).absolute)
        } catch {
          // More evidence is not worth a trial.
          if error.isCancellation { throw CancellationError() }
          events.send(.progress(series: name, stage: .tests, text: "its state disk was not kept: \(error)"))
        }
      }
      return (watched, started, ended)
    }
    // What the channels cannot write they pass over: the guest's word then ends where the disk did, which is not its fault.
    if DiskSpace.free(at: evidence) < Self.leastSpace { throw StageError.noSpace(.tests) }
    trial.seconds.add(.start, (started - begun) / .seconds(1))
    trial.seconds.add(.boot, watched.boot)
    trial.seconds.add(.tests, watched.tests)
    trial.seconds.add(.collect, (.now - ended) / .seconds(1))
    var run = watched.run
    if let trace = bootable.trace { run.execution = trace.execution(of: run.execution) }
    return run
  }

  private func start<Result: Sendable>(
    _ spec: MachineSpec, _ options: GuestOptions, from saved: SavedGuest<Host>?,
    _ body: @Sendable (Host.Running) async throws -> Result
  ) async throws -> Result {
    guard let saved else { return try await host.withMachine(spec, body) }
    return try await saved.withMachine(options, console: spec.console, results: spec.results, body)
  }

  /// Turns whatever the harness could not do into the trial's result, so that the other series still have their turn.
  private func guarding(_ trial: inout Trial, _ stage: Stage, _ body: (inout Trial) async throws -> Void) async throws {
    do {
      try await body(&trial)
    } catch {
      if error.isCancellation { throw CancellationError() }
      if error.isNoSpace { throw error as? StageError ?? .noSpace(stage) }
      if case StageError.fault(let fault) = error {
        trial.result = .fault(fault)
      } else if case ToolError.exceeded = error {
        // What has limits is what runs the series' own code.
        trial.result = .doesNotBuild(
          BuildFailure(diagnostics: [Diagnostic(file: nil, line: nil, message: "\(error)", patch: nil)], tail: []))
      } else {
        trial.result = .fault(HarnessFault(stage: stage, message: "\(error)"))
      }
    }
  }
}

extension GuestDeath {
  /// Whether it was noticed only by the clock.
  fileprivate var isHang: Bool {
    if case .silent = ending { true } else { false }
  }
}

/// Counts on from a number.
final class Counter: Sendable {
  private let number: Locked<Int>

  init(after number: Int = 0) { self.number = Locked(number) }

  func next() -> Int {
    number.withLock { number in
      number += 1
      return number
    }
  }
}

extension TrialResult {
  /// Says of a guest's run that its evidence is not whole.
  mutating func note(_ anomaly: String) {
    guard case .ran(var run) = self else { return }
    run.anomalies.append(anomaly)
    self = .ran(run)
  }
}

extension GuestRun {
  /// The run, with a word on it if the guest planned other tests than it was asked for.
  func asked(for names: ArraySlice<String>) -> GuestRun {
    guard booted, !tests.map(\.name).elementsEqual(names) else { return self }
    var run = self
    run.anomalies.append("the guest planned other tests than the \(names.count) that it was asked for")
    return run
  }
}

extension ModuleBuild {
  /// Copies a module into a directory, and stands for that copy then.
  mutating func keep(in directory: FilePath) throws {
    guard case .built(let file) = self, let name = file.lastComponent else { return }
    let kept = directory.appending(name)
    try FileManager.default.copyItem(atPath: file.string, toPath: kept.string)
    self = .built(kept)
  }

  /// What a guest gets of it.
  public var forGuest: Initramfs.Module {
    switch self {
    case .built(let module): .module(module)
    case .failed(let reason): .none(reason)
    }
  }
}

/// What a guest starts from.
struct Bootable: Sendable {
  var image: FilePath
  var initramfs: FilePath
  /// What is counted there; `nil` for the base.
  var trace: CodeTrace?
  /// What it has of our modules.
  var modules: GuestModules
}
