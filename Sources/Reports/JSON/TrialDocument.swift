// SPDX-License-Identifier: Apache-2.0

internal import BenchModel
internal import GuestProtocol
internal import Verdicts

/// Where and how a trial ended: the part that the base and a series' cell share.
struct TrialDocument: Encodable {
  var kernel: String
  var profile: String
  var architecture: String
  var toolchain: String
  var extent: Cell.Extent
  var guest: String
  var accelerator: Accelerator
  @ExplicitNull var release: String?
  var stage: Stage
  var seconds: SecondsDocument
  @ExplicitNull var work: WorkDocument?
  @ExplicitNull var change: ChangeDocument?
  var reused: Bool
  var outcome: Outcome
  @ExplicitNull var detail: String?
  @ExplicitNull var applyFailure: ApplyFailureDocument?
  @ExplicitNull var buildFailure: BuildFailureDocument?
  var warnings: [DiagnosticDocument]
  @ExplicitNull var eachPatch: Bool?
  var culprits: [CulpritDocument]
  @ExplicitNull var patchTests: PatchTestsDocument?
  var deaths: [DeathDocument]
  var anomalies: [String]
  var lastLines: [String]
  @ExplicitNull var hang: HangDocument?
  var states: [StateDocument]

  /// The patch that brings what is worse.
  struct CulpritDocument: Encodable {
    var patch: Int
    var lastGood: Int
    var test: String
    var alike: Int
  }

  /// Where a guest hung, and what its kernel printed about it.
  struct HangDocument: Encodable {
    var place: String
    @ExplicitNull var test: String?
    var state: GuestHang.State
    var busyIn: [String]
    var blocked: [String]
    var answer: [String]

    init(_ hang: GuestHang) {
      switch hang.place {
      case .noOutput: place = "no-output"
      case .beforeInit: place = "before-init"
      case .inTest(let name):
        place = "in-test"
        test = name
      case .betweenTests: place = "between-tests"
      }
      state = hang.state
      busyIn = hang.busyIn
      blocked = hang.blocked
      answer = hang.answer
    }
  }

  /// The contents of the disk of a guest that did not complete.
  struct StateDocument: Encodable {
    var image: String
    var files: [String]
    @ExplicitNull var failure: String?

    init(_ state: StateEvidence) {
      image = state.image
      files = state.files
      failure = state.failure
    }
  }

  struct DeathDocument: Encodable {
    var test: String
    var outcome: Outcome
    var detail: String
  }

  enum Outcome: String, Encodable, CaseIterable {
    case notRun = "not-run"
    case interrupted
    case fault
    case doesNotApply = "does-not-apply"
    case doesNotBuild = "does-not-build"
    case sameCode = "same-code"
    case built
    case completed
    case panicked
    case stoppedEarly = "stopped-early"
    case silent
    case bootDeadline = "boot-deadline"
    case runDeadline = "run-deadline"
    case flooded
    case machineDied = "machine-died"
  }

  /// - Parameter series: `nil` for the base.
  init(_ trial: Trial?, of series: PatchSeries? = nil, header: RunHeader) {
    let cell = trial?.cell ?? header.cell
    kernel = cell.kernel
    profile = cell.profile
    architecture = cell.architecture
    toolchain = cell.toolchain
    extent = cell.extent
    guest = cell.guest
    accelerator = trial?.run?.accelerator ?? header.accelerator
    release = trial?.run?.release
    stage = Verdicts.stage(of: trial)
    seconds = SecondsDocument(trial?.seconds)
    work = trial?.work.map(WorkDocument.init)
    change = ChangeDocument(trial, accepted: header.accepted ?? [])
    reused = trial?.reused ?? false
    deaths =
      trial?.run?.deaths.map {
        DeathDocument(test: $0.test, outcome: Outcome($0.ending), detail: $0.ending.words)
      } ?? []
    anomalies = trial?.run?.anomalies ?? []
    lastLines = trial?.run?.lastLines ?? []
    hang = trial?.run?.hang.map(HangDocument.init)
    states = (trial?.states ?? []).map(StateDocument.init)
    eachPatch = trial?.eachPatch
    culprits = (trial?.culprits ?? []).map {
      CulpritDocument(patch: $0.number, lastGood: $0.lastGood, test: $0.test, alike: $0.alike)
    }
    if let series { patchTests = trial?.patchTests.map { PatchTestsDocument($0, in: series) } }
    warnings = (trial?.warnings ?? []).map(DiagnosticDocument.init)
    outcome = trial.map { Outcome($0.result) } ?? .notRun
    switch trial?.result {
    case nil, .interrupted, .sameCode, .built: break
    case .fault(let fault):
      detail = fault.advice.map { "\(fault.message) (\($0))" } ?? fault.message
    case .doesNotApply(let failure):
      applyFailure = ApplyFailureDocument(failure)
    case .doesNotBuild(let failure):
      buildFailure = BuildFailureDocument(failure)
    case .ran(let run):
      if run.ending != .completed { detail = run.ending.words }
    }
  }
}

extension TrialDocument.Outcome {
  init(_ result: TrialResult) {
    self =
      switch result {
      case .interrupted: .interrupted
      case .fault: .fault
      case .doesNotApply: .doesNotApply
      case .doesNotBuild: .doesNotBuild
      case .sameCode: .sameCode
      case .built: .built
      case .ran(let run): Self(run.ending)
      }
  }

  init(_ ending: GuestEnding) {
    self =
      switch ending {
      case .completed: .completed
      case .panicked: .panicked
      case .stoppedEarly: .stoppedEarly
      case .silent: .silent
      case .bootDeadline: .bootDeadline
      case .runDeadline: .runDeadline
      case .flooded: .flooded
      case .machineDied: .machineDied
      }
  }
}
