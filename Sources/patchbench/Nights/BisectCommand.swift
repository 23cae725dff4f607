// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Bench
import BenchModel
import BisectRun
import Foundation
import KernelBuild
import Reports
import SystemPackage
import Toolbox
import Verdicts

struct BisectCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bisect",
    abstract: "Search for the commit that made a kernel worse between two revisions.",
    discussion: """
      The good revision is the base. Each other commit is judged like a series whose only patch is all that differs \
      from the good revision, so only that is compiled.

      First the bad revision is tried, with all tests, or with those of --tests. What is worse there is what is looked \
      for: tests, kernel reports, a kernel that does not boot or build. Then `git bisect` chooses commits, and each runs \
      only the tests that show it. A commit that does not build, or gives no answer, is skipped.

        patchbench bisect --tree ~/src/linux --good v6.12 --bad v6.13 --tests 'forward/*'
        patchbench bisect --tree ~/src/linux --good v6.12 --bad drm-misc-next --profile ubsan
        patchbench bisect --resume results/20261128T140509-bisect-tree-linux-kasan

      The tree is only read: nothing is checked out there. What is not committed does not count.

      Ctrl-C keeps the steps that finished; --resume continues with the rest. Each step has its record and its reports \
      in the directory; bisect.log is for `git bisect replay`.

      Exit status: 0 nothing is worse at the bad revision; 1 something is, and the first bad commit was found; 3 it was \
      not found, because commits had to be skipped, the harness failed, or the search was stopped.
      """)

  @Option(help: ArgumentHelp("The kernel's git work tree. It is never changed.", valueName: "path"))
  var tree: String?

  @Option(help: ArgumentHelp("Instead of --tree: a kernel under Kernels/ whose source is a local git repository."))
  var kernel: String?

  @Option(help: ArgumentHelp("A commit, tag or branch where nothing is wrong yet: the base.", valueName: "revision"))
  var good: String?

  @Option(help: ArgumentHelp("A commit, tag or branch where something is worse.", valueName: "revision"))
  var bad: String?

  @Option(help: "The kernel's profile, which selects its config fragments.")
  var profile = Defaults.current.profile.value

  @Option(
    name: .customLong("tests"),
    help: ArgumentHelp("Run only the tests of this name; * matches any text. Repeatable.", valueName: "pattern"))
  var tests: [String] = []

  @Option(help: ArgumentHelp("Continue a bisection that was stopped.", valueName: "dir"))
  var resume: String?

  @Flag(help: "Print bisect.json on standard output instead of the table.")
  var json = false

  @OptionGroup var work: WorkOptions
  @OptionGroup var common: CommonOptions

  func validate() throws {
    try work.check()
    if resume != nil {
      if tree != nil || kernel != nil || good != nil || bad != nil || !tests.isEmpty || work.output != nil {
        throw ValidationError(
          "--resume continues with the same range and tests; it takes no --tree, --kernel, --good, --bad, --tests or "
            + "--output.")
      }
      return
    }
    if good == nil || bad == nil { throw ValidationError("Name both --good and --bad: two revisions of the kernel.") }
    if (tree == nil) == (kernel == nil) {
      throw ValidationError("Name either --tree, a git work tree, or --kernel, whose source is a git repository.")
    }
  }

  func run() async throws {
    let begun: Begun
    if let resume {
      let directory = FilePath(resume)
      let bisection = try Self.read(directory)
      if bisection.outcome != nil { return try tell(bisection, in: directory) }
      begun = (try run(continuing: bisection, in: directory), bisection, directory)
    } else {
      begun = try await begin()
    }
    let (run, directory) = (begun.run, begun.directory)
    Output.note("\(BisectText.head(begun.bisection.range)), in \(visible(directory.string))")
    if let note = BisectText.parted(begun.bisection.range) { Output.note(note) }
    let progress = BisectProgress()
    let bisection: Bisection
    do {
      bisection = try await untilSignal { try await run.goOn(telling: progress) }
    } catch {
      progress.finish()
      throw Self.broken(error, directory)
    }
    try tell(bisection, in: directory)
  }

  private typealias Begun = (run: BisectRun, bisection: Bisection, directory: FilePath)

  /// Finds the two revisions, and creates the bisection's directory.
  private func begin() async throws -> Begun {
    let environment = ProcessInfo.processInfo.environment
    let checkout = try common.checkout()
    let (name, repository) = try source(in: checkout)
    let profile = try checkout.kernel(name).profile(profile)
    let patterns = tests.map(NamePattern.init)
    try refuseIfUnfit(Doctor.quick(guestBinary: checkout.guestBinary))
    _ = try await TestListing.read(from: checkout.guestBinary).names(patterns)
    let limits = work.limits()
    let place = try common.place(environment)
    let (good, bad) = (good ?? "", bad ?? "")
    let cage = try await limits.sandbox?.cage()
    let range = try await place.cache.withScratch { scratch in
      try await BisectRange.find(good: good, bad: bad, in: repository, scratch: scratch, cage: cage)
    }
    // The commit, because a branch may have moved when the bisection is resumed.
    let definition = try checkout.kernel(name, at: range.good.commit.name)
    let directory =
      work.output.map { FilePath($0) }
      ?? RunDirectory.fresh(
        under: Defaults.current.results, label: "bisect-\(definition.label)-\(profile.name)", at: Date())
    if Bisection.isThere(directory) {
      throw Failure(
        "\(directory) has another bisection", advice: "name a new --output, or continue it: `\(Self.again(directory))`",
        status: ExitStatus.usage)
    }
    let plan = RunPlan(
      target: work.target(definition, profile, BaseChoice(reason: .named, revision: range.good.commit.name)),
      series: [],
      choices: RunChoices(
        tests: patterns, fresh: work.fresh, keepsMemory: false, stopsAtFirst: false, accepted: [], executor: .local,
        eachPatch: .none),
      // The same policy as in `run`, so that both share the base's result.
      retryPolicy: .standard, limits: limits, checkout: checkout, place: place, purpose: .verdicts)
    let run = BisectRun(plan, of: range, in: directory)
    return (run, try await untilSignal { try await run.begin() }, directory)
  }

  /// Returns the kernel's name, and its repository.
  private func source(in checkout: Checkout) throws -> (name: String, repository: FilePath) {
    let name = tree.map { FilePath($0).absolute.string } ?? kernel ?? ""
    // Any revision: whether the source is a repository is all that is asked here.
    let definition = try repository(of: name, in: checkout)
    guard case .git(let repository, _) = definition.source, !definition.isRemote else {
      throw Failure(
        "the repository of \(name) is not on this machine, and a bisection needs its history",
        advice: "clone it, and name the clone with --tree", status: ExitStatus.usage)
    }
    return (name, FilePath(repository))
  }

  private func repository(of name: String, in checkout: Checkout) throws -> KernelDefinition {
    do { return try checkout.kernel(name, at: "HEAD") } catch {
      guard case .noRepository = error else { throw error }
      throw BisectInput.noRepository(tree ?? "the source of \(name)")
    }
  }

  /// Reads a bisection that was begun.
  private static func read(_ directory: FilePath) throws -> Bisection {
    if let bisection = Bisection(in: directory) { return bisection }
    let advice =
      Bisection.isThere(directory)
      ? "use the patchbench that began it, or start a new one" : "name a directory that `patchbench bisect` made"
    throw Failure(
      "\(directory) is not a bisection that this patchbench can continue", advice: advice, status: ExitStatus.usage)
  }

  private func run(continuing bisection: Bisection, in directory: FilePath) throws -> BisectRun {
    let first = RunDirectory(Bisection.first(in: directory))
    let plan = try ResumeCommand.same(
      try first.recordedPlan(), common, in: first.path, resources: work.resources())
    try refuseIfUnfit(Doctor.quick(guestBinary: plan.checkout.guestBinary))
    return BisectRun(plan, of: bisection.range, in: directory)
  }

  private func tell(_ bisection: Bisection, in directory: FilePath) throws {
    let text = { (stream: Int32) in BisectText.result(bisection, width: Output.width(stream)) }
    if json {
      Output.result(try JSONText.of(bisection))
      Output.aside(text(2))
    } else {
      Output.result(text(1))
    }
    Output.note("bisection: \(visible(directory.appending("bisect.json").string))")
    let status = Self.status(bisection.outcome)
    if status != ExitStatus.fine { throw ExitCode(status) }
  }

  static func status(_ outcome: BisectOutcome?) -> Int32 {
    switch outcome?.kind {
    case .nothingWorse: ExitStatus.fine
    case .firstBad: ExitStatus.worse
    case .suspects, .undecided, .fixedSince, nil: ExitStatus.inconclusive
    }
  }

  /// Returns what ended a bisection early, with the command that continues it.
  private static func broken(_ error: any Error, _ directory: FilePath) -> Failure {
    var failure = Failure((error as? RunBrokenOff)?.cause ?? error)
    if error is RunInUse { return failure }
    failure.advice =
      (failure.advice.map { "\($0); then " } ?? "") + "`\(again(directory))` continues; what was finished is kept"
    return failure
  }

  static func again(_ directory: FilePath) -> String {
    Tool("patchbench", ["bisect", "--resume", directory.string]).commandLine
  }
}
