// SPDX-License-Identifier: Apache-2.0

import Glibc
import GuestProtocol
import Testing

@testable import GuestSuite

@Suite struct StateDiskTests {
  private let folder: String

  init() throws {
    var template = Array("/tmp/patchbench-state-XXXXXX".utf8CString)
    folder = try #require(mkdtemp(&template).map { String(cString: $0) })
  }

  private func file(_ name: String) throws -> String { try readText("\(folder)/\(name)") }

  @Test("what goes to the port is also on the disk, next to the kernel's log, each record once")
  func keeps() throws {
    // A file instead of /dev/kmsg, which is not readable everywhere.
    let records = try OpenFile("\(folder)/log", flags: O_RDWR | O_CREAT | O_APPEND)
    records.write("6,1,100,-;first\n")
    let disk = try StateDisk(in: folder, kernel: try KernelLog("\(folder)/log"))
    let out = try OpenFile("\(folder)/port", flags: O_WRONLY | O_CREAT)
    let port = ResultsPort(out, Signer(GuestSecret(low: 1, high: 2)), state: disk)
    port.write(KTAPWriter.plan(["a"]))
    disk.sync()
    records.write("6,2,200,-;second\n")
    port.write(KTAPWriter.start(1))
    disk.sync()
    disk.sync()
    #expect(try file("results") == file("port"))
    #expect(try file("results").contains("signed"))
    #expect(try file("kmsg") == "6,1,100,-;first\n6,2,200,-;second\n")
  }

  @Test("a guest whose disk cannot be used continues without it")
  func none() {
    #expect(throws: Failure.call("open of \(folder)/none/results", code: ENOENT)) {
      try StateDisk(in: "\(folder)/none", kernel: try KernelLog("/dev/null"))
    }
  }
}
