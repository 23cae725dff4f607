// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import SystemPackage
import Toolbox

/// Faults of the emulator and of libvirt during a run.
extension Fault {
  static let machineFaults: [Fault] = [
    Fault(
      name: "machine/killed", what: "QEMU is killed while the tests run",
      expected: "inconclusive: the machine died; exit status 3",
      trial: .own { bench in try await harmless(bench, signal: SIGKILL, words: "the machine died") }),
    Fault(
      name: "machine/ended", what: "QEMU is asked to end while the tests run",
      expected: "inconclusive: a signal ended it; exit status 3",
      trial: .own { bench in try await harmless(bench, signal: SIGTERM, words: "QEMU was ended by a signal") }),
    Fault(
      name: "machine/stopped", what: "QEMU is stopped while the tests run, and never continues",
      expected: "inconclusive: the emulator does not answer; exit status 3",
      trial: .own { bench in try await harmless(bench, signal: SIGSTOP, words: "the emulator itself does not answer") }),
    Fault(
      name: "machine/missing", what: "QEMU is missing", expected: "an error that says what to install; exit status 3",
      trial: .own { bench in
        let run = try await bench.run(
          [try await bench.harmless("missing")], wrap: hiding("/usr/bin/qemu-system-x86_64"))
        return try await Seen(
          run.status == .exited(3) && run.errors.contains("apt-get install qemu-system-x86"), run.lastWords
        ).and(bench.damage(run))
      }),
    Fault(
      name: "machine/no-cage", what: "bubblewrap is missing", expected: "an error that says what to do; exit status 3",
      trial: .own { bench in
        let run = try await bench.run([try await bench.harmless("no-cage")], wrap: hiding("/usr/bin/bwrap"))
        return try await Seen(run.status == .exited(3) && run.errors.contains("--no-sandbox"), run.lastWords).and(
          bench.damage(run))
      }),
    Fault(
      name: "machine/no-libvirt-directory", what: "libvirt's directories cannot be written to",
      expected: "an error that names the directory and what to do; exit status 3",
      trial: .own { bench in
        let place = "/tmp/patchbench-\(getuid() == 0 ? "root" : "\(getuid())")"
        let run = try await bench.run(
          [try await bench.harmless("libvirt")],
          wrap: { tool in
            mounting(
              tool,
              "unset XDG_RUNTIME_DIR; mkdir -p \(place) && mount -t tmpfs -o ro,mode=700 none \(place)")
          })
        let isSaid = run.lastWords.contains(place) && run.errors.contains("  → ")
        return try await Seen(run.status == .exited(3) && isSaid, run.lastWords).and(bench.damage(run))
      }),
  ]

  /// Runs a harmless series, and sends its guests a signal while they run tests.
  private static func harmless(_ bench: FaultBench, signal: Int32, words: String) async throws -> Seen {
    let series = try await bench.harmless("killed")
    let run = try await bench.run(
      [series], ["--tests", "forward/*", "--retries", "0", "--fresh"],
      act: { pid, output in
        // Wait for the series' guest, not the base's.
        try await untilTested(series, output)
        for process in try await bench.guests(of: pid) { kill(process, signal) }
      })
    guard let outcome = run.series.first else { return Seen(false, run.lastWords) }
    return try await Seen(
      outcome.verdict == "inconclusive" && outcome.words.contains(words) && run.status == .exited(3), outcome.words
    ).and(bench.damage(run))
  }

  /// Hides a program. A file that cannot be executed counts as missing.
  private static func hiding(_ program: String) -> (Tool) -> Tool {
    { mounting($0, "mount --bind /dev/null \(program)") }
  }

  /// Runs a script before a tool, in a mount namespace that ends with the tool.
  /// - Parameter path: `$1` in the script.
  static func mounting(_ tool: Tool, _ script: String, _ path: FilePath = "/") -> Tool {
    let users = getuid() == 0 ? [] : ["--user", "--map-root-user"]
    return tool.started(
      by: "unshare",
      users + ["--mount", "--propagation", "private", "--"]
        + ["sh", "-c", "\(script) && shift && exec \"$@\"", "sh", path.string])
  }
}

extension FaultBench {
  /// Writes a series that changes code that runs, but not what it does.
  func harmless(_ name: String) async throws -> FilePath {
    let patch = try await maker.diff("drivers/dma-buf/dma-buf.c") {
      $0.replacing(
        "\tif (WARN_ON(!dmabuf || !vma))\n\t\treturn -EINVAL;\n",
        with: "\tif (WARN_ON(!dmabuf))\n\t\treturn -EINVAL;\n\tif (WARN_ON(!vma))\n\t\treturn -EINVAL;\n")
    }
    return try maker.write(name, [patch])
  }

  /// Returns the QEMU processes of a run.
  func guests(of pid: pid_t) async throws -> [pid_t] {
    try await Tool("pgrep", ["-f", "qemu-system.*guest=patchbench-\(pid)-"]).run().output.split(separator: "\n")
      .compactMap { pid_t($0) }
  }
}
