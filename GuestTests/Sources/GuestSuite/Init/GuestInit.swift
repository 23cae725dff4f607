// SPDX-License-Identifier: Apache-2.0

internal import CGuest
internal import CLibc
internal import GuestProtocol

/// What PID 1 does once everything is mounted.
public enum GuestInit {
  /// Once this many tests have survived SIGKILL, the others are not run. Most would only wait for the locks that the
  /// first ones hold, each until its timeout, and show nothing about the series.
  private static let mostHanging = 2
  /// Likewise once tests that could be killed have used up this much time, in seconds, or four of the limits if those are
  /// longer.
  private static let mostTimeoutSeconds = 180

  /// Runs the tests that the kernel command line asks for, or those ordered from a guest that holds, and powers the
  /// machine off.
  public static func run() -> Never {
    let words = ["/proc/cmdline", GuestOptions.path].compactMap { try? readText($0) }
    let options = GuestOptions(commandLine: words.joined(separator: " "))
    TestDriver.load()
    if let port = HostPort.open(HostPort.results, flags: O_WRONLY) {
      let orders = options.hold ? Hold.wait(saying: port) : (options, Signer.take())
      // Opened after the hold: each guest restored from the saved one has another disk.
      if let (options, signer) = orders { runTests(options, to: ResultsPort(port, signer, state: StateDisk.open())) }
      // The data is in the device's queue. QEMU takes it out when it stops the device, but a host that reads only what
      // arrived before the power-off would miss it.
      usleep(50_000)
    } else {
      Kmsg.say("no port \(HostPort.results): cannot report results")
    }
    Kmsg.say("end")
    cguest_end_machine()
    // PID 1 must not exit: that would be a panic, and would look like one of the kernel under test.
    Kmsg.say("the kernel refuses to reset: \(errnoName(errno))")
    while true { pause() }
  }

  static func runTests(_ options: GuestOptions, to port: ResultsPort) {
    let plan = Suite.plan(only: options.only, after: options.after)
    Seed.give(options.seed)
    port.write(KTAPWriter.plan(plan))
    let request = (try? readText(TraceRequest.path)).map(TraceRequest.init(text:)) ?? TraceRequest([])
    var counter = counter(request, port)
    let leftBehind = LeftBehind()
    var hanging = 0
    var timeouts = (number: 0, seconds: 0)
    var failed = 0
    var reported = 0
    for (index, name) in plan.enumerated() {
      port.write(KTAPWriter.start(index + 1))
      Kmsg.say("test begins: \(name)")
      // This includes the previous test's result, so that whatever this test does to the kernel cannot lose it.
      port.state?.sync()
      let (result, hangs) = TestProcess.run(name, seconds: options.seconds(for: name), forgetting: port.signer)
      Kmsg.say("test ends: \(name)")
      port.write(KTAPWriter.result(result, number: index + 1))
      do {
        if let counts = try counter?.take() { port.write(counts, of: index + 1) }
      } catch {
        port.write(KTAPWriter.notCounted(error.reason))
        counter = nil
      }
      leftBehind.clear()
      reported += 1
      if hangs { hanging += 1 }
      if result.status == .timeout {
        timeouts.number += 1
        timeouts.seconds += options.seconds(for: name)
      }
      if result.musts == .notOk { failed += 1 }
      Patience.adapt(failed: failed)
      if index + 1 == plan.count { continue }
      if hanging == mostHanging {
        port.write(
          KTAPWriter.stopped("\(hanging) tests hang in the kernel, and the others would wait for what they hold"))
        break
      }
      if timeouts.seconds >= max(mostTimeoutSeconds, 4 * options.testSeconds) {
        port.write(KTAPWriter.stopped("\(timeouts.number) tests did not end within their time limits"))
        break
      }
    }
    port.write(KTAPWriter.end(reported))
  }

  /// - Returns: `nil` if nothing is to be counted, or if counting is impossible, which is then reported.
  private static func counter(_ request: TraceRequest, _ port: ResultsPort) -> CodeCounter? {
    if request.isEmpty { return nil }
    do {
      let counter = try CodeCounter(request)
      for (probe, reason) in counter.refused.probes { port.write(KTAPWriter.refused(probe, reason)) }
      for name in counter.refused.functions { port.write(KTAPWriter.untraceable(name)) }
      return counter
    } catch {
      port.write(KTAPWriter.notCounted(error.reason))
      return nil
    }
  }
}

extension ResultsPort {
  fileprivate func write(_ counts: CodeCounter.Counts, of number: Int) {
    let text =
      counts.functions.map { KTAPWriter.ran($0.name, count: $0.count, number: number) }.joined()
      + KTAPWriter.hits(counts.probes, number: number) + KTAPWriter.enough(counts.enough)
    if !text.isEmpty { write(text) }
  }
}
