// SPDX-License-Identifier: Apache-2.0

public import SystemPackage

/// A command as a value: what would be run, exactly, without a shell.
public struct Tool: Sendable, Hashable {
  /// A name to look up in `PATH`, or an absolute path.
  public var executable: String
  public var arguments: [String]
  public var directory: FilePath?
  /// The whole environment of the process, but for ``ProcessMark/variable``. Nothing is inherited but what is named here.
  public var environment: [String: String]
  /// What it may take where it runs a stranger's code; ``Cage`` sets it.
  public var limits: ToolLimits?
  /// The directories that the limit on the disk is about.
  var writes: [FilePath] = []
  /// What it is called in messages, where `executable` only starts it.
  private var inner: String?

  public init(
    _ executable: String, _ arguments: [String], in directory: FilePath? = nil,
    environment: [String: String] = Tool.plainEnvironment
  ) {
    self.executable = executable
    self.arguments = arguments
    self.directory = directory
    self.environment = environment
  }

  /// What it is called in messages.
  public var name: String { inner ?? executable }

  /// The same, started by another tool, whose arguments end with what it is to start.
  public func started(by executable: String, _ arguments: [String]) -> Tool {
    var outer = self
    outer.inner = name
    outer.executable = executable
    outer.arguments = arguments + [self.executable] + self.arguments
    outer.directory = nil
    return outer
  }

  /// A fixed locale, because outputs are parsed, and the system's own tools only: a `python3` or `gcc` of the user's
  /// would make builds differ in ways that no key records.
  public static let plainEnvironment = [
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL": "C.UTF-8",
    "HOME": "/nonexistent",
  ]

  /// The command as one would type it, for messages.
  public var commandLine: String {
    ([executable] + arguments).map { word in
      let plain = word.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_./=:,+@%".contains($0)) }
      if plain, !word.isEmpty { return word }
      return "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }.joined(separator: " ")
  }
}

/// How a process ended: data, not an error.
public enum ToolStatus: Sendable, Hashable {
  case exited(Int)
  case signaled(Int)

  public var isSuccess: Bool { self == .exited(0) }
}

/// What a process left behind.
public struct ToolResult: Sendable {
  public var status: ToolStatus
  /// Standard output, and standard error as well where the caller asked for both in one.
  public var output: String
  /// Standard error, where it was kept apart.
  public var errors: String
}

/// Why no result of a process could be had. Never the process' own failure: that is a ``ToolStatus``.
public enum ToolError: Error, Sendable, Hashable {
  case notFound(String)
  case cannotStart(String, reason: String)
  /// It wrote more than is read from such a tool.
  case tooMuchOutput(String, limit: Int)
  /// What it said could not be written down; it has been ended.
  case cannotLog(String, Errno)
  /// It took longer than it may; it has been ended.
  case deadlineExceeded(String, seconds: Double)
  /// It took more than its limits allow; it has been ended.
  case exceeded(String, Excess)
  /// The user stopped the run; the process has been ended.
  case cancelled
  /// It ended with an error where only success makes sense to the caller.
  case failed(String, status: ToolStatus, output: String)
}

extension ToolError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .notFound(let name): "\(name) is not installed"
    case .cannotStart(let name, let reason): "\(name) could not be started: \(reason)"
    case .tooMuchOutput(let name, let limit): "\(name) wrote more than \(limit) bytes"
    case .cannotLog(let name, let error): "what \(name) said could not be written down: \(error)"
    case .deadlineExceeded(let name, let seconds): "\(name) did not end within \(Int(seconds)) s"
    case .exceeded(let name, let excess): "\(name) was ended: \(excess.words)"
    case .cancelled: "stopped"
    case .failed(let command, let status, let output): "`\(command)` \(status.words): \(output)"
    }
  }
}

extension ToolStatus {
  /// `exited with 2`, `was killed by signal 9`
  public var words: String {
    switch self {
    case .exited(let code): "exited with \(code)"
    case .signaled(let signal): "was killed by signal \(signal)"
    }
  }
}
