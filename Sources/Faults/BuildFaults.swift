// SPDX-License-Identifier: Apache-2.0

import Foundation
import KernelBuild
import SystemPackage
import Toolbox

/// Series whose code runs on the machine that builds them.
extension Fault {
  static let buildFaults: [Fault] = [
    building(
      "build/makefile-reads", "a Makefile copies /etc/shadow and a private file into the tree and prints them",
      "a verdict, and neither file's content anywhere"
    ) { maker in
      [
        try await maker.makefile(
          running: "cat /etc/shadow \(maker.bait.file) | tee drivers/dma-buf/stolen drivers/dma-buf/stolen.h >&2; true")
      ]
    } check: { outcome, bench in
      let log = buildLog(outcome)
      return Seen(
        isVerdict(outcome) && !log.contains("root:") && !log.contains(bench.maker.bait.secret), outcome.words
      ).and(ran(outcome))
    },
    building(
      "build/makefile-writes", "a Makefile writes outside its tree, to the base and to the cache",
      "a verdict, and nothing written"
    ) { maker in
      let places = [maker.bait.directory, maker.tree.removingLastComponent()].map { "\($0)/written" }
      return [try await maker.makefile(running: places.map { "echo x > \($0)" }.joined(separator: "; ") + "; true")]
    } check: { outcome, bench in
      let written = bench.base.tree.removingLastComponent().appending("written")
      return Seen(isVerdict(outcome) && !FileManager.default.fileExists(atPath: written.string), outcome.words)
        .and(ran(outcome))
    },
    building(
      "build/kconfig-runs", "Kconfig runs a command that writes outside the tree", "a verdict, and nothing written"
    ) { maker in
      [
        try await maker.adding(
          "\nconfig STRANGE\n\tdef_bool $(success,touch \(maker.bait.directory)/written; true)\n",
          to: "drivers/dma-buf/Kconfig")
          // The symbol is set if the command ran, whether or not it succeeded.
          + maker.adding("\nifdef CONFIG_STRANGE\n\(SeriesMaker.mark)\nendif\n", to: "drivers/dma-buf/Makefile")
          + maker.adding(SeriesMaker.anything, to: "drivers/dma-buf/dma-buf.c")
      ]
    } check: { outcome, _ in
      Seen(isVerdict(outcome), outcome.words).and(ran(outcome))
    },
    building(
      "build/network", "a Makefile connects to a port on the host", "a verdict, and no connection"
    ) { maker in
      [try await maker.makefile(running: "bash -c 'echo x > /dev/tcp/127.0.0.1/\(maker.bait.port)'; true")]
    } check: { outcome, _ in
      Seen(isVerdict(outcome), outcome.words).and(ran(outcome))
    },
    building("build/fork-bomb", "a Makefile starts processes endlessly", "does not build: too many processes") {
      [try await $0.makefile(running: "while :; do setsid sleep 1000 & done")]
    } check: { outcome, _ in
      Seen(outcome.verdict == "does-not-build" && outcome.words.contains("processes at once"), outcome.words)
    },
    building("build/fills-disk", "a Makefile fills the disk", "does not build: it wrote too much") {
      [
        try await $0.makefile(
          running: "i=0; while :; do fallocate -l 200M drivers/dma-buf/f$i; i=$((i+1)); sleep 0.05; done")
      ]
    } check: { outcome, _ in
      Seen(outcome.verdict == "does-not-build" && outcome.words.contains("it wrote more than"), outcome.words)
    },
    building("build/eats-memory", "a Makefile uses up all memory", "does not build: too much memory") {
      [
        try await $0.makefile(
          running: "for i in 1 2 3 4 5 6 7 8 9; do perl -e '$x = \"x\" x 1000000000; sleep 100' & done; wait")
      ]
    } check: { outcome, _ in
      Seen(outcome.verdict == "does-not-build" && outcome.words.contains("of memory"), outcome.words)
    },
    endless("build/never-ends", "a Makefile waits forever and ignores signals") { maker in
      try await maker.makefile(running: "trap '' TERM INT; sleep 100000")
    },
    endless("build/kconfig-never-ends", "Kconfig runs a command that never ends") { maker in
      try await maker.adding(
        "\nconfig STRANGE\n\tdef_bool $(success,sleep 100000)\n", to: "drivers/dma-buf/Kconfig")
    },
    building(
      "build/leaves-links", "a build leaves links to private files, and a pipe, where patchbench reads and writes",
      "it builds, and nothing is read or written through them"
    ) { maker in
      let commands = [
        "ln -sfn \(maker.bait.directory) patchbench-driver",
        "ln -sf \(maker.bait.file) Module.symvers", "mkfifo drivers/dma-buf/.strange.o.cmd",
        "ln -sf \(maker.bait.file) drivers/dma-buf/strange.o",
      ]
      return [try await maker.makefile(running: "(\(commands.joined(separator: "; "))) 2>/dev/null; true")]
    } check: { outcome, _ in
      Seen(isVerdict(outcome) && outcome.outcome == "completed", outcome.words).and(ran(outcome))
    },
    building(
      "build/links-records", "a build replaces kbuild's record of the image with a link to a private file",
      "a verdict, and nothing read or written through it"
    ) { maker in
      [try await maker.makefile(running: "ln -sf \(maker.bait.file) .vmlinux.cmd; true")]
    } check: { outcome, _ in
      Seen(isVerdict(outcome), outcome.words).and(ran(outcome))
    },
    building("build/talks", "a Makefile prints endlessly", "does not build: too much output") {
      [try await $0.makefile(running: "cat /dev/zero >&2")]
    } check: { outcome, _ in
      Seen(outcome.verdict == "does-not-build" && outcome.words.contains("it printed more than"), outcome.words)
    },
    building(
      "build/claims-full-disk", "a Makefile claims that the disk is full, but it is not",
      "does not build, and the other series still run"
    ) {
      [try await $0.adding("\n$(error No space left on device)\n", to: "drivers/dma-buf/Makefile")]
    } check: { outcome, _ in
      Seen(outcome.verdict == "does-not-build", outcome.words)
    },
    building(
      "build/moves-away", "a patch moves a kernel source to Documentation/, where nothing is compiled",
      "does not build"
    ) { maker in
      [
        """
        diff --git a/drivers/dma-buf/dma-buf.c b/Documentation/dma-buf.txt
        similarity index 100%
        rename from drivers/dma-buf/dma-buf.c
        rename to Documentation/dma-buf.txt

        """
      ]
    } check: { outcome, _ in
      Seen(outcome.verdict == "does-not-build", outcome.words)
    },
  ]

  static func building(
    _ name: String, _ what: String, _ expected: String,
    _ patches: @escaping @Sendable (SeriesMaker) async throws -> [String],
    check: @escaping @Sendable (SeriesOutcome, FaultBench) throws -> Seen
  ) -> Fault {
    Fault(
      name: name, what: what, expected: expected, trial: .series(SeriesTrial(patches: patches, check: check)))
  }

  /// A build that never ends. It runs with its own short time limit, because the limit of the rows that run together is
  /// long.
  private static func endless(
    _ name: String, _ what: String, _ patch: @escaping @Sendable (SeriesMaker) async throws -> String
  ) -> Fault {
    Fault(
      name: name, what: what, expected: "does not build: time limit exceeded",
      trial: .own { bench in
        let series = try bench.maker.write(name.replacing("/", with: "-"), [try await patch(bench.maker)])
        let run = try await bench.run([series], FaultBench.Program.tests + ["--build-limit", "0.3"])
        guard let outcome = run.series.first else { return Seen(false, run.lastWords) }
        return try await Seen(
          outcome.verdict == "does-not-build" && outcome.words.contains("did not end within"), outcome.words
        ).and(bench.damage(run))
      })
  }

  private static func buildLog(_ outcome: SeriesOutcome) -> String {
    (try? String(contentsOfFile: outcome.evidence.appending("build.log").string, encoding: .utf8)) ?? ""
  }

  /// Returns an error if the series' command never ran, because nothing was tested then.
  private static func ran(_ outcome: SeriesOutcome) -> String? {
    buildLog(outcome).contains(SeriesMaker.marked) ? nil : "its command did not run"
  }

  /// Whether the series got any verdict without a harness fault.
  static func isVerdict(_ outcome: SeriesOutcome) -> Bool {
    !["fault", "not-run", "interrupted", "machine-died"].contains(outcome.outcome)
  }
}
