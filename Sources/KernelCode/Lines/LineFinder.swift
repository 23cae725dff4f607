// SPDX-License-Identifier: Apache-2.0

import BenchModel

/// Finds the instructions that show that one line ran, and which way it went.
///
/// An optimizing compiler moves and merges code. An instruction with a line's number may therefore run although the
/// line did not: a constant that is loaded before the condition it depends on, or an exit that two error paths share.
/// gcc's control flow of the source tells these apart: an instruction counts only if it is on the same side of the
/// conditions as its line.
struct LineFinder {
  struct Sight: Hashable {
    /// An index into ``MachineCode/instructions``.
    var instruction: Int
    /// Which way the instruction has to go; `nil` if it only has to run.
    var taken: Bool?
  }

  struct Found {
    var ran: [Sight] = []
    var ways: [(words: String, sights: [Sight])] = []
    var failure: String?
  }

  let line: SourceLine
  let flow: ControlFlow
  let machine: MachineCode
  private let blocks: [Int]

  init(line: SourceLine, flow: ControlFlow, machine: MachineCode) {
    self.line = line
    self.flow = flow
    self.machine = machine
    blocks = flow.blocks(of: line)
  }

  func find() -> Found {
    var found = Found()
    guard let first = first else { return found }
    let own = sights(of: line, in: first)
    found.ran = leading(own.ran)
    if own.ran.isEmpty, !own.both.isEmpty {
      // The condition became a move or a set. If both outcomes were seen, the line's was among them.
      found.ways = Self.both(own.both)
      return found
    }
    if found.ran.isEmpty { found.ran = leading(witnesses(of: first)) }
    if found.ran.isEmpty, let both = bothWays(to: first) {
      found.ways = both
      return found
    }
    let decided = ways()
    found.ways = decided.ways
    if let failure = decided.failure {
      found.failure = failure
      // If it is unknown where a condition leads, it is not known to have gone both ways.
      found.ran = []
    }
    return found
  }

  /// The line's block that runs whenever another of its blocks runs; if there is no such block, its first.
  private var first: Int? {
    blocks.first { block in blocks.allSatisfy { flow.mustRun(block, with: $0) } } ?? blocks.first
  }

  // MARK: - Whether it ran

  /// - Returns: the line's instructions that count, and the moves that replaced a condition that the line is under.
  private func sights(of line: SourceLine, in block: Int) -> (ran: [Sight], both: [Int]) {
    let conditions = flow.conditions(of: block).filter { flow.blocks[$0]?.condition != line }
    var both: [Int] = []
    let own = starts(of: line).filter { instruction in
      conditions.allSatisfy { condition in
        guard let other = flow.blocks[condition]?.condition else { return true }
        let branches = branches(of: other, beside: instruction)
        if branches.isEmpty {
          let moves = moves(of: [other, line], beside: instruction)
          both += moves
          return moves.isEmpty
        }
        return isOnSide(instruction, of: branches, condition: condition, block: block)
      }
    }
    return (own.map { Sight(instruction: $0) }, Array(Set(both)).sorted())
  }

  /// The first instruction of each run of a line's instructions. The others of the run are executed with it.
  private func starts(of line: SourceLine) -> [Int] {
    var left = firsts(of: line)
    var kept: [Int] = []
    while let start = left.first {
      kept.append(start)
      let with = Set(machine.follow(start))
      left.removeAll { $0 == start || with.contains($0) && !isLooped($0, without: start) }
    }
    return kept
  }

  /// Returns whether a loop leads from an instruction back to itself without passing `other`. A task that entered the
  /// loop before the probes were set is seen only at the instruction itself.
  private func isLooped(_ instruction: Int, without other: Int) -> Bool {
    machine.reach(from: machine.next[instruction], avoiding: [other]).contains(instruction)
  }

  /// Drops the sights that are only reached through another one: they add no information.
  private func leading(_ sights: [Sight]) -> [Sight] {
    if sights.count < 2 { return sights }
    return sights.filter { sight in
      let entry = machine.entry(of: sight.instruction)
      // If no path to the instruction is known, it is unknown what comes before it.
      if machine.isOpaque(at: sight.instruction) || !machine.reach(from: [entry]).contains(sight.instruction) {
        return true
      }
      return sights.allSatisfy { other in
        if other == sight || other.taken != nil || entry != machine.entry(of: other.instruction) { return true }
        return machine.reach(from: [entry], avoiding: [other.instruction]).contains(sight.instruction)
          || isLooped(sight.instruction, without: other.instruction)
      }
    }
  }

  private func firsts(of line: SourceLine) -> [Int] {
    machine.indices(of: line).filter { index in
      // A KASAN report.
      if machine.reports(index) { return false }
      guard index > 0, machine.instructions[index - 1].has(line) else { return true }
      // After a jump, the previous instruction may not lead here.
      return !machine.next[index - 1].contains(index) || machine.instructions[index - 1].isBranch
    }
  }

  private func branches(of line: SourceLine, beside instruction: Int) -> [Int] {
    let owner = machine.owner(of: machine.instructions[instruction].function)
    return branches(of: line).filter { machine.owner(of: machine.instructions[$0].function) == owner }
  }

  private func moves(of lines: [SourceLine], beside instruction: Int) -> [Int] {
    let owner = machine.owner(of: machine.instructions[instruction].function)
    return Set(lines.flatMap { moves(of: $0) })
      .filter { machine.owner(of: machine.instructions[$0].function) == owner }.sorted()
  }

  private func isOnSide(_ instruction: Int, of branches: [Int], condition: Int, block: Int) -> Bool {
    // No branch comes before the instruction: it runs whatever they decide.
    let before = machine.reach(from: [machine.entry(of: instruction)], avoiding: [instruction])
    if !branches.contains(where: before.contains) { return false }
    // In the source only some outcomes lead to the line. The same must hold in the image.
    let successors = flow.blocks[condition]?.successors ?? []
    let leads = successors.map { flow.reach(from: [$0], avoiding: [condition]).contains(block) }
    if leads.allSatisfy({ $0 }) { return true }
    let others = Set(branches)
    return branches.contains { branch in
      let sides = machine.next[branch].map { machine.reach(from: [$0], avoiding: others).contains(instruction) }
      return sides.contains(true) && sides.contains(false)
    }
  }

  /// Returns what shows that a block without instructions of its own ran: a block that cannot run without it, or an
  /// outcome that leads nowhere else.
  private func witnesses(of block: Int) -> [Sight] {
    var sights: [Sight] = []
    // Lines in the same block come first.
    let others = flow.blocks.sorted { ($0.key == block ? -1 : $0.key) < ($1.key == block ? -1 : $1.key) }
    for (number, other) in others where !other.lines.isEmpty {
      if !sights.isEmpty, number != block { break }
      guard number == block || flow.mustRun(block, with: number) else { continue }
      for line in Set(other.lines).sorted() where line != self.line {
        // If a line has several blocks, it does not show which of them ran.
        guard flow.blocks(of: line).allSatisfy({ flow.mustRun(block, with: $0) }) else { continue }
        sights += self.sights(of: line, in: number).ran
      }
    }
    if !sights.isEmpty { return sights }
    for (_, other) in flow.blocks.sorted(by: { $0.key < $1.key }) {
      guard let condition = other.condition, condition != line else { continue }
      let finder = LineFinder(line: condition, flow: flow, machine: machine)
      for (exit, found) in finder.exits() where flow.mustFollow(block, exit) { sights += found }
    }
    return sights
  }

  /// For a line with no instructions left: if the condition that it is under took all its outcomes, the line ran.
  private func bothWays(to block: Int) -> [(words: String, sights: [Sight])]? {
    for condition in flow.conditions(of: block) {
      guard let other = flow.blocks[condition]?.condition, other != line else { continue }
      let decided = LineFinder(line: other, flow: flow, machine: machine).ways()
      // A single outcome means that the compiler proved the others impossible, and this line may be on one of those.
      if decided.failure == nil, decided.ways.count > 1 { return decided.ways }
    }
    return nil
  }

  private static func both(_ moves: [Int]) -> [(words: String, sights: [Sight])] {
    [
      ("when its condition holds", moves.map { Sight(instruction: $0, taken: true) }),
      ("when its condition does not hold", moves.map { Sight(instruction: $0, taken: false) }),
    ]
  }

  /// The conditional jumps of a line, without KASAN's checks.
  private func branches(of line: SourceLine) -> [Int] {
    machine.indices(of: line).filter { machine.instructions[$0].isBranch && !machine.isCheck($0) }
  }

  /// The conditional moves and sets of a line.
  private func moves(of line: SourceLine) -> [Int] {
    machine.indices(of: line).filter {
      let instruction = machine.instructions[$0]
      return !instruction.isBranch && instruction.test != nil && !machine.isForCheck($0)
    }
  }

  // MARK: - Which way it went

  private func ways() -> (ways: [(words: String, sights: [Sight])], failure: String?) {
    let wanted = flow.exits(of: line)
    guard wanted.count > 1 else { return ([], nil) }
    let seen = exits()
    let branches = branches(of: line)
    if seen.isEmpty, branches.isEmpty {
      // There is no jump. A conditional move or set may have replaced it.
      let own = moves(of: line)
      let more = own.isEmpty ? movesBehind(wanted) : own
      if !more.isEmpty { return (Self.both(more), nil) }
      // The code on each outcome may itself show that it ran.
      var ways: [(String, [Sight])] = []
      for exit in wanted {
        guard flow.isOnlyReached(exit, from: line) else { continue }
        let lines = Set(flow.blocks[exit]?.lines ?? []).sorted().filter { $0 != line }
        let sights = lines.flatMap { self.sights(of: $0, in: exit).ran }
        if !sights.isEmpty { ways.append((words(exit), sights)) }
      }
      return ways.isEmpty ? ([], "the compiler left no branch for its condition") : (ways, nil)
    }
    var ways: [(words: String, sights: [Sight])] = []
    for exit in wanted {
      if let sights = seen[exit] { ways.append((words(exit), sights)) }
    }
    // No jump leads to an outcome that the compiler proved impossible.
    if ways.count < 2 {
      guard !branches.isEmpty else { return ([], "the compiler left no branch for its condition") }
      // It is unknown which of several jumps decides the outcome, so each has to go both ways.
      let copies = self.copies(of: branches)
      return (
        copies.enumerated().flatMap { number, branches in
          let name = copies.count == 1 ? "its jump" : "jump \(number + 1) of \(copies.count)"
          return [
            ("where \(name) is taken", branches.map { Sight(instruction: $0, taken: true) }),
            ("where \(name) is not taken", branches.map { Sight(instruction: $0, taken: false) }),
          ]
        }, nil
      )
    }
    return (ways, nil)
  }

  /// Groups the jumps that are one jump in the source and were inlined into several functions.
  private func copies(of branches: [Int]) -> [[Int]] {
    let groups = Dictionary(grouping: branches) { machine.owner(of: machine.instructions[$0].function) }
      .sorted { $0.key < $1.key }.map(\.value)
    guard let count = groups.first?.count, groups.allSatisfy({ $0.count == count }) else {
      return branches.map { [$0] }
    }
    return (0..<count).map { number in groups.map { $0[number] } }
  }

  private func movesBehind(_ exits: [Int]) -> [Int] {
    Set(exits.flatMap { flow.blocks[$0]?.lines ?? [] }).sorted().flatMap { moves(of: $0) }
  }

  private func words(_ exit: Int) -> String {
    if exit == ControlFlow.exit { return "out of the function" }
    let next = flow.chain(from: exit).first { $0 != line }
    guard let next else { return "out of the function" }
    return next.file == line.file ? "to line \(next.number)" : "to \(next.file):\(next.number)"
  }

  /// The sights that show where the line's jumps lead, by the exits of its condition in the source.
  func exits() -> [Int: [Sight]] {
    let wanted = flow.exits(of: line)
    guard wanted.count > 1 else { return [:] }
    let own = exits(wanted, of: branches(of: line), leaving: line)
    if own.count > 1 { return own }
    // The result of a function that was inlined just before is not tested again: its jumps lead directly to this
    // condition's exits.
    let before = Set(blocks.filter { flow.blocks[$0]?.condition == line }.flatMap { flow.blocks[$0]?.lines ?? [] })
    for other in before.sorted() where other != line {
      let found = exits(wanted, of: branches(of: other), leaving: other)
      if found.count > 1 { return found }
    }
    return own
  }

  /// - Parameters:
  ///   - wanted: the blocks of the exits, one each.
  ///   - branches: the jumps of the line that is left.
  private func exits(_ wanted: [Int], of branches: [Int], leaving left: SourceLine) -> [Int: [Sight]] {
    let chains = wanted.map { (exit: $0, lines: flow.chain(from: $0)) }
    var found: [Int: [Sight]] = [:]
    /// Outcomes that no line assigns to one of the exits.
    var open: [Sight] = []
    for branch in branches {
      var sides: [(Bool, Int)] = []
      if let target = machine.instructions[branch].target { sides.append((true, target)) }
      if machine.next[branch].contains(branch + 1) { sides.append((false, branch + 1)) }
      for (taken, side) in sides {
        guard let lines = machine.leads(from: side, leaving: left) else { continue }
        // Take the exit whose lines reach it first: another exit may reach the same place later.
        let ranked = chains.compactMap { chain in
          chain.lines.firstIndex { lines.contains($0) }.map { (chain.exit, $0) }
        }
        if let best = ranked.min(by: { $0.1 < $1.1 }), ranked.count(where: { $0.1 == best.1 }) == 1 {
          found[best.0, default: []].append(Sight(instruction: branch, taken: taken))
        } else {
          open.append(Sight(instruction: branch, taken: taken))
        }
      }
    }
    // If only one exit was not found, the outcomes that lead to no other exit lead to it: a `return -EINVAL` that
    // shares its instructions with others.
    let rest = wanted.filter { found[$0] == nil }
    if rest.count == 1, !open.isEmpty, !found.isEmpty { found[rest[0]] = open }
    return found
  }
}

extension ControlFlow {
  /// Returns whether a block is entered only from a line's own blocks.
  func isOnlyReached(_ block: Int, from line: SourceLine) -> Bool {
    blocks.allSatisfy { number, each in
      !each.successors.contains(block) || number == block || each.lines.allSatisfy { $0 == line }
    }
  }
}
