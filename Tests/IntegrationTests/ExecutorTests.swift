// SPDX-License-Identifier: Apache-2.0

import Bench
import BenchModel
import Foundation
import GuestProtocol
import KernelBuild
import Reports
import SystemPackage
import TestSupport
import Testing
import Toolbox

extension BenchSerial {
  /// The result of a trial does not depend on its executor.
  @Suite(.serialized) struct Executors {
    private static let series = ["candidates/leave-vm-file-alone", "candidates/swap-by-hand"]
    private static let tests = ["--tests", "forward/vgem-to-vkms/*"]

    private func report(_ bench: Workbench, _ name: String) throws -> String {
      let directory = RunDirectory(bench.scratch.path.appending(name))
      return try String(contentsOfFile: directory.report("json").string, encoding: .utf8)
    }

    @Test func aRunOfProcessesComesToTheSameReport() async throws {
      let bench = try Workbench()
      let places = ["--cache", bench.cache.root.string, "--home", Workbench.home.string]
      var statuses: [ProcessEnd] = []
      for executor in ["local", "process"] {
        let run = try await bench.program(
          ["run"] + Self.series.map(Workbench.series) + Self.tests + places
            + ["--output", executor, "--fresh", "--executor", executor]
        ).run(deadline: .seconds(900))
        statuses.append(ProcessEnd(status: "\(run.status)", errors: run.errors))
      }
      #expect(statuses[0].status == statuses[1].status, "\(statuses)")
      #expect(try SteadyReport.differences(report(bench, "local"), report(bench, "process")) == [])

      // An order that a run left behind can be run on its own.
      let order = bench.scratch.path.pushing("process/series/leave-vm-file-alone/order.json")
      let trial = try await bench.program(["trial", order.string, "--output", "alone", "--json"] + places)
        .run(deadline: .seconds(600))
      #expect(trial.status == .exited(0), "\(trial.errors)")
      let alone = try statusesOfTests(Data(trial.output.utf8))
      let first = try statusesOfTests(
        Data(
          contentsOf: URL(
            filePath: bench.scratch.path.pushing("process/series/leave-vm-file-alone/trial.json").string)))
      #expect(alone == first)
      #expect(alone.values.contains("not-ok"))
      #expect(
        FileManager.default.fileExists(atPath: bench.scratch.path.appending("alone").appending("console.log").string))
    }

    private struct ProcessEnd {
      var status: String
      var errors: String
    }

    /// Returns the status of each test in a trial.
    private func statusesOfTests(_ json: Data) throws -> [String: String] {
      let trial = try JSONDecoder().decode(Trial.self, from: json)
      guard case .ran(let run) = trial.result else { throw StageError.fault(.tests, "\(trial.result)") }
      return Dictionary(uniqueKeysWithValues: run.tests.map { ($0.name, $0.status.rawValue) })
    }
  }
}
