// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import GuestMachine

@Suite struct StateReaderTests {
  /// Stands in for the program that uses libguestfs; some disks make it hang forever or crash.
  private let program = """
    #!/bin/sh
    shift 3
    for image; do
      case $image in
        hangs*) sleep 1000 ;;
        kills*) kill -9 $$ ;;
      esac
      printf '{"files":["%s-results"]}\\n' "$image"
    done
    """

  private func reader(_ scratch: Scratch) throws -> StateReader {
    let program = try scratch.write("program", program)
    chmod(program.string, 0o755)
    var reader = StateReader(accelerator: .tcg, appliance: scratch.path, scratch: scratch.path)
    reader.program = program
    reader.patience = (.seconds(30), .zero)
    return reader
  }

  @Test(arguments: [("hangs", "timed out"), ("kills", "was killed by signal 9")])
  func aDiskThatEndsTheApplianceCostsItsOwnEvidence(_ row: (name: String, words: String)) async throws {
    let scratch = try Scratch()
    let answers = try await reader(scratch).read(["first", FilePath(row.name), "last"])
    #expect(answers.map(\.files) == [["first-results"], [], ["last-results"]])
    #expect(answers[1].failure?.contains(row.words) == true, "\(answers)")
  }

  @Test func afterSoManyItIsNotTriedAgain() async throws {
    let scratch = try Scratch()
    let answers = try await reader(scratch).read((0..<4).map { FilePath("kills-\($0)") })
    #expect(answers.map { $0.failure?.hasPrefix("not tried") } == [false, false, false, true], "\(answers)")
  }
}
