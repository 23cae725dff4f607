// SPDX-License-Identifier: Apache-2.0

import BenchModel

/// Which instructions always run together, so that one of them stands for all.
extension MachineCode {
  /// From each instruction to the first of those that run if it does, and that it runs with. Where that is not certain, it
  /// stands for itself.
  ///
  /// A call ends such a run, for it may not come back; so does a jump, and a place that is jumped to. KASAN's checks do
  /// not: what they lead to comes back to the access that was checked. In a function with a jump that nobody can follow,
  /// or with a `nop` that the kernel may write over, each instruction stands for itself.
  func leaders() -> [Int] {
    var before = [[Int]](repeating: [], count: instructions.count)
    for (index, ways) in next.enumerated() {
      for way in ways { before[way].append(index) }
    }
    var isHidden = isOpaque
    for (index, instruction) in instructions.enumerated() {
      // Nobody comes to one that fills up the space between functions.
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

  /// What runs once an instruction has, and not without it.
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

  /// What one of KASAN's checks does before it comes back.
  /// - Returns: `nil` if it is not known to come back there, or others come by.
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
