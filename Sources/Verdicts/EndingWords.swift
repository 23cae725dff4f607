// SPDX-License-Identifier: Apache-2.0

public import BenchModel
internal import GuestProtocol

extension GuestEnding {
  /// Describes how a guest ended, as the end of a sentence.
  public var words: String {
    switch self {
    case .completed: "it completed"
    case .panicked(let line): "the kernel panicked (\(line))"
    case .stoppedEarly: "the machine stopped or was reset without a message"
    case .silent(let seconds): "silent for \(whole(seconds)) s"
    case .bootDeadline(let seconds): "never reached init within \(whole(seconds)) s"
    case .runDeadline(let seconds): "not done within \(whole(seconds)) s"
    case .flooded: "it sent more results than are kept"
    case .machineDied(let message): "the machine died (\(message))"
    }
  }
}

extension GuestHang {
  /// Describes where it stopped and what it was doing, as the end of a sentence.
  public var words: String {
    let whereabouts =
      switch place {
      case .noOutput: "no output at all"
      case .beforeInit: "stopped before init"
      case .inTest(let test): "stopped in \(test)"
      case .betweenTests: "stopped between two tests"
      }
    return "\(whereabouts), \(activity)"
  }

  /// What it was doing.
  fileprivate var activity: String {
    let doing =
      switch state {
      case .busy: "the kernel is busy in \(busyIn.joined(separator: ", "))"
      case .asleep: "all processors are idle"
      case .unknown: "it does not answer an NMI"
      }
    let tasks = blocked.prefix(4).joined(separator: ", ") + (blocked.count > 4 ? ", …" : "")
    return doing + (blocked.isEmpty ? "" : "; blocked: \(tasks)")
  }
}

extension GuestRun {
  /// Describes how it ended and, if it hung, where and doing what.
  var endingWords: String {
    if let hangWords { return "\(ending.words): \(hangWords)" }
    return booted ? "\(ending.words) \(whereabouts)" : ending.words
  }

  /// Where it hung and doing what, as far as its ending does not say it; `nil` if it did not hang.
  public var hangWords: String? {
    if case .bootDeadline = ending, hang?.place == .beforeInit { return hang?.activity }
    return hang?.words
  }

  /// Where in its plan a guest ended. Tests run in the order of the plan, so the first one that never reported was
  /// running.
  public var whereabouts: String {
    if let running = tests.first(where: { $0.status == .missing }) { return "in \(running.name)" }
    return tests.isEmpty ? "before the first test" : "after the last test"
  }
}

/// Returns `60`, or `0.5` for a fraction. Stretched time limits have many digits.
private func whole(_ seconds: Double) -> String {
  let tenths = (seconds * 10).rounded() / 10
  // The record may have been edited, and a conversion to Int traps if the value does not fit.
  return Int(exactly: tenths).map { "\($0)" } ?? "\(tenths)"
}
