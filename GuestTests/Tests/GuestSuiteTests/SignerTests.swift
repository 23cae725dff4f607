// SPDX-License-Identifier: Apache-2.0

import Glibc
import GuestProtocol
import Testing

@testable import GuestSuite

@Suite struct SignerTests {
  private let secret = GuestSecret(low: 3, high: 4)

  @Test("a reader that knows the secret accepts what PID 1 writes")
  func signs() throws {
    var ends: [Int32] = [-1, -1]
    #expect(pipe(&ends) == 0)
    let port = ResultsPort(OpenFile(number: ends[1]), Signer(secret))
    port.write(KTAPWriter.plan(["a"]))
    port.write("")
    port.write(KTAPWriter.result(TestResult(name: "a", status: .ok), number: 1))
    port.file.close()
    let text = OpenFile(number: ends[0]).readAll()
    close(ends[0])
    var reader = KTAPReader(secret: secret)
    #expect(
      reader.read(text.utf8) + reader.finish()
        == [.planned(["a"]), .finished(TestResult(name: "a", status: .ok))])
  }

  @Test("a test has neither the secret's file nor the secret in memory")
  func forgets() throws {
    let path = "/tmp/patchbench-signer-\(getpid())"
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    OpenFile(number: file).write(secret.text)
    close(file)
    let signer = try #require(Signer.take(path))
    #expect(access(path, F_OK) != 0)
    #expect(Signer.take(path) == nil)
    #expect(signer.sign("x\n") == KTAPWriter.signature("x\n", number: 1, secret))
    signer.forget()
    #expect(signer.hasForgotten)
    #expect(signer.sign("x\n") != KTAPWriter.signature("x\n", number: 2, secret))
  }

  @Test("a test's process can report only its own test, and only once")
  func own() {
    var report = TestReport("a/b")
    let other = KTAPWriter.result(TestResult(name: "c/d", status: .ok), number: 1)
    report.take((other + "ok 2 c/d\n" + KTAPWriter.plan(["c/d"]) + other).utf8)
    #expect(report.result == nil)
    report.take(KTAPWriter.result(TestResult(name: "a/b", status: .notOk), number: 1).utf8)
    report.take(KTAPWriter.result(TestResult(name: "a/b", status: .ok), number: 1).utf8)
    #expect(report.result?.status == .notOk)
  }
}
