// SPDX-License-Identifier: Apache-2.0

import Glibc
public import SystemPackage

/// A command as a value: exactly what would be run, without a shell.
public struct Tool: Sendable, Hashable {
  /// A name to look up in `PATH`, or an absolute path.
  public var executable: String
  public var arguments: [String]
  public var directory: FilePath?
  /// The process' whole environment, except for ``ProcessMark/variable``. Nothing else is inherited.
  public var environment: [String: String]
  /// Its limits if it runs untrusted code; set by ``Cage``.
  public var limits: ToolLimits?
  /// The directories that count for the disk limit.
  var writes: [FilePath] = []
  /// Its name in messages if `executable` only starts it.
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

  /// Its name in messages.
  public var name: String { inner ?? executable }

  /// Returns the same tool, started by another one whose arguments end with the command to start.
  public func started(by executable: String, _ arguments: [String]) -> Tool {
    var outer = self
    outer.inner = name
    outer.executable = executable
    outer.arguments = arguments + [self.executable] + self.arguments
    outer.directory = nil
    return outer
  }

  /// A fixed locale, because outputs are parsed, and only the system's own tools: a `python3` or `gcc` of the user's
  /// would make builds differ in ways that no key records.
  public static let plainEnvironment = [
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL": "C.UTF-8",
    "HOME": "/nonexistent",
  ]

  /// Returns where a program is that tools with the plain environment find by its name; `nil` if it is not installed.
  public static func path(of program: String) -> String? {
    plainEnvironment["PATH"]!.split(separator: ":").map { "\($0)/\(program)" }.first { access($0, X_OK) == 0 }
  }

  /// The command as a user would type it, for messages.
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

/// The output and status of a process.
public struct ToolResult: Sendable {
  public var status: ToolStatus
  /// Standard output, including standard error if the caller asked for both together.
  public var output: String
  /// Standard error, if it was kept separate.
  public var errors: String
}

/// Why a process gave no result. Never the process' own failure: that is a ``ToolStatus``.
public enum ToolError: Error, Sendable, Hashable {
  case notFound(String)
  case cannotStart(String, reason: String)
  /// It wrote more than is read from such a tool.
  case tooMuchOutput(String, limit: Int)
  /// Its output could not be written to the log; it was killed.
  case cannotLog(String, Errno)
  /// It exceeded its deadline; it was killed.
  case deadlineExceeded(String, seconds: Double)
  /// It exceeded its limits; it was killed.
  case exceeded(String, Excess)
  /// The user stopped the run; the process was killed.
  case cancelled
  /// It ended with an error, and the caller requires success.
  case failed(String, status: ToolStatus, output: String)
}

extension ToolError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .notFound(let name): "\(name) is not installed"
    case .cannotStart(let name, let reason): "\(name) could not be started: \(reason)"
    case .tooMuchOutput(let name, let limit): "\(name) wrote more than \(limit) bytes"
    case .cannotLog(let name, let error): "the output of \(name) could not be written: \(error)"
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
