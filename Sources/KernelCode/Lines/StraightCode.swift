// SPDX-License-Identifier: Apache-2.0

import BenchModel

/// Finds the instructions that always run together, so that one of them stands for all.
extension MachineCode {
  /// Maps each instruction to the first of the instructions that always run together with it. An instruction for which
  /// that is not certain maps to itself.
  ///
  /// A run of such instructions ends:
  /// - at a call, which may not return;
  /// - at a jump;
  /// - before a jump target.
  ///
  /// It does not end at a KASAN check, because its slow path returns to the access that was checked. If a function has
  /// a jump with an unknown target, or a `nop` that the kernel may patch, each of its instructions stands for itself.
  func leaders() -> [Int] {
    var before = [[Int]](repeating: [], count: instructions.count)
    for (index, ways) in next.enumerated() {
      for way in ways { before[way].append(index) }
    }
    var isHidden = isOpaque
    for (index, instruction) in instructions.enumerated() {
      // Padding between functions is never reached.
      if instruction.kind == .padding, !before[index].isEmpty { isHidden[owner(of: instruction.function)] = true }
    }
    var leaders = [Int](repeating: -1, count: instructions.count)
    for start in instructions.indices where leaders[start] < 0 {
      leaders[start] = start
      if isHidden[owner(of: instructions[start].function)] { continue }
      var here = start
      while let after = certain(after: here, before), leaders[after] < 0 {
        leaders[after] = start
        here = after
      }
    }
    return leaders
  }

  /// Returns the instruction that runs if and only if this one has run.
  private func certain(after here: Int, _ before: [[Int]]) -> Int? {
    let instruction = instructions[here]
    if instruction.isCall || instruction.isJump { return nil }
    if !instruction.isBranch {
      guard next[here].count == 1 else { return nil }
      return before[next[here][0]] == [here] ? next[here][0] : nil
    }
    guard isCheck(here) else { return nil }
    let quiet = quietSide(of: here)
    guard let detour = detour(from: here, to: quiet, before) else { return nil }
    return before[quiet].allSatisfy { $0 == here || detour.contains($0) } ? quiet : nil
  }

  /// Returns the instructions that a KASAN check runs before it rejoins its quiet side.
  /// - Returns: `nil` if it is not known to rejoin there, or if other code leads into them.
  private func detour(from check: Int, to quiet: Int, _ before: [[Int]]) -> Set<Int>? {
    var found: Set<Int> = []
    var pending = next[check].filter { $0 != quiet }
    while let index = pending.popLast() {
      guard found.insert(index).inserted else { continue }
      let isOtherCall = instructions[index].isCall && !reports(index)
      if found.count > 24 || next[index].isEmpty || isOtherCall { return nil }
      pending += next[index].filter { $0 != quiet }
    }
    return found.allSatisfy { before[$0].allSatisfy { $0 == check || found.contains($0) } } ? found : nil
  }
}
