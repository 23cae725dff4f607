// SPDX-License-Identifier: Apache-2.0

public import BenchModel

/// The positions of a series' changed lines in its image, and what has to be seen there for each line to count as run.
public struct LinePlan: Sendable, Hashable {
  /// One address to watch.
  public struct Probe: Sendable, Hashable {
    /// The object that contains it. It tells functions with the same name apart.
    public var object: String
    /// The object's name for the function: `f.cold`.
    public var function: String
    /// Bytes from the start of the function.
    public var offset: UInt64
    /// The condition that decides which way the instruction goes; `nil` if only executions are counted.
    public var test: BranchTest?
  }

  public private(set) var lines: [ChangedLine] = []
  public private(set) var probes: [Probe] = []
  private var numbers: [Probe: Int] = [:]
  /// For each probe, the instructions that always run with it.
  private var groups: [Group] = []

  private struct Group: Hashable {
    var object: String
    /// The first of these instructions.
    var leader: Int
  }

  /// Probes on a trap (`ud2` of a WARN), where the kernel refuses probes.
  private var traps: Set<Int> = []

  /// A C file that a series changes.
  public struct File: Sendable {
    /// The file with the series applied.
    public var source: [UInt8]
    /// The functions whose code differs from the base's; `nil` if any of them may.
    public var differing: Set<String>?

    public init(source: [UInt8], differing: Set<String>?) {
      self.source = source
      self.differing = differing
    }
  }

  /// An object that is built from changed files, as three tools describe it.
  public struct Object: Sendable {
    public var path: String
    var machine: MachineCode
    var flows: [ControlFlow]
    var preprocessed: [String: Set<Int>]
    /// See ``MachineCode/leaders()``.
    let leaders: [Int]

    /// The lines of a file on which the given functions have statements.
    public func lines(of functions: Set<String>, in file: String) -> Set<Int> {
      Set(flows.filter { functions.contains($0.function) }.flatMap(\.lines).filter { $0.file == file }.map(\.number))
    }

    /// - Parameters:
    ///   - path: relative to the tree's root.
    ///   - disassembly: `objdump -dlr --inlines --no-show-raw-insn` of the object with line tables.
    ///   - controlFlow: gcc's `-fdump-tree-cfg-lineno-blocks` output.
    ///   - preprocessed: the output of `gcc -E -fdirectives-only`.
    ///   - files: the changed files.
    ///   - tree: the tree's root, as the tools name it.
    ///   - instructions: what the disassembly's instructions are.
    public init(
      path: String, disassembly: String, controlFlow: [UInt8], preprocessed: [UInt8], files: Set<String>, tree: String,
      instructions: InstructionSet
    ) {
      self.path = path
      machine = MachineCode(objdump: disassembly, tree: tree, instructions: instructions)
      leaders = machine.leaders()
      flows = ControlFlow.parse(controlFlow, about: files, tree: tree)
      self.preprocessed = PreprocessedLines.parse(preprocessed, about: files, tree: tree)
    }
  }

  /// - Parameters:
  ///   - diff: from the base to the series, or of lines that are to be checked as if a series had changed them.
  ///   - files: the changed C files that are compiled, by path.
  ///   - objects: the objects built from the files, as far as they were examined.
  ///   - left: the number of objects built from the files that were not examined.
  public init(diff: [DiffFile], files: [String: File], objects: [Object], left: Int = 0) {
    for file in diff {
      guard let known = files[file.path] else { continue }
      let source = LineSource(known.source)
      let here = objects.filter { $0.preprocessed[file.path] != nil }
      let compiled = here.isEmpty ? nil : here.reduce(into: Set<Int>()) { $0.formUnion($1.preprocessed[file.path]!) }
      let view = View(file: file.path, source: source, compiled: compiled, differing: known.differing, objects: here)
      let text = known.source.split(separator: 0x0a, omittingEmptySubsequences: false)
      var asked: Set<Int> = []
      func add(_ number: Int, _ function: String?, _ place: ChangedLine.Place, follows: Bool) {
        guard source.code.indices.contains(number), asked.insert(number).inserted else { return }
        var place = place
        if left > 0, case .unseen(let reason) = place {
          place = .unseen("\(reason); \(left) more objects built from this file were not examined")
        }
        lines.append(
          ChangedLine(
            file: file.path, number: number, text: String(decoding: text[number - 1], as: UTF8.self), follows: follows,
            function: function, place: place))
      }
      let places = ChangedPlace.all(of: file)
      let added = Set(places.flatMap(\.added))
      for change in places {
        var tells = false
        for number in change.added where source.code.indices.contains(number) {
          let (function, place) = place(of: number, in: view)
          if place != .noCode { tells = true }
          add(number, function, place, follows: false)
        }
        // A preprocessor condition that is added around code removes or adds it, as a diff of its lines would.
        let turns = change.added.contains { source.code.indices.contains($0) && source.turnsSection($0) }
        if !turns, tells || !change.losesCode { continue }
        let (number, function, place) = place(behind: change, in: view)
        if !added.contains(number) { add(number, function, place, follows: true) }
      }
    }
    join()
  }

  /// Keeps one of the probes that always run together: each costs the guest some milliseconds.
  private mutating func join() {
    var chosen: [Group: Int] = [:]
    func choose(_ isFit: (Int) -> Bool) {
      for (number, group) in groups.enumerated() where chosen[group] == nil && isFit(number) { chosen[group] = number }
    }
    choose { probes[$0].test != nil }
    choose { !traps.contains($0) }
    choose { _ in true }
    var kept: [Int: Int] = [:]
    var left: [Probe] = []
    for (number, probe) in probes.enumerated() where probe.test != nil || chosen[groups[number]] == number {
      kept[number] = left.count
      left.append(probe)
    }
    func moved(_ sights: [LineWatch.Sight]) -> [LineWatch.Sight] {
      var seen: Set<LineWatch.Sight> = []
      return sights.map { sight in
        let number = sight.taken == nil ? chosen[groups[sight.probe]] ?? sight.probe : sight.probe
        return LineWatch.Sight(probe: kept[number]!, taken: sight.taken)
      }.filter { seen.insert($0).inserted }
    }
    for index in lines.indices {
      guard case .watched(var watch) = lines[index].place else { continue }
      watch.ran = moved(watch.ran)
      for way in watch.ways.indices { watch.ways[way].sights = moved(watch.ways[way].sights) }
      lines[index].place = .watched(watch)
    }
    probes = left
    groups = []
    traps = []
    numbers = [:]
  }

  /// Returns the line whose execution stands for that of the removed lines.
  private mutating func place(
    behind change: ChangedPlace, in view: View
  ) -> (number: Int, function: String?, ChangedLine.Place) {
    let source = view.source
    let section = source.section(before: change.end)
    let inSection = source.isCompiled(section, view.compiled)
    let here = min(change.end, source.count)
    if inSection == false { return (here, nil, .notCompiled(source.condition(of: section))) }
    var found: (number: Int, function: String?, ChangedLine.Place)?
    for number in source.followers(of: change.end) {
      // Code that an option leaves out says nothing about the code next to it.
      if let compiled = view.compiled, !compiled.contains(number) { continue }
      let (function, place) = place(of: number, in: view)
      switch place {
      case .noCode, .declaration, .notCompiled: continue
      case .sameCode, .unseen, .watched: found = (number, function, place)
      }
      break
    }
    // If the code is the same as the base's, and the removed lines depended on an option, the compiler never saw them.
    if found.map({ $0.2 == .sameCode }) ?? true,
      let condition = change.lostCondition ?? (inSection == nil ? source.condition(of: section) : nil)
    {
      return (found?.number ?? here, found?.function, .notCompiled(condition))
    }
    return found ?? (here, nil, .noCode)
  }

  private struct View {
    var file: String
    var source: LineSource
    var compiled: Set<Int>?
    var differing: Set<String>?
    var objects: [Object]
  }

  private mutating func place(of number: Int, in view: View) -> (function: String?, ChangedLine.Place) {
    let source = view.source
    if source.directives.contains(number) {
      if let condition = source.leftOut(directive: number, view.compiled) { return (nil, .notCompiled(condition)) }
      return (nil, .declaration)
    }
    guard source.hasWords(number) else { return (nil, .noCode) }
    if let compiled = view.compiled, !compiled.contains(number) {
      return (nil, .notCompiled(source.condition(of: source.section(before: number))))
    }
    if source.isBare(number) { return (nil, .noCode) }
    let first = source.begins[number]
    // The line itself, or the line of its statement that the compiler names.
    let candidates = [number] + (first..<number).reversed() + Self.rest(of: first, after: number, in: source)
    let located = candidates.lazy.map { SourceLine(view.file, $0) }.first { line in
      view.objects.contains { $0.flows.contains { $0.lines.contains(line) } }
    }
    guard let located else {
      if view.objects.isEmpty { return (nil, .unseen("none of the objects built from this file was examined")) }
      guard source.acts(first) else { return (nil, .noCode) }
      guard source.bodies.contains(number) else { return (nil, .declaration) }
      return (nil, .notCompiled(source.option(around: first) ?? "the compiler drops it in this configuration"))
    }
    let functions = Set(
      view.objects.flatMap(\.flows).filter { $0.lines.contains(located) }.map(\.function))
    let function = functions.min()
    if let differing = view.differing, functions.isDisjoint(with: differing) { return (function, .sameCode) }
    var ran: [LineWatch.Sight] = []
    var ways: [LineWatch.Way] = []
    var failure: String?
    for object in view.objects {
      for flow in object.flows where flow.lines.contains(located) {
        let finder = LineFinder(line: located, flow: flow, machine: object.machine)
        let found = finder.find()
        failure = failure ?? found.failure
        ran += found.ran.prefix(Self.mostSights).map { sight($0, in: object) }
        for way in found.ways {
          let sights = way.sights.prefix(Self.mostSights).map { sight($0, in: object) }
          if let known = ways.firstIndex(where: { $0.words == way.words }) {
            ways[known].sights += sights
          } else {
            ways.append(LineWatch.Way(words: way.words, sights: Array(sights)))
          }
        }
      }
    }
    if ran.isEmpty, ways.isEmpty {
      return (function, .unseen(failure ?? "the compiler left it no instruction of its own"))
    }
    return (function, .watched(LineWatch(ran: ran, ways: ways)))
  }

  /// The number of addresses to watch for one line of one object, which may be inlined many times.
  private static let mostSights = 8

  private static func rest(of first: Int, after number: Int, in source: LineSource) -> [Int] {
    var next = number + 1
    var rest: [Int] = []
    while next <= source.count, source.begins[next] == first {
      rest.append(next)
      next += 1
    }
    return rest
  }

  private mutating func sight(_ found: LineFinder.Sight, in object: Object) -> LineWatch.Sight {
    let instruction = object.machine.instructions[found.instruction]
    let function = object.machine.functions[instruction.function]
    let probe = Probe(
      object: object.path, function: function.name, offset: instruction.offset - function.offset,
      test: found.taken == nil ? nil : instruction.test)
    if let known = numbers[probe] { return LineWatch.Sight(probe: known, taken: found.taken) }
    numbers[probe] = probes.count
    probes.append(probe)
    groups.append(Group(object: object.path, leader: object.leaders[found.instruction]))
    if instruction.kind == .trap { traps.insert(probes.count - 1) }
    return LineWatch.Sight(probe: probes.count - 1, taken: found.taken)
  }
}
