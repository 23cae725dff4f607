// SPDX-License-Identifier: Apache-2.0

import BenchModel

/// Branches that are no conditions of the source, and the way past them.
extension MachineCode {
  /// Returns whether a branch is no condition of the source. It is a KASAN check: one of its sides reports at once. An
  /// access of less than eight bytes may have two of them; the first compares with the last accessible byte (`jl ok;
  /// test %dl,%dl; jne report`). Or it is a retry.
  func isCheck(_ branch: Int) -> Bool {
    if isRetry(branch) { return true }
    let isFirst = instructions[branch].mnemonic == set.lastByteCheck?.branch
    return next[branch].contains { reports($0) || isFirst && leadsToReport($0) }
  }

  /// Returns whether an instruction only compares for such a branch.
  func isForCheck(_ compare: Int) -> Bool {
    guard set.comparing.contains(instructions[compare].mnemonic) else { return false }
    var index = compare
    for _ in 0..<8 {
      guard next[index].count == 1, let after = next[index].first else { return false }
      index = after
      if instructions[index].isBranch { return isCheck(index) }
    }
    return false
  }

  /// Returns whether nothing but a call of a KASAN report comes next.
  func reports(_ start: Int) -> Bool {
    var index = start
    for _ in 0..<8 {
      let here = instructions[index]
      if here.isCall { return here.symbol?.hasPrefix("__asan_report") ?? false }
      guard !here.isBranch, next[index].count == 1 else { return false }
      index = next[index][0]
    }
    return false
  }

  /// The lines that follow an instruction after a line's own code, up to the next decision.
  /// - Returns: `nil` if another branch of the same line comes first; empty if the function ends.
  func leads(from start: Int, leaving line: SourceLine) -> [SourceLine]? {
    var index = start
    var found: [SourceLine] = []
    for _ in 0..<200 {
      let here = instructions[index]
      if !here.has(line) { found += here.lines.filter { !found.contains($0) } }
      if here.isBranch, !isCheck(index) { return here.has(line) ? nil : found }
      if here.kind == .trap && here.has(line) { return nil }
      if here.isJump, next[index].count > 1 { return found }
      guard let next = next[index].first else { return found }
      // Pass a KASAN check on the side that does not report.
      index = here.isBranch ? quietSide(of: index) : next
    }
    return found
  }

  /// The instructions that are executed with one, from there to the next decision.
  func follow(_ start: Int) -> [Int] {
    var found: [Int] = []
    var index = start
    for _ in 0..<400 {
      found.append(index)
      let here = instructions[index]
      if here.isBranch, !isCheck(index) { break }
      // A static key may be switched here, or an access may fault.
      if !here.isBranch, next[index].count > 1 { break }
      guard let next = next[index].first else { break }
      index = here.isBranch ? quietSide(of: index) : next
    }
    return found
  }

  /// The side of a KASAN check that does not report.
  func quietSide(of check: Int) -> Int {
    if isRetry(check), next[check].contains(check + 1) { return check + 1 }
    return next[check].first { !reports($0) && !leadsToReport($0) } ?? next[check][0]
  }

  private func leadsToReport(_ start: Int) -> Bool {
    instructions[start].mnemonic == set.lastByteCheck?.test && next[start].count == 1
      && instructions[next[start][0]].isBranch
      && next[next[start][0]].contains(where: reports)
  }
}
