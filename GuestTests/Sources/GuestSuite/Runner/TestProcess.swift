// SPDX-License-Identifier: Apache-2.0

internal import CGuest
internal import CLibc
internal import GuestProtocol

/// Runs one test in a separate process, so that nothing it does to itself reaches PID 1 or the next test.
enum TestProcess {
  /// The child's descriptor for its end of the pipe.
  static let reportDescriptor: Int32 = 3
  /// How long a killed process may take to die. If it takes longer, it hangs in the kernel.
  private static let secondsToDie = 5
  /// How often, in milliseconds, a report is read while its process runs.
  private static let drainEvery: Int64 = 100

  /// How the process ended.
  enum Ending: Hashable {
    case exited(Int32)
    case signalled(Int32)
    case killedInTime
    case neverDied
  }

  /// - Returns: the result, and whether the process still exists because SIGKILL does not end it.
  static func run(_ name: String, seconds: Int, forgetting signer: Signer? = nil) -> (result: TestResult, hangs: Bool) {
    var ends: [Int32] = [-1, -1]
    guard cguest_report_pipe(&ends) == 0 else { return (failed(name, "pipe: \(errnoName(errno))"), false) }
    defer { close(ends[0]) }
    // No exec: under emulation, exec and the start of a program are a large part of a test's time. PID 1 has no
    // threads, so a fork of it can continue in Swift, and is isolated just as well.
    let child = cguest_fork_test(ends[1], reportDescriptor)
    if child == 0 {
      signer?.forget()
      _exit(TestReport.run(name))
    }
    let code = errno
    close(ends[1])
    if child < 0 { return (failed(name, "fork: \(errnoName(code))"), false) }
    var report = TestReport(name)
    let ending = wait(for: child, seconds: seconds) { report.take(drain(ends[0])) }
    let result = judge(name, reported: report.result, checks: report.checks(), ending: ending, seconds: seconds)
    return (result, ending == .neverDied)
  }

  /// The result, from a test's report and the end of its process. If a process reported and then did not end by itself,
  /// something went wrong while the kernel took it down, and that is the worse news.
  static func judge(
    _ name: String, reported: TestResult?, checks: [Check], ending: Ending, seconds: Int
  ) -> TestResult {
    let after = reported == nil ? "" : ", after it had reported"
    func ended(_ status: TestStatus, _ reason: String) -> TestResult {
      TestResult(name: name, status: status, reason: reason + after, checks: checks)
    }
    switch ending {
    case .exited(0):
      return reported ?? ended(.crash, "ended without a report")
    case .exited(let code):
      return ended(.crash, "exited with \(code)" + (reported == nil ? " and without a report" : ""))
    case .signalled(let number):
      return ended(.crash, "killed by signal \(number) (\(signalName(number)))")
    case .killedInTime:
      return ended(.timeout, "not done in \(seconds) s")
    case .neverDied:
      return ended(
        .timeout, "not done in \(seconds) s, and alive \(secondsToDie) s after SIGKILL: \(TestResult.hang)")
    }
  }

  private static func failed(_ name: String, _ reason: String) -> TestResult {
    TestResult(name: name, status: .crash, reason: "the test could not be started: " + reason)
  }

  /// Waits for the end of a process. Its report is read at the end and periodically, so that a long one cannot block
  /// it. Waking up for each check would cost an emulated guest more than the check itself.
  private static func wait(for child: pid_t, seconds: Int, drain: () -> Void) -> Ending {
    let process = cguest_pidfd_open(child)
    defer { close(process) }
    var killed = false
    var deadline = now() + Int64(seconds) * 1000
    while true {
      var polled = pollfd(fd: process, events: Int16(POLLIN), revents: 0)
      _ = poll(&polled, 1, Int32(clamping: max(0, min(drainEvery, deadline - now()))))
      var status: Int32 = 0
      let ended = waitpid(child, &status, WNOHANG) == child
      drain()
      if ended {
        if killed { return .killedInTime }
        let signal = status & 0x7f
        return signal == 0 ? .exited(status >> 8 & 0xff) : .signalled(signal)
      }
      if now() >= deadline {
        if killed { return .neverDied }
        Sysrq.tellWhatHangs()
        kill(child, SIGKILL)
        killed = true
        deadline = now() + Int64(secondsToDie) * 1000
      }
    }
  }

  /// Returns what the pipe holds at this moment.
  private static func drain(_ pipe: Int32) -> [UInt8] {
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = read(pipe, &piece, piece.count)
      if count <= 0 { return bytes }
      bytes += piece[..<count]
    }
  }

  /// Milliseconds of a monotonic clock.
  private static func now() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
  }
}
