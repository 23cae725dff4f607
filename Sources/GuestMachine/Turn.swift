/// Lets one at a time do something, in the order in which they asked.
actor Turn {
  private var isTaken = false
  private var waiting: [(number: Int, continuation: CheckedContinuation<Void, any Error>)] = []
  private var next = 0

  /// Runs `body` when it is its turn.
  /// - Throws: `CancellationError` if the task was cancelled while it waited, and what `body` throws.
  nonisolated func hold<Result: Sendable>(_ body: () async throws -> Result) async throws -> Result {
    try await take()
    do {
      let result = try await body()
      await pass()
      return result
    } catch {
      await pass()
      throw error
    }
  }

  private func take() async throws {
    try Task.checkCancellation()
    guard isTaken else {
      isTaken = true
      return
    }
    next += 1
    let number = next
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
        // Cancelled before this: nobody would come to look for it.
        if Task.isCancelled {
          continuation.resume(throwing: CancellationError())
        } else {
          waiting.append((number, continuation))
        }
      }
    } onCancel: {
      Task { await giveUp(number) }
    }
  }

  /// The turn goes to the next one as it is, so that nobody can step in between.
  private func pass() {
    if waiting.isEmpty { isTaken = false } else { waiting.removeFirst().continuation.resume() }
  }

  private func giveUp(_ number: Int) {
    guard let index = waiting.firstIndex(where: { $0.number == number }) else { return }
    waiting.remove(at: index).continuation.resume(throwing: CancellationError())
  }
}
