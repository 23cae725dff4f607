// SPDX-License-Identifier: Apache-2.0

internal import CGuest
internal import CLibc

/// Workers that operate on one shared buffer at the same time.
///
/// A race is bounded by the rounds that each worker must do, not by a clock: nobody can predict how much a busy
/// emulated guest does in a second. Neither a check's name, nor whether it is made, depends on the course of the race.
final class Race {
  private let race: UnsafeMutablePointer<cguest_race>
  private var workerNames: [String] = []
  let seed: UInt32

  /// The longest wait for the rounds, in milliseconds of the guest. After that the race was not reached.
  private static let patience: UInt32 = 20_000

  init(_ shared: SharedBuffer, seed: UInt32) {
    self.seed = seed
    race = .allocate(capacity: 1)
    race.initialize(to: cguest_race())
    race.pointee.seed = seed
    race.pointee.pages = UInt32(shared.pages)
    race.pointee.dmabuf = shared.exported.dmabuf.number
    race.pointee.inode = shared.inode
  }

  deinit { race.deallocate() }

  /// Adds a file and offset by which the buffer is mapped, and the errnos with which that may be refused.
  func way(_ file: OpenFile, _ offset: UInt64, refusals: [Int32] = []) {
    let way = cguest_way(
      fd: file.number, offset: offset, refusal: refusals.first ?? 0, other_refusal: refusals.last ?? 0)
    withUnsafeMutablePointer(to: &race.pointee.ways) { ways in
      UnsafeMutableRawPointer(ways).assumingMemoryBound(to: cguest_way.self)[Int(race.pointee.way_count)] = way
    }
    race.pointee.way_count += 1
  }

  /// Adds a mapping that exists for the whole race.
  func standing(_ mapping: Mapping) {
    withUnsafeMutablePointer(to: &race.pointee.standing) { standing in
      UnsafeMutableRawPointer(standing).assumingMemoryBound(to: UnsafeMutableRawPointer?.self)[
        Int(race.pointee.standing_count)] = mapping.address
    }
    race.pointee.standing_count += 1
  }

  func arena(_ mapping: Mapping) { race.pointee.arena = mapping.address.assumingMemoryBound(to: UInt8.self) }

  func worker(
    _ name: String, _ role: cguest_role, rounds: UInt32, page: Int = 0, client: DrmClient? = nil, handle: UInt32 = 0
  ) {
    var worker = cguest_worker()
    worker.role = role
    worker.rounds = rounds
    worker.page = UInt32(page)
    worker.client = client?.file.number ?? -1
    worker.handle = handle
    workers { $0[workerNames.count] = worker }
    workerNames.append(name)
    race.pointee.worker_count += 1
  }

  private func workers<Result>(_ body: (UnsafeMutablePointer<cguest_worker>) -> Result) -> Result {
    withUnsafeMutablePointer(to: &race.pointee.workers) {
      body(UnsafeMutableRawPointer($0).assumingMemoryBound(to: cguest_worker.self))
    }
  }

  /// Runs a body in the middle of the race: after every worker has done its rounds once, and before each does them
  /// again.
  /// - Returns: whether the rounds were done. If not, the workers' reports are still valid, but little was tried.
  func run(amid body: (() throws(Failure) -> Void)? = nil) throws(Failure) -> Bool {
    if cguest_race_start(race) < 0 { throw .call("start threads") }
    defer { cguest_race_stop(race) }
    guard cguest_race_wait(race, Self.patience) != 0 else { return false }
    guard let body else { return true }
    try body()
    return cguest_race_wait(race, Self.patience) != 0
  }

  /// The result of each worker.
  var outcomes: [(name: String, worker: cguest_worker)] {
    workers { workers in workerNames.indices.map { (workerNames[$0], workers[$0]) } }
  }
}

/// The sums of several races of one kind, by the workers' names.
struct RaceTally {
  private(set) var workers: [String: cguest_worker] = [:]
  private var order: [String] = []

  mutating func add(_ race: Race) {
    for (name, worker) in race.outcomes {
      guard var sum = workers[name] else {
        workers[name] = worker
        order.append(name)
        continue
      }
      sum.succeeded += worker.succeeded
      sum.refused += worker.refused
      sum.wrong += worker.wrong
      sum.signals += worker.signals
      sum.faults += worker.faults
      if sum.code == 0 { sum.code = worker.code }
      workers[name] = sum
    }
  }

  /// Checks what must hold for every worker, whatever the course of the race.
  func check(_ look: Recorder, seed: UInt32) {
    for name in order {
      guard let worker = workers[name] else { continue }
      let again = "seed \(seed)"
      look.expect(worker.wrong == 0, "\(name): what was not the buffer's own", "\(worker.wrong), \(again)")
      look.expect(worker.signals == 0, "\(name): touches answered by a signal", "\(worker.signals), \(again)")
      let code = worker.code == 0 ? "none" : errnoName(worker.code)
      look.expect(worker.code == 0, "\(name): calls that failed and must not", "\(code), \(again)")
    }
  }
}
