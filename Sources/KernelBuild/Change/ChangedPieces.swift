// SPDX-License-Identifier: Apache-2.0

import BenchModel
import KernelCode

/// An object whose code differs from the base's.
struct CompiledObject: Hashable {
  var path: String
  var source: String
  /// The touched files that it was made from.
  var reads: Set<String>
  var change: AssemblyChange
}

extension CodeChange {
  /// Combines the changes in the sources with those in the compiled code.
  /// - Parameters:
  ///   - sources: the touched C files whose code differs, ignoring comments.
  ///   - objects: the objects whose compiled code differs.
  ///   - compiled: the touched files that are compiled at all.
  init(sources: [String: SourceChange], objects: [CompiledObject], compiled: Set<String>, unexamined: [String]) {
    // If a compiled function differs although its source is unchanged, the reason is something inlined into it, or a
    // declaration that it uses.
    let changed = Set(sources.values.flatMap(\.functions))
    var pieces: [Piece] = []
    for (file, change) in sources.sorted(by: { $0.key < $1.key }) where compiled.contains(file) {
      let here = objects.filter { $0.reads.contains(file) || $0.source == file }
      let differing = Set(here.flatMap(\.change.functions))
      let present = here.reduce(into: Set<String>()) { $0.formUnion($1.change.present) }
      let others = differing.subtracting(changed)
      for name in change.functions {
        let carriers: Set<String> =
          if differing.contains(name) { others.union([name]) } else if present.contains(name) { [] } else { differing }
        if !carriers.isEmpty {
          pieces.append(Piece(kind: .function, name: name, file: file, carriers: carriers.sorted()))
        }
      }
      if change.rest, let piece = Self.declarations(of: file, in: here, others: others) { pieces.append(piece) }
    }
    var functions: Set<Function> = []
    for object in objects {
      for name in object.change.functions { functions.insert(Function(name: name, file: object.source)) }
    }
    // An export, an initcall's level, a table that nothing here names: the kernel differs, but there is no
    // function to count.
    let others = objects.filter { object in
      object.change.functions.isEmpty
        && !pieces.contains { $0.file == object.source || object.reads.contains($0.file) }
    }.map(\.path)
    self.init(
      pieces: pieces, functions: functions.sorted { ($0.file, $0.name) < ($1.file, $1.name) },
      notCompiled: sources.keys.filter { !compiled.contains($0) }.sorted(), unexamined: (unexamined + others).sorted())
  }

  /// - Returns: `nil` if the compiled code shows no changed declaration, apart from what has a name of its own.
  private static func declarations(of file: String, in objects: [CompiledObject], others: Set<String>) -> Piece? {
    var carriers = others
    var hasData = false
    for object in objects {
      for (_, users) in object.change.data {
        hasData = true
        carriers.formUnion(users)
      }
    }
    guard hasData || !carriers.isEmpty else { return nil }
    return Piece(kind: .declarations, name: "", file: file, carriers: carriers.sorted())
  }
}
