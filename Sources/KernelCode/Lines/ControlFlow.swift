// SPDX-License-Identifier: Apache-2.0

/// The paths through a function's source, as gcc sees them before any optimization. They come from its dump of the
/// control flow graph (`-fdump-tree-cfg-lineno-blocks`), in which each statement has its line.
///
/// A macro's statements have the line where the macro is used, and nothing is inlined yet.
public struct ControlFlow: Sendable, Hashable {
  /// A run of statements that are executed all or not at all.
  public struct Block: Sendable, Hashable {
    /// The lines of its statements and labels, in order; empty for a block that only leads on.
    public var lines: [SourceLine] = []
    /// The blocks that may follow, by number: two or more after a condition.
    public var successors: [Int] = []
    /// The line of the condition that ends the block.
    public var condition: SourceLine?
  }

  public var function: String
  /// The blocks, by gcc's numbers: 0 is the entry, 1 the exit.
  public var blocks: [Int: Block] = [:]

  static let exit = 1

  /// All lines that have statements.
  public var lines: Set<SourceLine> { Set(blocks.values.flatMap(\.lines)) }

  /// Reads those functions of a dump that have statements in the given files.
  /// - Parameters:
  ///   - dump: gcc's output. It is large, because it contains every inline function of every header.
  ///   - files: the names that follow `[` in the dump, without a leading `./`.
  ///   - tree: the prefix of absolute paths in the dump.
  public static func parse(_ dump: [UInt8], about files: Set<String>, tree: String) -> [ControlFlow] {
    let mark = Array("\n;; Function ".utf8)
    var starts: [Int] = []
    dump.withUnsafeBufferPointer { bytes in
      var index = 0
      // Line feeds are rare enough to search byte by byte.
      while index + mark.count <= bytes.count {
        if bytes[index] == 0x0a, bytes[index..<index + mark.count].elementsEqual(mark) {
          starts.append(index + 1)
          index += mark.count
        } else {
          index += 1
        }
      }
    }
    let marks = files.map { Array("\($0):".utf8) }
    return zip(starts, starts.dropFirst() + [dump.count]).compactMap { start, end in
      let text = dump[start..<end]
      guard marks.contains(where: { Self.contains(text, $0) }) else { return nil }
      return ControlFlow(String(decoding: text, as: UTF8.self), tree: tree)
    }
  }

  private static func contains(_ text: ArraySlice<UInt8>, _ mark: [UInt8]) -> Bool {
    text.withUnsafeBytes { bytes in
      mark.withUnsafeBytes { memmem(bytes, $0) }
    }
  }

  private static func memmem(_ text: UnsafeRawBufferPointer, _ mark: UnsafeRawBufferPointer) -> Bool {
    guard let first = mark.first else { return true }
    var index = 0
    while index + mark.count <= text.count {
      if text[index] == first, text[index..<index + mark.count].elementsEqual(mark) { return true }
      index += 1
    }
    return false
  }

  /// - Parameter text: one function, from `;; Function` to the next.
  init(_ text: String, tree: String) {
    // `;; Function f.part.0 (f, funcdef_no=0, …)`
    let head = text.prefix { $0 != "\n" }.dropFirst(12)
    function = String(head.prefix { $0 != " " })
    var current: Int?
    for bytes in text.utf8.split(separator: 0x0a) {
      let line = Substring(bytes)
      if line.hasPrefix(";;   basic block ") {
        current = Int(line.dropFirst(17).prefix { $0.isNumber })
        if let current, blocks[current] == nil { blocks[current] = Block() }
      } else if line.hasPrefix(";; "), let (number, successors) = Self.successors(line) {
        blocks[number, default: Block()].successors = successors
      } else if let current, !line.hasPrefix(";"), let place = Self.place(line, tree: tree) {
        let statement = line[place.end...].drop { $0 == " " }
        // Skip gcc's guesses, statements it made up itself, and the zeroing of uninitialized variables
        // (CONFIG_INIT_STACK_ALL_ZERO), which would turn each declaration into a statement.
        if statement.hasPrefix("//") || place.line.number == 0 || statement.contains(" = .DEFERRED_INIT (") { continue }
        if blocks[current]!.lines.last != place.line { blocks[current]!.lines.append(place.line) }
        if statement.hasPrefix("if (") || statement.hasPrefix("switch (") || statement.hasPrefix("__asm__") {
          blocks[current]!.condition = place.line
        }
      }
    }
    for number in blocks.keys where blocks[number]!.successors.count < 2 { blocks[number]!.condition = nil }
  }

  /// `;; 2 succs { 3 4 }`
  private static func successors(_ line: Substring) -> (Int, [Int])? {
    let words = line.split(separator: " ")
    guard words.count >= 4, words[2] == "succs", words[3] == "{", let number = Int(words[1]) else { return nil }
    return (number, words.dropFirst(4).compactMap { Int($0) })
  }

  /// Parses `[mm/util.c:324:7]` or `[mm/util.c:324:7 discrim 1]`; a label's is in the first column.
  private static func place(_ line: Substring, tree: String) -> (line: SourceLine, end: Substring.Index)? {
    let text = line.drop { $0 == " " }
    guard text.first == "[", let end = text.firstIndex(of: "]") else { return nil }
    let parts = text[text.index(after: text.startIndex)..<end].split(separator: ":")
    guard parts.count >= 2, let number = Int(parts[1]) else { return nil }
    return (SourceLine(compiled: parts[0], number, tree: tree), text.index(after: end))
  }
}

// MARK: - Questions

extension ControlFlow {
  /// The blocks that have statements of a line.
  func blocks(of line: SourceLine) -> [Int] {
    blocks.filter { $0.value.lines.contains(line) }.map(\.key).sorted()
  }

  /// Returns all blocks that can be reached from the given ones, including these.
  /// - Parameter avoiding: blocks that are not entered.
  func reach(from starts: some Sequence<Int>, avoiding: Set<Int> = []) -> Set<Int> {
    var seen = Set(starts).subtracting(avoiding)
    var pending = Array(seen)
    while let block = pending.popLast() {
      for next in blocks[block]?.successors ?? [] where !avoiding.contains(next) && seen.insert(next).inserted {
        pending.append(next)
      }
    }
    return seen
  }

  /// Returns whether a block must run if another runs: every path to the other, or every path from it, leads through
  /// it.
  func mustRun(_ block: Int, with other: Int) -> Bool {
    if block == other { return true }
    let entry = blocks.keys.contains(0) ? 0 : 2
    if !reach(from: [entry], avoiding: [block]).contains(other) { return true }
    // If the machine stops (a call that does not return), nothing follows.
    let ends = Set(blocks.filter { $0.value.successors.isEmpty }.keys).union([Self.exit])
    return reach(from: [other], avoiding: [block]).isDisjoint(with: ends)
  }

  /// The conditions that decide whether a block runs: on one outcome it must, on another it may not.
  func conditions(of block: Int) -> [Int] {
    blocks.filter { number, each in
      guard each.successors.count > 1 else { return false }
      return each.successors.contains { mustFollow(block, $0) } && !mustFollow(block, number)
        || each.successors.contains(block) && !mustFollow(block, number)
    }.map(\.key).sorted()
  }

  /// Returns whether every path from `start` leads through `block`, or `start` is `block`.
  func mustFollow(_ block: Int, _ start: Int) -> Bool {
    if block == start { return true }
    let ends = Set(blocks.filter { $0.value.successors.isEmpty }.keys).union([Self.exit])
    return reach(from: [start], avoiding: [block]).isDisjoint(with: ends)
  }

  /// The exits of a line's conditions: the first blocks after them that are not the line's own.
  func exits(of line: SourceLine) -> [Int] {
    let own = Set(blocks(of: line))
    let deciding = own.filter { blocks[$0]?.condition == line }
    if deciding.isEmpty { return [] }
    var exits: Set<Int> = []
    var seen = deciding
    var pending = Array(deciding)
    while let block = pending.popLast() {
      for next in blocks[block]?.successors ?? [] {
        // Blocks that only lead on, and what the line itself does on one of the outcomes.
        let isOwn = next != Self.exit && (blocks[next]?.lines.allSatisfy { $0 == line } ?? false)
        if !isOwn { exits.insert(next) } else if seen.insert(next).inserted { pending.append(next) }
      }
    }
    return exits.sorted()
  }

  /// The lines that follow the entry of a block, up to the next decision.
  func chain(from start: Int) -> [SourceLine] {
    var lines: [SourceLine] = []
    var seen: Set<Int> = []
    var block = start
    while seen.insert(block).inserted, let here = blocks[block] {
      lines += here.lines
      guard here.successors.count == 1 else { break }
      block = here.successors[0]
    }
    return lines
  }
}
