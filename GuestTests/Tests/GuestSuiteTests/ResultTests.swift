// SPDX-License-Identifier: Apache-2.0

import Glibc
import GuestProtocol
import Testing

@testable import GuestSuite

@Suite("The result of a test, from its checks and its end")
struct ResultTests {
  private func result(_ body: @escaping @Sendable (Recorder) throws(Failure) -> Void) -> TestResult {
    GuestTest("group/what", question: "Is it?", body: body).run()
  }

  @Test("ok only if every check passed")
  func status() {
    #expect(result { $0.equal(1, 1, "one") }.status == .ok)
    let failed = result {
      $0.equal(1, 1, "one")
      $0.equal(0, 1, "faults")
    }
    #expect(failed.status == .notOk)
    #expect(failed.checks.last == Check(name: "faults", passed: false, detail: "0, expected 1"))
  }

  @Test("a test without checks is not ok")
  func empty() {
    #expect(result { _ in }.status == .notOk)
  }

  @Test("a name used twice is not ok, and both checks stay visible")
  func twice() {
    let result = result {
      $0.expect(true, "one")
      $0.expect(true, "one")
    }
    #expect(result.status == .notOk)
    #expect(Set(result.checks.map(\.name)).count == 2)
  }

  @Test("a call that failed is a failed check with its errno")
  func callFailed() {
    let result = result { _ throws(Failure) in throw .call("mmap of forwarded", code: 22) }
    #expect(result.checks == [Check(name: "mmap of forwarded", passed: false, detail: "EINVAL")])
  }

  @Test("a skip has its reason, but never covers a failed check")
  func skip() {
    let skipped = result { _ throws(Failure) in throw .skip("no vgem device in this guest") }
    #expect(skipped.status == .skip)
    #expect(skipped.reason == "no vgem device in this guest")
    let late = result { look throws(Failure) in
      look.equal(0, 1, "faults")
      throw .skip("gone")
    }
    #expect(late.status == .notOk)
  }

  @Test("the end of the process is judged with the report")
  func endings() {
    let good = TestResult(name: "a/b", status: .ok, checks: [Check(name: "one", passed: true)])
    func judged(_ reported: TestResult?, _ ending: TestProcess.Ending) -> TestResult {
      TestProcess.judge("a/b", reported: reported, checks: reported?.checks ?? [], ending: ending, seconds: 30)
    }
    #expect(judged(good, .exited(0)) == good)
    #expect(judged(nil, .exited(0)).status == .crash)
    #expect(judged(nil, .exited(4)).reason == "exited with 4 and without a report")
    #expect(judged(nil, .signalled(11)).reason == "killed by signal 11 (SIGSEGV)")
    let late = judged(good, .signalled(9))
    #expect(late.status == .crash)
    #expect(late.reason == "killed by signal 9 (SIGKILL), after it had reported")
    #expect(late.checks == good.checks)
    #expect(judged(nil, .killedInTime).status == .timeout)
    #expect(judged(nil, .neverDied).hangs)
    #expect(!judged(nil, .killedInTime).hangs)
  }

  @Test("a report arrives complete, and a truncated one keeps the checks before the cut")
  func report() {
    let checks = [Check(name: "one", passed: true), Check(name: "faults", passed: false, detail: "0, expected 1")]
    let whole = TestResult(name: "a/b", status: .notOk, checks: checks)
    var report = TestReport("a/b")
    for check in checks { report.take(TestReport.line(check).utf8) }
    #expect(report.result == nil)
    #expect(report.checks() == checks)
    report.take(TestReport.lines(whole).utf8)
    #expect(report.result == whole)

    var cut = TestReport("a/b")
    cut.take(TestReport.line(checks[0]).utf8)
    cut.take(TestReport.line(checks[1]).utf8.dropLast(20))
    #expect(cut.checks().first == checks[0])
    #expect(cut.result == nil)
    #expect(TestReport("a/b").checks().isEmpty)
  }
}

@Suite("Where a race's random numbers come from", .serialized)
struct SeedTests {
  @Test("a given seed is used every time")
  func given() {
    Seed.give(4_000_000_000)
    #expect(Seed.take() == 4_000_000_000)
    #expect(Seed.take() == 4_000_000_000)
    unsetenv("PATCHBENCH_SEED")
    // This fails by chance once in four billion runs.
    Seed.give(nil)
    #expect(Seed.take() != 4_000_000_000)
  }
}
