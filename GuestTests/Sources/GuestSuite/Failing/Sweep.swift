// SPDX-License-Identifier: Apache-2.0

internal import CGuest
internal import CLibc

/// Runs one step repeatedly, with the first, the second, … allocation in it failing, until none of its allocations
/// failed, and each time checks what is left.
struct Sweep {
  /// More places to fail at than any step has. A step that never completes is a failure in itself.
  static let most = 64
  /// Stops after this many findings: each takes time, and more of them say nothing new.
  private static let enough = 3

  /// One attempt at the step, on separate buffers.
  struct Attempt {
    /// The step: returns an errno, or 0.
    var step: () -> Int32
    /// What must be as before if the step was refused. Nothing that only the end of the attempt releases.
    var counts: () throws(Failure) -> Counts = { Counts() }
    /// What must be the same whenever the step is done, even if an allocation failed on the way.
    var made: () throws(Failure) -> Counts = { Counts() }
    /// Undoes the step.
    var undo: () throws(Failure) -> Void = {}
    /// Releases what the step made without reporting it: the kernel does not undo a call whose result cannot be written
    /// to the caller's memory.
    var lost: () throws(Failure) -> Void = {}
    /// Says what is wrong with the buffer after the step was refused; nil if it can be used.
    var wrong: () throws(Failure) -> String? = { nil }
    /// Ends the attempt, whether or not the step succeeded.
    var finish: () throws(Failure) -> Void = {}
  }

  let look: Recorder
  let kernel: KernelView
  /// The allowed errnos of a refusal. A call that reads or writes the caller's memory may return EFAULT as well.
  var allowed: Set<Int32> = [ENOMEM, EFAULT]
  var most = Sweep.most
  /// False for a step that has a fallback for each failing allocation, and so is never refused.
  var isRefused = true
  /// False for a step that goes on to do much else: only its first places are tried. The step is retried at the end,
  /// not after each refusal.
  var comesToItsEnd = true
  /// What must be as before once an attempt has ended.
  var counts: () throws(Failure) -> Counts

  /// Which allocation fails, from 1; 0 for none.
  private struct Place: CustomStringConvertible {
    var kind: FaultPoint.Kind
    var number: Int
    var description: String { "\(kind.rawValue) \(number)" }
  }

  private struct Findings {
    var refusals = 0
    var errnos: [String] = []
    var unbalanced: [String] = []
    var unusable: [String] = []
    var again: [String] = []
    var flawed: [String] = []
    var left: [String] = []
    var hasEnded = false
    var count: Int { errnos.count + unbalanced.count + unusable.count + again.count + flawed.count + left.count }
  }

  /// - Parameter prepare: creates what the attempt needs.
  func run(_ name: String, _ prepare: () throws(Failure) -> Attempt) throws(Failure) {
    let faults = try FaultPoint()
    defer { faults.close() }
    let start = try counts()
    // Once without a failure, so that the test's own process, and what its counts read, has already allocated what it
    // needs.
    let trial = try prepare()
    _ = try trial.counts()
    let code = trial.step()
    if code != 0 { throw .call("\(name), with nothing that fails", code: code) }
    let usual = try trial.made().withoutNextFile
    try trial.undo()
    try trial.finish()

    _ = try (Counts.settled(at: start, counts), Self.alive())
    let watch = try AllocationWatch(kernel)
    let alive = try Self.alive()
    let before = try counts()
    var found = Findings()
    for kind in FaultPoint.Kind.allCases {
      try faults.choose(kind)
      found.hasEnded = false
      for number in 1...most where !found.hasEnded && found.count < Self.enough {
        try attempt(prepare(), Place(kind: kind, number: number), faults, before, usual, &found)
      }
      if !comesToItsEnd { try attempt(prepare(), Place(kind: kind, number: 0), faults, before, usual, &found) }
      look.expect(
        found.hasEnded || found.count >= Self.enough,
        "\(name), \(kind.rawValue): done without a failure within \(most) places to fail at")
    }
    if isRefused { look.expect(found.refusals > 0, "\(name): control: some failure was told") }
    look.equal(found.errnos, [], "\(name): refusals by another errno than is allowed")
    look.equal(found.unbalanced, [], "\(name): refused: what is not as before")
    look.equal(found.unusable, [], "\(name): refused: what cannot be used")
    look.equal(found.again, [], "\(name): refused, and done again: errno")
    look.equal(found.flawed, [], "\(name): done: what is not as usual")
    look.equal(found.left, [], "\(name): all closed: what is not as before")
    look.equal(try Self.alive(), alive, "\(name): dma-bufs alive in the end")
    try watch.end(look, name)
  }

  private static func alive() throws(Failure) -> Int { BufInfo.parse(try readText(References.bufinfo)).count }

  private func attempt(
    _ attempt: Attempt, _ place: Place, _ faults: FaultPoint, _ start: Counts, _ usual: Counts,
    _ found: inout Findings
  ) throws(Failure) {
    let before = try attempt.counts()
    let (code, fired) = try faults.failing(place.number, attempt.step)
    func undo() throws(Failure) {
      let made = try Counts.settled(at: usual) { () throws(Failure) in try attempt.made().withoutNextFile }
      if made != usual { found.flawed.append("\(place): \(made.difference(from: usual))") }
      try attempt.undo()
    }
    if code == 0 {
      try undo()
    } else {
      found.refusals += 1
      if !allowed.contains(code) || !fired { found.errnos.append("\(place): \(errnoName(code))") }
      if code == EFAULT { try attempt.lost() }
      let after = try Counts.settled(at: before, attempt.counts)
      if after != before { found.unbalanced.append("\(place): \(after.difference(from: before))") }
      if let wrong = try attempt.wrong() { found.unusable.append("\(place): \(wrong)") }
      if comesToItsEnd {
        let again = attempt.step()
        if again != 0 { found.again.append("\(place): \(errnoName(again))") } else { try undo() }
      }
    }
    try attempt.finish()
    let left = try Counts.settled(at: start, counts)
    if left != start { found.left.append("\(place): \(left.difference(from: start))") }
    if !fired { found.hasEnded = true }
  }
}
