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

  @Test("what goes to the port stands on the disk as well, and the kernel's log beside it, each record once")
  func keeps() throws {
    // A file in the place of /dev/kmsg, which cannot be read everywhere.
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

  @Test("a guest whose disk cannot be had goes on without")
  func none() {
    #expect(throws: CallFailed.self) { try StateDisk(in: "\(folder)/none", kernel: try KernelLog("/dev/null")) }
  }
}
