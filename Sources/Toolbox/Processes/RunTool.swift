// SPDX-License-Identifier: Apache-2.0

import Glibc
import Subprocess
public import SystemPackage

/// The most that a tool may write, in bytes, to memory or to a log. A whole kernel build writes about 100 KB.
public let outputLimit = 64 << 20
/// Lines of a log are cut at this length, in bytes.
private let longestLine = 64 << 10

extension Tool {
  /// Runs the tool to completion and returns its output.
  ///
  /// The process leads its own group. On cancellation, or when the deadline passes, the group gets SIGTERM and two
  /// seconds later SIGKILL, so that a `make` takes its compilers with it.
  /// - Parameters:
  ///   - input: its standard input. The tool need not read all of it.
  ///   - deadline: the time limit; the tool's own limits, if it has any, come first.
  public func run(input: [UInt8] = [], deadline: Duration = .seconds(600)) async throws(ToolError) -> ToolResult {
    try await guarded(deadline: deadline) { group in
      let result = try await Subprocess.run(
        self.configuration, input: .inputWriter, output: .bytes(limit: outputLimit), error: .bytes(limit: outputLimit)
      ) { execution in
        group.lead(execution.processIdentifier.value)
        // If it does not read all of it, how it ended says why. swift-subprocess 1.0.2 aborts this process if writing an
        // `.array` fails: it frees its end of the pipe without having closed it.
        _ = try? await execution.standardInputWriter.write(input)
      }
      return ToolResult(
        status: ToolStatus(result.terminationStatus),
        output: String(decoding: result.standardOutput, as: UTF8.self),
        errors: String(decoding: result.standardError, as: UTF8.self))
    }
  }

  /// Runs the tool and returns its standard output. Anything but success is thrown as ``ToolError/failed``.
  public func output(input: [UInt8] = [], deadline: Duration = .seconds(600)) async throws(ToolError) -> String {
    let result = try await run(input: input, deadline: deadline)
    guard result.status.isSuccess else {
      throw .failed(commandLine, status: result.status, output: String((result.errors + result.output).suffix(2000)))
    }
    return result.output
  }

  /// Runs a tool whose output is a log: both streams are written to `log` as they arrive, and each line is passed to
  /// `line`.
  /// - Parameter most: the longest log allowed, in bytes; a tool that writes more is killed.
  /// - Returns: how it ended.
  public func run(
    log: FilePath, deadline: Duration, most: Int = outputLimit, line: @escaping @Sendable (Substring) -> Void
  ) async throws(ToolError) -> ToolStatus {
    try await guarded(deadline: deadline) { group in
      let file = try FileDescriptor.open(
        log, .writeOnly, options: [.create, .truncate], permissions: [.ownerReadWrite, .groupRead, .otherRead])
      defer { try? file.close() }
      let result = try await Subprocess.run(
        self.configuration, input: .none, output: .sequence, error: .combinedWithOutput
      ) { execution in
        group.lead(execution.processIdentifier.value)
        var pending: [UInt8] = []
        var written = 0
        for try await buffer in execution.standardOutput {
          let bytes = buffer.withUnsafeBytes { Array($0) }
          written += bytes.count
          guard written <= most else { throw self.tooMuch(most) }
          do { try file.writeAll(bytes) } catch { throw ToolError.cannotLog(self.name, error as? Errno ?? .ioError) }
          var rest = bytes[...]
          while let end = rest.firstIndex(of: 0x0a) {
            pending += rest[..<end].prefix(longestLine - pending.count)
            line(Substring(String(decoding: pending, as: UTF8.self)))
            pending.removeAll(keepingCapacity: true)
            rest = rest[(end + 1)...]
          }
          pending += rest.prefix(longestLine - pending.count)
        }
      }
      return ToolStatus(result.terminationStatus)
    }
  }

  private var configuration: Configuration {
    var options = PlatformOptions()
    // A tool that runs untrusted code gets no terminal either. A session leader also leads a group.
    if limits == nil { options.processGroupID = 0 } else { options.createSession = true }
    options.teardownSequence = [
      .send(signal: .terminate, toProcessGroup: true, allowedDurationToNextStep: .seconds(2)),
      .send(signal: .kill, toProcessGroup: true, allowedDurationToNextStep: .seconds(1)),
    ]
    var variables: [Environment.Key: String] = [:]
    for (name, value) in environment { variables[Environment.Key(rawValue: name)!] = value }
    variables[Environment.Key(rawValue: ProcessMark.variable)!] = ProcessMark.own.text
    return Configuration(
      executable: executable.contains("/") ? .path(FilePath(executable)) : .name(executable),
      arguments: Arguments(arguments), environment: .custom(variables), workingDirectory: directory,
      platformOptions: options)
  }

  /// Runs `body` against a deadline, and maps each failure to its error.
  private func guarded<Result: Sendable>(
    deadline: Duration, _ body: @escaping @Sendable (ProcessGroup) async throws -> Result
  ) async throws(ToolError) -> Result {
    // A tool may end before it has read its input.
    BrokenPipe.becomesAnError()
    let group = ProcessGroup()
    let result: Swift.Result<Result, any Error>
    do {
      result = .success(try await race(deadline: deadline, group) { try await body(group) })
    } catch {
      result = .failure(error)
    }
    // The leader is gone by now, in every case. Any process it left behind must go too, before its files are removed.
    await group.end()
    do {
      return try result.get()
    } catch let error as ToolError {
      throw error
    } catch {
      // If a tool was killed because the user stopped the run, this may appear as any error of its pipes.
      if Task.isCancelled || error is CancellationError { throw .cancelled }
      guard let error = error as? SubprocessError else { throw .cannotStart(executable, reason: "\(error)") }
      switch error.code {
      case .executableNotFound: throw .notFound(executable)
      case .outputLimitExceeded: throw tooMuch(outputLimit)
      default: throw .cannotStart(executable, reason: "\(error)")
      }
    }
  }

  /// For a tool that runs untrusted code, output is one of its limits.
  private func tooMuch(_ most: Int) -> ToolError {
    limits == nil ? .tooMuchOutput(name, limit: most) : .exceeded(name, .output(bytes: most))
  }

  private func race<Result: Sendable>(
    deadline: Duration, _ processes: ProcessGroup, _ body: @escaping @Sendable () async throws -> Result
  ) async throws -> Result {
    // Which of the two limits ends it decides whose fault it was.
    let deadline = limits.map { max(deadline, $0.time + .seconds(60)) } ?? deadline
    return try await withThrowingTaskGroup(of: Result.self) { group in
      group.addTask { try await body() }
      group.addTask {
        try await Task.sleep(for: deadline)
        throw ToolError.deadlineExceeded(name, seconds: deadline / .seconds(1))
      }
      if let limits {
        group.addTask {
          try await Task.sleep(for: limits.time)
          throw ToolError.exceeded(name, .time(seconds: limits.time / .seconds(1)))
        }
        group.addTask {
          throw ToolError.exceeded(
            name, try await ToolLimitWatch(limits: limits, writes: writes).watch(processes.leads))
        }
      }
      defer { group.cancelAll() }
      return try await group.next()!
    }
  }
}

/// The processes that a tool started and that did not leave its group.
private final class ProcessGroup: Sendable {
  private let leader = Locked<pid_t?>(nil)

  func lead(_ process: pid_t) { leader.withLock { $0 = process } }
  func leads() -> pid_t? { leader.withLock { $0 } }

  /// Kills the remaining processes and waits until all are gone. Cancellation does not cut it short.
  func end() async {
    guard let leader = leader.withLock({ $0 }), kill(-leader, SIGKILL) == 0 else { return }
    await Blocking.run {
      // Killed processes disappear once the kernel has torn them down, which is soon but not immediate. A process that
      // hangs in the kernel is not waited for any longer than this.
      for _ in 0..<500 {
        // If this process is the parent of the orphans, they stay in their group until it reaps them.
        while waitpid(-leader, nil, WNOHANG) > 0 {}
        // Otherwise init reaps them, which may take seconds. Dead processes hold no resources.
        if kill(-leader, 0) != 0 || !ProcessStatus.lives(group: leader) { break }
        usleep(10_000)
      }
    }
  }
}

extension ToolStatus {
  init(_ status: TerminationStatus) {
    switch status {
    case .exited(let code): self = .exited(Int(code))
    case .signaled(let signal): self = .signaled(Int(signal))
    }
  }
}
