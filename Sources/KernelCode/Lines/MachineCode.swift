// SPDX-License-Identifier: Apache-2.0

public import BenchModel

/// An object's instructions with their lines, from `objdump -dlr --inlines --no-show-raw-insn`, followed by the output
/// of `objdump -r` for the tables that list the paths that no instruction shows (``InstructionSet/wayTables``).
public struct MachineCode: Sendable, Hashable {
  struct Instruction: Sendable, Hashable {
    /// The index of its function.
    var function: Int
    /// Bytes from the start of its section.
    var offset: UInt64
    var mnemonic: Substring
    var kind: InstructionSet.Kind
    /// What decides its way; `nil` if it depends on no condition.
    var test: BranchTest?
    /// Its line, followed by the lines at which that was inlined.
    var lines: [SourceLine]
    /// The target of a jump or call within the object: the index of an instruction.
    var target: Int?
    /// The target of a call or jump out of the object.
    var symbol: Substring?

    var isJump: Bool { kind == .jump }
    var isBranch: Bool { kind == .branch }
    var isCall: Bool { kind == .call }
    func has(_ line: SourceLine) -> Bool { lines.contains(line) }
  }

  /// A function, or the part of one that gcc placed elsewhere: `f`, `f.cold`.
  public struct Function: Sendable, Hashable {
    public var name: String
    public var section: String
    /// Bytes from the start of the section.
    public var offset: UInt64
  }

  private struct Way: Sendable, Hashable {
    var from: Int
    var to: Int
  }

  private struct Replacement: Sendable, Hashable {
    var from: Int
    var by: Int?
  }

  let set: InstructionSet
  private(set) var functions: [Function] = []
  private(set) var instructions: [Instruction] = []
  /// The instructions that may follow each instruction.
  private(set) var next: [[Int]] = []
  /// Maps a function's name to its index, and that to its first instruction.
  private var numbers: [String: Int] = [:]
  private var starts: [Int] = []
  private var byLine: [SourceLine: [Int]] = [:]
  /// Paths that the kernel creates: the target of a static key once it is switched, and the handler of a fault.
  private var tables: [Way] = []
  /// Instructions in place of which the kernel may put others, and the first of these; `nil` if it makes them itself.
  private var replaced: [Replacement] = []
  /// Functions with a jump whose target is unknown.
  private(set) var isOpaque: [Bool] = []

  /// - Parameters:
  ///   - text: objdump's output.
  ///   - tree: the prefix of absolute paths in it.
  ///   - set: the instruction set of the object.
  public init(objdump text: String, tree: String, instructions set: InstructionSet) {
    self.set = set
    var section: Substring = ""
    var lines: [SourceLine] = []
    var places: [Substring: [UInt64: Int]] = [:]
    /// The target of each jump: an offset in its own section, or a relocation.
    var jumps: [(instruction: Int, section: Substring, offset: UInt64?)] = []
    // objdump prints the inlining for each instruction, but its line only when it changes.
    var isFresh = false
    /// The table whose relocations follow, and the place from which its last entry leads.
    var table: (kind: InstructionSet.WayTable, from: Int?)?
    for bytes in text.utf8.split(separator: 0x0a) {
      let line = Substring(bytes)
      if line.utf8.first == 0x20 || line.utf8.first == 0x09 {
        if line.hasPrefix("\t\t\t") {
          relocate(line, &jumps)
        } else if let (offset, mnemonic, operands) = instruction(line) {
          guard !functions.isEmpty else { continue }
          places[section, default: [:]][offset] = instructions.count
          let kind = set.kind(of: mnemonic)
          instructions.append(
            Instruction(
              function: functions.count - 1, offset: offset, mnemonic: mnemonic, kind: kind,
              test: set.test(of: mnemonic, operands: operands), lines: lines))
          isFresh = false
          if [.jump, .branch, .call].contains(kind) {
            jumps.append((instructions.count - 1, section, Self.target(operands)))
          }
        }
      } else if line.hasPrefix("RELOCATION RECORDS FOR [") {
        let name = line.dropFirst(24).prefix { $0 != "]" }
        table = set.wayTables.first { $0.section == name }.map { ($0, nil) }
      } else if table != nil {
        takeWay(line, &table!, in: places)
      } else if line.hasPrefix("Disassembly of section ") {
        section = line.dropFirst(23).dropLast()
      } else if line.hasSuffix(">:"), let open = line.firstIndex(of: "<"),
        let offset = UInt64(line[..<open].dropLast(), radix: 16)
      {
        functions.append(
          Function(
            name: String(line[line.index(after: open)...].dropLast(2)), section: String(section), offset: offset))
        lines = []
      } else if line.hasPrefix("inlined by ") {
        if !isFresh { lines = Array(lines.prefix(1)) }
        isFresh = true
        if let place = Self.place(line.dropFirst(11), tree: tree) { lines.append(place) }
      } else if !line.hasSuffix("():"), let place = Self.place(line, tree: tree) {
        lines = [place]
        isFresh = true
      }
    }
    for function in functions.indices { numbers[functions[function].name] = function }
    for (instruction, section, offset) in jumps {
      if let symbol = instructions[instruction].symbol {
        instructions[instruction].target = target(of: symbol, in: places)
      } else if let offset {
        instructions[instruction].target = places[section]?[offset]
      }
    }
    link()
  }

  /// `   6:	je     60 <f+0x60>`
  private func instruction(_ line: Substring) -> (UInt64, Substring, Substring)? {
    guard let colon = line.firstIndex(of: ":"), let offset = UInt64(line[..<colon].drop { $0 == " " }, radix: 16)
    else { return nil }
    var words = line[line.index(after: colon)...].drop { $0 == "\t" || $0 == " " }
    // Prefixes such as `lock` and `rep` come before the mnemonic; `notrack` comes before jumps through tables.
    while let space = words.firstIndex(of: " "),
      set.prefixes.contains(words[..<space])
    {
      words = words[space...].drop { $0 == " " }
    }
    let mnemonic = words.prefix { $0 != " " && $0 != "\t" && $0 != "," }
    var operands = words.dropFirst(mnemonic.count).drop { $0 == " " || $0 == "\t" }
    if let comment = operands.firstRange(of: set.comment) { operands = operands[..<comment.lowerBound] }
    while operands.last == " " || operands.last == "\t" { operands.removeLast() }
    return (offset, mnemonic, operands)
  }

  /// Returns the offset in `60 <f+0x60>` or `w0, #3, 60 <f+0x60>`; `nil` for a target in a register or in memory.
  private static func target(_ operands: Substring) -> UInt64? {
    let last = operands.firstRange(of: " <").map { operands[..<$0.lowerBound] } ?? operands
    let word = last.split(separator: ",").last?.drop { $0 == " " || $0 == "\t" } ?? ""
    return word.allSatisfy(\.isHexDigit) ? UInt64(word, radix: 16) : nil
  }

  /// `			e: R_X86_64_PLT32	alloc-0x4`
  private mutating func relocate(
    _ line: Substring, _ jumps: inout [(instruction: Int, section: Substring, offset: UInt64?)]
  ) {
    let words = line.split { $0 == "\t" || $0 == " " }
    guard words.count == 3, let last = instructions.indices.last, jumps.last?.instruction == last,
      set.relocations.contains(where: words[1].contains)
    else { return }
    // Drop the addend if it is the bias alone: the processor adds those bytes again.
    let bias = "-0x" + String(set.relocationBias, radix: 16)
    let name = words[2].hasSuffix(bias) ? words[2].dropLast(bias.count) : words[2]
    instructions[last].symbol = name
  }

  /// `0000000000000004 R_X86_64_PC32     .text+0x0000000000000118`
  private mutating func takeWay(
    _ line: Substring, _ table: inout (kind: InstructionSet.WayTable, from: Int?),
    in places: [Substring: [UInt64: Int]]
  ) {
    let words = line.split(separator: " ")
    guard words.count == 3, let offset = UInt64(words[0], radix: 16) else { return }
    let place = self.place(of: words[2], adding: 0, in: places)
    switch offset % table.kind.entry {
    case 0: table.from = place
    case 4:
      guard let from = table.from else { return }
      if table.kind.replaces {
        replaced.append(Replacement(from: from, by: place))
      } else if let place {
        tables.append(Way(from: from, to: place))
      }
    default: break
    }
  }

  /// `/usr/src/linux/mm/util.c:324 (discriminator 2)`
  private static func place(_ line: Substring, tree: String) -> SourceLine? {
    var rest = line
    if rest.utf8.last == UInt8(ascii: ")"), let open = rest.lastIndex(of: "(") { rest = rest[..<open].dropLast() }
    guard let colon = rest.lastIndex(of: ":"), let number = Int(rest[rest.index(after: colon)...]) else { return nil }
    return SourceLine(compiled: rest[..<colon], number, tree: tree)
  }

  /// - Parameter symbol: `.text.unlikely+0x1c`, which lacks the four bytes that the processor adds. A name alone is
  ///   where that symbol begins.
  private func target(of symbol: Substring, in places: [Substring: [UInt64: Int]]) -> Int? {
    place(of: symbol, adding: symbol.contains("+") ? set.relocationBias : 0, in: places)
  }

  /// Returns the instruction at an offset, plus `more`, from the start of a section or function.
  private func place(of symbol: Substring, adding more: UInt64, in places: [Substring: [UInt64: Int]]) -> Int? {
    let parts = symbol.split(separator: "+")
    var offset = more
    if parts.count > 1 {
      guard let addend = UInt64(parts[1].dropFirst(2), radix: 16) else { return nil }
      offset += addend
    }
    if let function = numbers[String(parts[0])] {
      return places[Substring(functions[function].section)]?[functions[function].offset + offset]
    }
    return places[parts[0]]?[offset]
  }

  private mutating func link() {
    starts = [Int](repeating: instructions.count, count: functions.count)
    for index in instructions.indices.reversed() { starts[instructions[index].function] = index }
    for (index, instruction) in instructions.enumerated() {
      for line in Set(instruction.lines) { byLine[line, default: []].append(index) }
    }
    next = instructions.indices.map { index in
      let here = instructions[index]
      var ways: [Int] = []
      let ends = [.return, .jump, .halt].contains(here.kind)
      if !ends, instructions.indices.contains(index + 1), instructions[index + 1].function == here.function {
        ways.append(index + 1)
      }
      // A jump to the start of another function is a call that does not return. A jump into the middle of one comes
      // from code that the kernel puts in place of other code (`.altinstr_aux`).
      if here.isJump || here.isBranch, let target = here.target,
        owner(of: instructions[target].function) == owner(of: here.function)
          || starts[instructions[target].function] != target
      {
        ways.append(target)
      }
      return ways
    }
    isOpaque = [Bool](repeating: false, count: functions.count)
    for here in instructions where here.isJump && here.target == nil && here.symbol == nil {
      isOpaque[owner(of: here.function)] = true
    }
    for way in tables {
      // A static key that is initially on is a jump. It falls through once it is switched.
      fallThrough(way.from)
      if !next[way.from].contains(way.to) { next[way.from].append(way.to) }
    }
    for one in replaced {
      // Only a jump leads elsewhere than what it replaces, or is replaced by what does not.
      let jump = one.by.map { instructions[$0] }.flatMap { $0.isJump || $0.isBranch ? $0 : nil }
      if jump?.isJump != true { fallThrough(one.from) }
      if let target = jump?.target, !next[one.from].contains(target) { next[one.from].append(target) }
    }
  }

  /// Lets a jump continue at the next instruction as well.
  private mutating func fallThrough(_ from: Int) {
    guard instructions[from].isJump, instructions.indices.contains(from + 1), !next[from].contains(from + 1) else {
      return
    }
    next[from].append(from + 1)
  }

  /// Returns whether some paths through the function of an instruction are unknown.
  func isOpaque(at instruction: Int) -> Bool { isOpaque[owner(of: instructions[instruction].function)] }

  /// Returns the function that a part belongs to: `f` for `f.cold`.
  func owner(of function: Int) -> Int {
    let name = functions[function].name
    return name.hasSuffix(".cold") ? numbers[String(name.dropLast(5))] ?? function : function
  }

  /// Whether a branch only tries the instruction before it again, as a loop of exclusive accesses does.
  func isRetry(_ branch: Int) -> Bool {
    branch > 0 && set.retried.contains { instructions[branch - 1].mnemonic.hasPrefix($0) }
  }

  /// The instructions of a line, including inlined ones.
  func indices(of line: SourceLine) -> [Int] { byLine[line] ?? [] }

  /// The first instruction of the function that an instruction belongs to.
  func entry(of instruction: Int) -> Int { starts[owner(of: instructions[instruction].function)] }

  /// Returns all instructions that can be reached from the given ones.
  /// - Parameter avoiding: instructions that are not entered.
  func reach(from starts: [Int], avoiding: Set<Int> = []) -> Set<Int> {
    var seen = Set(starts).subtracting(avoiding)
    var pending = Array(seen)
    while let index = pending.popLast() {
      for way in next[index] where !avoiding.contains(way) && seen.insert(way).inserted { pending.append(way) }
    }
    return seen
  }
}
