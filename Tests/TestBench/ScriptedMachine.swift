// SPDX-License-Identifier: Apache-2.0

public import GuestMachine
public import GuestProtocol
public import SystemPackage
import Toolbox

/// A clock that only moves when a script says so.
public final class ScriptClock: Clock {
  public struct Instant: InstantProtocol {
    var offset: Duration
    public func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
    public func duration(to other: Instant) -> Duration { other.offset - offset }
    public static func < (a: Instant, b: Instant) -> Bool { a.offset < b.offset }
  }

  private let time = Locked(Duration.zero)
  public init() {}

  public var now: Instant { Instant(offset: time.withLock { $0 }) }
  public var minimumResolution: Duration { .nanoseconds(1) }
  public func advance(_ duration: Duration) { time.withLock { $0 += duration } }
  public func sleep(until deadline: Instant, tolerance: Duration?) async throws {
    time.withLock { $0 = max($0, deadline.offset) }
  }
}

/// One line of a script.
public enum Step: Sendable {
  case console(String)
  case results(String)
  /// Sends this many bytes beyond what is kept.
  case cut(GuestOutput, Int)
  /// Sends output that cannot be written to its file.
  case notKept(GuestOutput, String)
  /// Lets time pass, and lets the watcher check its limits.
  case pass(Duration)
  case stop(StopReason)
  /// Prints something on the console every second, forever.
  case chatter
}

/// A machine that follows a script, one step each time its watcher asks for the next signal.
public final class ScriptedMachine: Machine {
  public let signals: AsyncStream<MachineSignal>
  public let secret: GuestSecret?
  public let tookInterrupt: Bool
  private let state: State

  /// - Parameter answer: what it does when it is interrupted, before it continues with its script.
  /// - Parameter secret: the secret that its watcher expects signatures with.
  /// - Parameter dumpFailure: why its memory cannot be written.
  /// - Parameter isStopped: whether its emulator takes no interrupt.
  public init(
    _ script: [Step], answering answer: [Step] = [], dumpFailure: String? = nil, secret: GuestSecret? = nil,
    isStopped: Bool = false, clock: ScriptClock
  ) {
    tookInterrupt = !isStopped
    self.secret = secret
    self.dumpFailure = dumpFailure
    let state = State(script, answer)
    self.state = state
    signals = AsyncStream { state.next(clock) }
  }

  public func destroy() async { state.destroy() }
  public func interrupt() async { state.interrupt() }
  public func dumpMemory(to file: FilePath) async -> String? {
    state.dumped(file)
    return dumpFailure
  }
  public func keepState(as image: FilePath) async throws {}
  public var dumps: [FilePath] { state.dumps }
  private let dumpFailure: String?
  public var wasDestroyed: Bool { state.wasDestroyed }

  private final class State: Sendable {
    private let inner: Locked<(rest: [Step], destroyed: Bool, over: Bool)>
    private let answer: [Step]
    init(_ script: [Step], _ answer: [Step]) {
      inner = Locked((script, false, false))
      self.answer = answer
    }
    func interrupt() { inner.withLock { $0.rest = answer + $0.rest } }
    private let files = Locked<[FilePath]>([])
    func dumped(_ file: FilePath) { files.withLock { $0.append(file) } }
    var dumps: [FilePath] { files.withLock { $0 } }
    func destroy() { inner.withLock { $0.destroyed = true } }
    var wasDestroyed: Bool { inner.withLock { $0.destroyed } }

    func next(_ clock: ScriptClock) -> MachineSignal? {
      inner.withLock { state in
        if state.over { return nil }
        if state.destroyed {
          state.over = true
          return .stopped(.destroyed)
        }
        // After the end of its script, a machine is silent and does nothing.
        guard let step = state.rest.first else {
          clock.advance(.seconds(1))
          return .tick
        }
        if case .chatter = step {
          clock.advance(.seconds(1))
          return .console(Array("[    1.000000] still here\n".utf8))
        }
        state.rest.removeFirst()
        switch step {
        case .console(let text): return .console(Array(text.utf8))
        case .results(let text): return .results(Array(text.utf8))
        case .cut(let output, let bytes): return .cut(output, bytes: bytes)
        case .notKept(let output, let reason): return .notKept(output, reason)
        case .pass(let duration):
          clock.advance(duration)
          return .tick
        case .stop(let reason):
          state.over = true
          return .stopped(reason)
        case .chatter: return nil
        }
      }
    }
  }
}
