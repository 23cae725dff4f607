// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
public import GuestMachine
import GuestProtocol
public import KernelBuild
import SeriesIntake
import SystemPackage
import Toolbox

/// Runs the trial of one series or of the base, from its patches to the end of its guest.
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
      trial = try await cache.withScratch { scratch in
        let bootable = try await countedBase(scratch)
        return try await resources.guest {
          var trial = trial
          try await boot(bootable, TestLimits(long: clocks.test), evidence: evidence, trial: &trial)
          trial.keepReach()
          return trial
        }
      }
      try await locate(nil, evidence: evidence, in: &trial)
    }
    return trial
  }

  /// The base's own image, as series are compared with it.
  var baseBootable: Bootable {
    Bootable(
      image: base.image, initramfs: guests.baseInitramfs, trace: nil, modules: driver.modules, asked: asked)
  }

  /// The same, with a guest that counts the suite's functions.
  private func countedBase(_ scratch: FilePath) async throws -> Bootable {
    let functions = prepared.suite.functions.sorted { $0.key < $1.key }
      .flatMap { file, names in names.sorted().map { CodeChange.Function(name: $0, file: file) } }
    var bootable = baseBootable
    guard !functions.isEmpty, let trace = try await base.trace(functions) else { return bootable }
    bootable.trace = trace
    bootable.initramfs = scratch.appending("initramfs.cpio")
    try await Initramfs.write(
      asked.extras(bootable.modules, trace: trace), behind: prepared.initramfs, to: bootable.initramfs,
      scratch: scratch)
    return bootable
  }

  /// Applies, builds and runs one series. The build and the guest each wait for their turn.
  /// - Throws: only on cancellation, or if the disk is full. Any other failure is the trial's result.
  func run(_ one: ReadSeries, on layer: SharedPatchTree?, base: BaseTrials, evidence: FilePath) async throws -> Trial {
    var trial = Trial(
      series: one.series.name, cell: rules.cell, seconds: StageSeconds(), reused: false, result: .interrupted)
    try await guarding(&trial, .apply) { trial in
      trial = try await cache.withScratch { scratch in
        var (built, bootable) = try await resources.build {
          try await build(one, on: layer, evidence: evidence, keep: scratch)
        }
        await layer?.release()
        guard var bootable else {
          // A later patch may have undone what an earlier one did.
          if built.result == .sameCode { try await blame(one, base: base, evidence, scratch, &built) }
          return built
        }
        // The base's guest shows which tests to run first, how long each may take, and what is worse.
        let baseTrial = await reference(base)
        let imaged = ContinuousClock.now
        let named = rules.witnesses?[one.series.name]
        try await order(&bootable, for: built.change, beside: baseTrial, witnesses: named ?? [], scratch: scratch)
        built.seconds.add(.examine, (.now - imaged) / .seconds(1))
        if rules.stopsWhenWorse || named != nil {
          var tried = try await runUntilWorse(
            bootable, built, named: named, base: base, evidence: evidence, scratch: scratch)
          if rules.isOfMutants { return tried }
          if let cut = tried.cutShort {
            tell(cut, of: one.series.name)
          } else {
            try await blame(one, base: base, evidence, scratch, &tried)
          }
          try await locate(one, evidence: evidence, in: &tried)
          return tried
        }
        var (tried, limits) = try await resources.guest {
          try await boot(bootable, built, beside: baseTrial, base: base, evidence: evidence)
        }
        do {
          try await tryAgain(
            bootable, base: base, limits, evidence: evidence, scratch: scratch, trial: &tried)
        } catch  where !error.endsRun {
          // The first guest's results stay, but were not confirmed.
          tried.result.note("changed results could not be rerun: \(error)")
        }
        try await blame(one, base: base, evidence, scratch, &tried)
        try await locate(one, evidence: evidence, in: &tried)
        return tried
      }
    }
    return trial
  }

  /// Returns what series are compared with, once it is known.
  private func reference(_ base: BaseTrials) async -> Trial? {
    if let baseline = rules.baseline { baseline.trial } else { await base.trial() }
  }

  /// Finds out which patches bring what is worse, be it with the whole series or between two of its patches. The
  /// verdict stands without that.
  private func blame(
    _ one: ReadSeries, base: BaseTrials, _ evidence: FilePath, _ scratch: FilePath, _ trial: inout Trial
  ) async throws {
    if one.series.patches.count < 2 || rules.isOfMutants { return }
    let reference = await reference(base)
    do {
      let known = try await testEachPatch(
        of: one, beside: reference, base: base, evidence: evidence, scratch: scratch, trial: &trial)
      try await findCulprits(
        of: one, beside: reference, known: known, evidence: evidence, scratch: scratch, trial: &trial)
    } catch  where !error.endsRun {
      events.send(.progress(series: trial.series, stage: .done, text: "the patch to blame was not found: \(error)"))
    }
  }

  /// Puts the tests into the best order for a change, and writes the initramfs that orders them.
  private func order(
    _ bootable: inout Bootable, for change: CodeChange?, beside base: Trial?, witnesses: [Witness], scratch: FilePath
  ) async throws {
    bootable.asked = asked.inOrder(for: change, base: base).first(witnesses)
    guard let trace = bootable.trace else { return }
    try await Initramfs.write(
      bootable.asked.extras(bootable.modules, trace: trace), behind: prepared.initramfs, to: bootable.initramfs,
      scratch: scratch)
  }

  /// Tells the user the regression that a trial ended with.
  private func tell(_ cut: CutShort, of series: String) {
    let (subject, words) =
      switch cut {
      case .test(let name, let reason): (name, reason)
      case .report(let title): (title, "kernel report that the base does not have")
      }
    events.send(.worse(series: series, subject: subject, words: words, isConfirmed: true))
  }

  /// Applies and builds one series.
  /// - Parameters:
  ///   - isPart: whether these are only the first patches of a series. Then its lines, its warnings and each of its
  ///     patches are not looked at: that is done for the whole.
  ///   - place: the directory for the files to boot, so that the tree, which is many times larger, can be removed.
  /// - Returns: the trial so far, and what to boot; `nil` if the trial is over.
  func build(
    _ one: ReadSeries, isPart: Bool = false, on layer: SharedPatchTree?, evidence: FilePath, keep place: FilePath
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
        let whole = one.diffs.map { evidence.appending($0.lastComponent!.string).absolute }
        let diffs = Array(whole.dropFirst(done))
        let refused = try await tree.apply(rest, diffs: diffs)
        trial.seconds[.apply] = (.now - begun) / .seconds(1)
        if let refused {
          let others = UnpackedKernel.all(definedIn: prepared.kernels, cache: cache, besides: self.base)
          trial.result = .doesNotApply(
            try await tree.diagnosed(refused, of: one.series, diffs: whole, others: others))
          return (trial, nil)
        }
        events.send(.stageStarted(series: name, stage: .build))
        let log = evidence.appending("build.log").absolute
        let built = try await tree.build(
          one.series, settings: rules.settings ?? [], findsLines: !isPart, jobs: resources.jobs, log: log
        ) { text in
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
        var imaged = ContinuousClock.now
        if !isPart {
          if let failure = try await compileEachPatch(one.series, whole, in: scratch, evidence: evidence, &trial) {
            trial.result = .doesNotBuild(failure)
            return (trial, nil)
          }
          imaged = .now
          let later = Set(rest.patches.flatMap(\.paths))
          let logs = [layer?.log, log].compactMap { $0 }
          let warnings = await Blocking.run {
            tree.newWarnings(in: logs, after: later, of: one.series, diffs: whole)
          }
          trial.warnings =
            try await warnings
            + tree.checkWarnings(
              of: one.series, diffs: whole, besides: warnings, jobs: resources.jobs, scratch: scratch
            ) { evidence.appending("check-\($0).log").absolute }
        }
        let modules = try await tree.modules(
          driver, touched: Set(one.series.patches.flatMap(\.paths)), work: built.work, jobs: resources.jobs,
          log: evidence.appending("driver.log").absolute)
        let examined = try await tree.compiledChange(
          of: one.series, built, driver: driver, jobs: resources.jobs, findsLines: !isPart)
        var change = examined.change
        if !isPart {
          change.elsewhere = await prepared.target.kernel.profiles(
            besides: rules.cell.profile, compiling: change.notCompiled, cache: cache)
        }
        trial.change = change
        // If the test driver no longer builds, the trial has to show it. If it builds differently, `change` has its
        // functions.
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
        let trace = isPart ? nil : try await tree.trace(of: examined)
        var bootable = Bootable(
          image: place.appending("image"), initramfs: place.appending("initramfs.cpio"), trace: trace,
          modules: modules, asked: asked)
        // The tree is removed, so copy the modules out of it.
        if modules != driver.modules {
          try bootable.modules.driver.keep(in: place)
          try bootable.modules.counter.keep(in: place)
        }
        trial.seconds[.examine] = (.now - imaged) / .seconds(1)
        try FileManager.default.moveItem(atPath: built.image.string, toPath: bootable.image.string)
        return (trial, bootable)
      }
    }
    return (trial, bootable)
  }

  /// Turns a harness failure into the trial's result, so that the other series still run.
  private func guarding(_ trial: inout Trial, _ stage: Stage, _ body: (inout Trial) async throws -> Void) async throws {
    do {
      try await body(&trial)
    } catch {
      if error.isCancellation { throw CancellationError() }
      if error.isNoSpace { throw error as? StageError ?? .noSpace(stage) }
      if case StageError.fault(let fault) = error {
        trial.result = .fault(fault)
      } else if case ToolError.exceeded = error {
        // Only tools that run the series' own code have limits.
        trial.result = .doesNotBuild(
          BuildFailure(diagnostics: [Diagnostic(file: nil, line: nil, message: "\(error)", patch: nil)], tail: []))
      } else {
        trial.result = .fault(HarnessFault(stage: stage, message: "\(error)"))
      }
    }
  }
}

/// Counts up from a number.
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
  /// Notes an anomaly that makes the evidence of a guest's run incomplete.
  mutating func note(_ anomaly: String) {
    guard case .ran(var run) = self else { return }
    run.anomalies.append(anomaly)
    self = .ran(run)
  }
}

extension GuestRun {
  /// Returns the run, with an anomaly if the guest did not plan exactly the requested tests.
  func asked(for names: ArraySlice<String>) -> GuestRun {
    guard booted, !tests.map(\.name).elementsEqual(names) else { return self }
    var run = self
    run.anomalies.append("the guest did not plan exactly the \(names.count) tests that it was asked for")
    return run
  }
}

extension ModuleBuild {
  /// Copies a module into a directory, and then refers to the copy.
  mutating func keep(in directory: FilePath) throws {
    guard case .built(let file) = self, let name = file.lastComponent else { return }
    let kept = directory.appending(name)
    try FileManager.default.copyItem(atPath: file.string, toPath: kept.string)
    self = .built(kept)
  }

  /// The module as a guest gets it.
  public var forGuest: Initramfs.Module {
    switch self {
    case .built(let module): .module(module)
    case .failed(let reason): .none(reason)
    }
  }
}

/// What a guest boots from.
struct Bootable: Sendable {
  var image: FilePath
  var initramfs: FilePath
  /// What the guest counts; `nil` for the base.
  var trace: CodeTrace?
  /// patchbench's own kernel modules.
  var modules: GuestModules
  /// The tests that its initramfs orders, in their order.
  var asked: AskedTests
}
