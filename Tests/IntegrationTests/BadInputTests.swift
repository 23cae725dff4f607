// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import SystemPackage
import TestSupport
import Testing
import Toolbox

extension BenchSerial {
  /// User errors, tried with the program itself. Each gives one clear line and the right exit status, and leaves
  /// nothing half-written.
  @Suite struct BadInput {
    struct Row: Sendable, CustomTestStringConvertible {
      var testDescription: String
      var arguments: [String]
      var status: Int
      var words: String
    }

    private static let good = Workbench.series("candidates/swap-by-hand")

    static let rows = [
      Row(testDescription: "no path", arguments: ["run"], status: 2, words: "Name a series"),
      Row(
        testDescription: "--base-only together with a series", arguments: ["run", good, "--base-only"], status: 2,
        words: "--base-only takes no series"),
      Row(
        testDescription: "no times", arguments: ["run", good, "--repeat", "0"], status: 2, words: "--repeat"),
      Row(
        testDescription: "a pattern without a match", arguments: ["run", good, "--tests", "forward/nothing"], status: 2,
        words: "forward/nothing"),
      Row(
        testDescription: "an unknown test", arguments: ["tests", "no-such-test"], status: 2, words: "no-such-test"),
      Row(
        testDescription: "planted faults of an unknown kernel", arguments: ["selfcheck", "--kernel", "linux-0.1"],
        status: 2, words: "linux-6.12"),
      Row(
        testDescription: "no such path", arguments: ["run", "absent"], status: 2, words: "no such file or directory"),
      Row(testDescription: "an empty directory", arguments: ["run", "empty"], status: 2, words: "no patches in it"),
      Row(testDescription: "a file without a patch", arguments: ["run", "nopatch"], status: 2, words: "0001-a.patch"),
      Row(
        testDescription: "a path that leaves the tree", arguments: ["run", "evil"], status: 2,
        words: "outside the kernel's tree"),
      Row(
        testDescription: "an unknown kernel", arguments: ["run", good, "--kernel", "linux-0.1"], status: 2,
        words: "linux-6.12"),
      Row(
        testDescription: "an unknown profile", arguments: ["run", good, "--profile", "none"], status: 2, words: "kasan"),
      Row(testDescription: "no jobs", arguments: ["run", good, "--jobs", "0"], status: 2, words: "--jobs"),
      Row(testDescription: "too little memory", arguments: ["run", good, "--memory", "100"], status: 2, words: "1024"),
      Row(
        testDescription: "a negative age", arguments: ["cache", "prune", "--days", "-1"], status: 2, words: "days"),
      Row(testDescription: "no pairs to time", arguments: ["bench", "--pairs", "0"], status: 2, words: "--pairs"),
      Row(
        testDescription: "an output that is not empty", arguments: ["run", good, "--output", "evil"], status: 2,
        words: "is not empty"),
      Row(
        testDescription: "a kernel whose source is missing",
        arguments: ["run", good, "--home", "home", "--kernel", "k"],
        status: 3, words: "apt-get install linux-source-0.1"),
      Row(
        testDescription: "no test driver",
        arguments: ["run", good, "--home", "driverless", "--kernel", "k"], status: 3,
        words: "driverless/GuestTests/Driver"),
      Row(
        testDescription: "a libvirt that does not exist",
        arguments: ["run", good, "--connect", "qemu+unix:///system?socket=/nonexistent"], status: 3, words: "libvirt"),
      Row(testDescription: "a report without a run", arguments: ["report", "empty"], status: 2, words: "events.jsonl"),
      Row(
        testDescription: "a bisection of a tree without git",
        arguments: ["bisect", "--tree", "plain", "--good", "a", "--bad", "b"], status: 2,
        words: "plain is not a git repository"),
      Row(
        testDescription: "no bisection to continue", arguments: ["bisect", "--resume", "empty"], status: 2,
        words: "empty is not a bisection"),
      Row(testDescription: "an unknown command", arguments: ["judge"], status: 2, words: "judge"),
    ]

    @Test(arguments: rows) func oneClearLineAndTheRightStatus(_ row: Row) async throws {
      let bench = try Workbench()
      let scratch = bench.scratch
      try FileManager.default.createDirectory(
        atPath: scratch.path.appending("empty").string, withIntermediateDirectories: true)
      try scratch.write("nopatch/0001-a.patch", "not a patch\n")
      try scratch.write("plain/Kconfig", "")
      try scratch.write(
        "evil/0001-e.patch",
        """
        From: A <a@example.org>
        Subject: [PATCH] e

        ---
        diff --git a/../e b/../e
        new file mode 100644
        --- /dev/null
        +++ b/../e
        @@ -0,0 +1 @@
        +e

        """)
      for home in ["home", "driverless"] {
        try scratch.write("\(home)/none.config", "")
        try scratch.write(
          "\(home)/Kernels/k/kernel.yaml",
          "source: {debian: linux-source-0.1}\nprofiles: {kasan: {fragments: [../../none.config]}}\n")
        // The guest binary and the test driver are also looked up under --home.
        try scratch.write("\(home)/GuestTests/.build/embedded/\(Architecture.host.name)/patchbench-guest", "")
        try scratch.write(
          "\(home)/GuestTests/Suites/dma-buf/suite.yaml",
          "binary: patchbench-guest\nmodules: ../../Driver\npaths: ['*']\n")
      }
      try scratch.write("home/GuestTests/Driver/Kbuild", "")

      let before = try FileManager.default.subpathsOfDirectory(atPath: scratch.path.string).sorted()
      let result = try await bench.program(row.arguments).run(deadline: .seconds(1800))
      #expect(result.status == .exited(row.status), "\(result.errors)")
      #expect(result.errors.contains(row.words), "\(result.errors)")
      #expect(result.output.isEmpty)
      let after = try FileManager.default.subpathsOfDirectory(atPath: scratch.path.string).sorted()
      // `results/` may be created on the way, but no run in it.
      #expect(after.filter { $0 != "results" } == before)
    }

    @Test func helpTeachesAndSucceeds() async throws {
      let bench = try Workbench()
      for command in ["", "run", "report", "tests", "selfcheck", "cache", "cache prune", "doctor", "bench", "bisect"] {
        let arguments = command.split(separator: " ").map(String.init) + ["--help"]
        let result = try await bench.program(arguments).run()
        #expect(result.status == .exited(0))
        #expect(result.output.contains("patchbench"))
      }
    }
  }
}
