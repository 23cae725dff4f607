// SPDX-License-Identifier: Apache-2.0

public import ArgumentParser
import Bench
import BenchModel
public import Benchmarks
import Foundation
import KernelBuild
import SystemPackage
import Verdicts

struct BenchmarkCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Time patchbench on this machine against the bare steps and against virtme-ng.",
    discussion: """
      Each comparison times both sides one right after the other, several times, and prints the ratios: minimum, \
      median and maximum. Nothing else should run on the machine. Both sides run all tests: on two \
      CPUs with emulation, all comparisons take many hours, and virtme-ng's own build takes half an hour more, once. Name \
      some comparisons to run only those, or give fewer --pairs or --tests:

        one-file       a one-file series, with the base built, against git apply, make in place and QEMU by hand
        virtme-ng      the same series against virtme-ng with patchbench's config fragments; needs vng in PATH (pip \
      install virtme-ng) and what vng needs (apt-get install kmod udev)
        ten-series     ten series against the sum of the bare steps
        hot-header     a series that changes include/linux/mm.h: its second version against its first
        growth         1, 5 and 20 series: time, peak memory and disk for each (ten-series shows these for 10)
        fresh-guests   a guest restored from a saved state against a guest that boots
        console-scan   scanning a 200 MB console for kernel reports, against 100 MB per second
        watched-lines-20, watched-lines-500
                       the whole suite with 20 or 500 changed lines watched, against the suite with none watched

        patchbench bench one-file fresh-guests
        patchbench bench --pairs 5 --json > bench.json

      Exit status: 0 all comparisons were made; 3 at least one was not.
      """)

  @Argument(help: ArgumentHelp("The comparisons to run. Default: all.", valueName: "comparison"))
  var names: [Benchmark.Name] = []

  @Option(parsing: .unconditional, help: "How many times to run each comparison.")
  var pairs = 5

  @Option(help: "The kernel: a directory under Kernels/.")
  var kernel = Defaults.current.kernel.value

  @Option(help: "The kernel's profile, which selects its config fragments.")
  var profile = Defaults.current.profile.value

  @Option(
    parsing: .unconditional,
    help: "How many compilers to run at once, on both sides. Default: depends on CPUs and memory.")
  var jobs: Int?

  @Option(
    name: .customLong("tests"),
    help: ArgumentHelp(
      "Run only the tests of this name, on both sides; * matches any text. Repeatable. Default: all.",
      valueName: "pattern"))
  var tests: [String] = []

  @Flag(help: "Print JSON on standard output instead of the tables.")
  var json = false

  @OptionGroup var common: CommonOptions

  func validate() throws {
    if pairs < 1 { throw ValidationError("--pairs must be at least 1.") }
    if let jobs, jobs < 1 { throw ValidationError("--jobs must be at least 1.") }
  }

  func run() async throws {
    let environment = ProcessInfo.processInfo.environment
    let checkout = try common.checkout()
    try refuseIfUnfit(Doctor.quick(guestBinary: checkout.guestBinary))
    let definition = try checkout.kernel(kernel)
    let place = try common.place(environment)
    let jobs = WorkOptions.resources(jobs: jobs, memory: nil).jobs
    var benchmark = Benchmark(
      target: RunTarget(
        kernel: definition, profile: try definition.profile(profile), connection: nil, accelerator: .tcg),
      checkout: checkout,
      place: place,
      jobs: jobs,
      pairs: pairs,
      executable: FilePath(URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().path),
      // Use TCG on both sides, and do not probe KVM in between.
      options: [
        "--kernel", kernel, "--profile", profile, "--jobs", "\(jobs)", "--cache", place.cache.root.string, "--home",
        checkout.home.string, "--suite", checkout.suite.name, "--accelerator", "tcg", "--retries", "0",
      ] + tests.flatMap { ["--tests", $0] }, progress: { Output.note($0) })
    benchmark.tests = tests.map(NamePattern.init)
    let asked = names.isEmpty ? Benchmark.Name.allCases : names
    let report = try await untilSignal { [benchmark] in
      try await benchmark.run(asked) { comparison in
        let ratios = comparison.pairs.map { "\(($0.ratio * 100).rounded() / 100)" }.joined(separator: " ")
        Output.note("\(comparison.name): \(comparison.failure ?? ratios)")
      }
    }
    if json {
      Output.result(try JSONText.of(report))
      Output.aside(report.table)
    } else {
      Output.result(report.table)
    }
    if report.comparisons.count < asked.count || report.comparisons.contains(where: { $0.failure != nil }) {
      throw ExitCode(ExitStatus.inconclusive)
    }
  }
}

extension Benchmark.Name: ExpressibleByArgument {}
