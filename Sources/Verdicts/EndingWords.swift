public import BenchModel
internal import GuestProtocol

extension GuestEnding {
  /// How a guest ended, as the end of a sentence.
  public var words: String {
    switch self {
    case .completed: "it ran to its end"
    case .panicked(let line): "the kernel panicked (\(line))"
    case .stoppedEarly: "the machine stopped or was reset without a word"
    case .silent(let seconds): "nothing was heard for \(whole(seconds)) s"
    case .bootDeadline(let seconds): "no hello within \(whole(seconds)) s"
    case .runDeadline(let seconds): "not done within \(whole(seconds)) s"
    case .machineDied(let message): "the machine died (\(message))"
    }
  }
}

extension GuestRun {
  /// Where in its plan a guest ended. Tests run in the order of the plan, so the first that never reported is the one
  /// that was running.
  public var whereabouts: String {
    if let running = tests.first(where: { $0.status == .missing }) { return "in \(running.name)" }
    return tests.isEmpty ? "before the first test" : "after the last test"
  }
}

/// `60`, and `0.5` for what is no whole number.
private func whole(_ seconds: Double) -> String {
  // The record may have been edited, and a conversion to Int traps on what does not fit.
  Int(exactly: seconds).map { "\($0)" } ?? "\(seconds)"
}
