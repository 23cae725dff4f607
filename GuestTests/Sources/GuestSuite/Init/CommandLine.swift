// SPDX-License-Identifier: Apache-2.0

internal import CLibc
internal import GuestProtocol

/// The ways to start the binary.
public enum GuestCommand: Hashable, Sendable {
  /// As PID 1 of a guest.
  case initProcess
  /// By root on a machine that has the drivers: runs the tests of these names, or all, on its own kernel. What a
  /// failing test leaves behind stays there, so better use a guest than your own machine.
  case run([String])
  /// By anyone: lists the tests.
  case list
  case usage

  /// PID 1 ignores its arguments: the kernel passes it words of its own command line.
  public init(arguments: [String], pid: Int32) {
    if pid == 1 {
      self = .initProcess
    } else if arguments.count == 2, arguments[1] == "--list" {
      self = .list
    } else if arguments.count >= 2, arguments[1] == "--run" {
      self = .run(Array(arguments.dropFirst(2)))
    } else {
      self = .usage
    }
  }

  /// The words that started this process. Embedded Swift has no `CommandLine`.
  public static var arguments: [String] {
    let words = (try? readBytes("/proc/self/cmdline")) ?? []
    // Each word ends with a zero.
    return words.dropLast().split(separator: 0, omittingEmptySubsequences: false).map {
      String(decoding: $0, as: UTF8.self)
    }
  }

  /// Runs the command and returns the exit status.
  public func run() -> Int32 {
    switch self {
    case .initProcess: GuestInit.run()
    case .run(let names):
      GuestInit.runTests(GuestOptions(only: names), to: ResultsPort(OpenFile(number: 1), nil))
      return 0
    case .list: return OpenFile(number: 1).write(Suite.listing) ? 0 : 1
    case .usage:
      OpenFile(number: 2).write(
        """
        usage: patchbench-guest --list    print every test with the question it answers
               patchbench-guest --run [NAME …]
                                          run these tests, or all, on this machine's kernel, as root, KTAP on
                                          standard output
               As PID 1 it runs the tests that the kernel command line asks for, and ends the machine.

        """)
      return 2
    }
  }
}
