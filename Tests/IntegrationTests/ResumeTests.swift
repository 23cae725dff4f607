// SPDX-License-Identifier: Apache-2.0

import Bench
import Foundation
import Glibc
import KernelBuild
import Reports
import SystemPackage
import TestSupport
import Testing
import Toolbox

extension BenchSerial {
  /// Runs that were killed.
  @Suite(.serialized) struct Resuming {
    private static let series = [
      Workbench.series("candidates/virtio-gpu-share-address-space"), Workbench.series("candidates/swap-by-hand"),
    ]

    /// Returns the command that starts a short run, or resumes it.
    private func program(_ bench: Workbench, _ name: String) -> Tool {
      if FileManager.default.fileExists(atPath: RunDirectory(bench.scratch.path.appending(name)).plan.string) {
        return bench.program(["resume", name])
      }
      return bench.program(
        ["run"] + Self.series + [
          "--output", name, "--fresh", "--tests", "forward/vgem-to-vkms/*", "--cache", bench.cache.root.string,
          "--home", Workbench.home.string,
        ])
    }

    private func report(_ bench: Workbench, _ name: String) throws -> String {
      let directory = RunDirectory(bench.scratch.path.appending(name))
      return try String(contentsOfFile: directory.report("json").string, encoding: .utf8)
    }

    private func files(_ bench: Workbench, _ name: String) throws -> [String] {
      try FileManager.default.subpathsOfDirectory(atPath: bench.scratch.path.appending(name).string).sorted()
    }

    /// Two kills by default. `PATCHBENCH_KILLS` sets their number, and `PATCHBENCH_SEED` their moments.
    @Test func killedAtRandomMomentsARunComesToTheSameReport() async throws {
      let bench = try Workbench()
      let environment = bench.environment
      let begun = ContinuousClock.now
      let whole = try await program(bench, "whole").run(deadline: .seconds(600))
      let took = ContinuousClock.now - begun
      try #require(whole.status == .exited(3), "\(whole.errors)")
      let kills = RandomKills(
        count: environment["PATCHBENCH_KILLS"].flatMap { Int($0) } ?? 2,
        seed: environment["PATCHBENCH_SEED"].flatMap { UInt64($0) } ?? .random(in: 0...9999), within: took)
      print("seed \(kills.seed), \(kills.count) kills within \(took)")
      var number = 1
      try await kills.run(
        next: { program(bench, "killed-\(number)") },
        killed: { kill, moment in print("kill \(kill) after \(moment) of killed-\(number)") },
        ended: { result in
          let name = "killed-\(number)"
          #expect(result.status == whole.status, "seed \(kills.seed), \(name): \(result.errors)")
          let differences = try SteadyReport.differences(report(bench, "whole"), report(bench, name))
          #expect(differences == [], "seed \(kills.seed)")
          let (found, expected) = (try files(bench, name), try files(bench, "whole"))
          #expect(found == expected, "seed \(kills.seed)")
          number += 1
        })
      // The last run has removed what the killed runs left.
      let left = try await bench.program(["clean", "--dry-run", "--json", "--cache", bench.cache.root.string]).output()
      #expect(!left.contains("\"owner\""), "\(left)")
      #expect(try await Workbench.processes("^\(Workbench.program) (run|resume) .*killed-") == [])
    }

    @Test func aBuildWhosePatchbenchWasKilledIsFoundAndEnded() async throws {
      let bench = try Workbench()
      // A make that waits silently: a make that prints would die from the pipe without a reader. It runs outside the
      // sandbox, because in a cage it would end together with its patchbench.
      try bench.scratch.write(
        "waits/0001-waits.patch",
        try Workbench.adding(
          ["waited := $(shell sleep 600)"], to: "drivers/dma-buf/Makefile", in: try await bench.base().tree))
      async let killed = bench.program([
        "run", bench.scratch.path.appending("waits").string, "--output", "killed", "--no-sandbox", "--tests",
        "forward/vgem-to-vkms/*", "--cache", bench.cache.root.string, "--home", Workbench.home.string,
      ]).run(deadline: .seconds(300))
      let (owner, make) = try await patiently("no build was started") {
        guard let owner = try await Workbench.processes("^\(Workbench.program) run .*--output killed").first,
          let make = try await Workbench.processes("-P", "\(owner)", "-x", "make").first,
          !Workbench.descendants(of: make, named: "sleep").isEmpty
        else { return (Int32, Int32)?.none }
        Glibc.kill(owner, SIGKILL)
        return (owner, make)
      }
      _ = try await killed
      defer { Glibc.kill(-make, SIGKILL) }
      let clean = ["clean", "--json", "--cache", bench.cache.root.string]
      let word = "\"owner\" : \(owner)"
      let found = try await bench.program(clean + ["--dry-run"]).output()
      #expect(found.contains(word), "\(found)")
      #expect(Glibc.kill(make, 0) == 0)
      let removed = try await bench.program(clean).output()
      #expect(removed.contains(word), "\(removed)")
      #expect(try await Workbench.processes("-g", "\(make)", "--runstates", "RSDT") == [])
      let left = try await bench.program(clean).output()
      #expect(!left.contains("\"\(owner)-"), "\(left)")
    }

    @Test func aDiskThatFillsUpEndsTheRunAndCostsNothingThatWasFinished() async throws {
      let bench = try Workbench()
      try #require(try await program(bench, "whole").run(deadline: .seconds(600)).status == .exited(3))
      // A separate disk in its own mount namespace. It is filled as soon as the base is finished.
      let run = program(bench, "full").commandLine
      let script = """
        mkdir full && mount -t tmpfs -o size=16m none full
        (until grep -q trialFinished full/events.jsonl 2>/dev/null; do sleep 0.1; done; cat /dev/zero >full/filler) 2>/dev/null &
        \(run) 2>errors; echo "run $?"
        rm full/filler
        \(Workbench.program) resume full >/dev/null 2>>errors; echo "resume $?"
        cp full/report.json full.json
        """
      var tool = Tool(
        "unshare", ["--mount"] + (getuid() == 0 ? [] : ["--user", "--map-root-user"]) + ["sh", "-c", script],
        in: bench.scratch.path)
      tool.environment = bench.environment
      let output = try await tool.output()
      let errors = try String(contentsOfFile: bench.scratch.path.appending("errors").string, encoding: .utf8)
      #expect(output.contains("run 3\nresume 3\n"), "\(output)\(errors)")
      #expect(errors.contains("no space left on the device"), "\(errors)")
      #expect(errors.contains("patchbench resume full"), "\(errors)")
      let full = try String(contentsOfFile: bench.scratch.path.appending("full.json").string, encoding: .utf8)
      let differences = try SteadyReport.differences(report(bench, "whole"), full)
      #expect(differences == [])
    }
  }
}
