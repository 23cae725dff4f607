// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import Glibc
import SystemPackage
import TestSupport
import Testing
import Toolbox

@testable import GuestMachine

private let program = Architecture.host.emulation.program

@Suite struct ModestEmulatorTests {
  private let scratch: Scratch
  private var file: FilePath { scratch.path.appending("emulator") }
  private var environment: [String: String] { ["PATH": scratch.path.appending("bin").string] }

  init() throws {
    scratch = try Scratch()
    // Prints its capabilities and its arguments.
    try scratch.write("bin/\(program)", "#!/bin/sh\ngrep CapEff /proc/self/status; echo \"$@\"\n")
    chmod(scratch.path.appending("bin").appending(program).string, 0o755)
  }

  @Test func itIsQEMUWithoutItsCallersRights() async throws {
    #expect(try ModestEmulator.write(file, for: program, environment: environment))
    let isRoot = getuid() == 0
    let caller =
      isRoot
      ? ["setpriv", "--reuid", "65534", "--inh-caps", "+dac_override", "--ambient-caps", "+dac_override", "--"]
      : ["env"]
    if isRoot { chmod(scratch.path.string, 0o755) }
    let answer = try await Tool(caller[0], caller.dropFirst() + [file.string, "-machine", "none, accel=kvm:tcg"])
      .output()
    #expect(answer == "CapEff:\t0000000000000000\n-machine none, accel=kvm:tcg\n")
  }

  @Test func itStaysUntilThereIsAnotherQEMU() throws {
    /// libvirt compares the file's mtime and ctime.
    func written() throws -> [Int] {
      #expect(try ModestEmulator.write(file, for: program, environment: environment))
      var status = stat()
      #expect(stat(file.string, &status) == 0)
      #expect(status.st_mode & 0o7777 == 0o755)
      return [Int(status.st_ino), status.st_ctim.tv_sec, status.st_ctim.tv_nsec]
    }
    let first = try written()
    // Long enough for a file system's clock to advance.
    usleep(20_000)
    #expect(try written() == first)
    try scratch.write("bin/\(program)", "#!/bin/sh\n# another\n")
    #expect(try written() != first)
  }

  @Test func whereThereIsNoQEMUThereIsNone() throws {
    #expect(try !ModestEmulator.write(file, for: program, environment: ["PATH": "/nonexistent:relative"]))
    #expect(ModestEmulator.text("/nonexistent") == nil)
    try scratch.write("odd name", "")
    #expect(ModestEmulator.text(scratch.path.appending("odd name")) == nil)
  }
}
