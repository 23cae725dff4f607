internal import Glibc

/// The two ways to start the binary.
public enum GuestCommand: Hashable, Sendable {
  /// As PID 1 of a guest.
  case initProcess
  /// By anyone, to learn what there is.
  case list
  case usage

  /// Arguments do not count for PID 1: the kernel passes it words of its own command line.
  public init(arguments: [String], pid: Int32) {
    if pid == 1 {
      self = .initProcess
    } else if arguments.count == 2, arguments[1] == "--list" {
      self = .list
    } else {
      self = .usage
    }
  }

  /// Does it, and returns the exit status.
  public func run() -> Int32 {
    switch self {
    case .initProcess: GuestInit.run()
    case .list: return OpenFile(number: 1).write(Suite.listing) ? 0 : 1
    case .usage:
      OpenFile(number: 2).write(
        """
        usage: patchbench-guest --list    print every test with the question it answers
               As PID 1 it runs the tests that the kernel command line asks for, and ends the machine.

        """)
      return 2
    }
  }
}
