// SPDX-License-Identifier: Apache-2.0

import BenchModel

/// What is known of a series after each of its patches, and what follows from it.
struct PatchTable: Sendable {
  /// The numbers of the patches that may change the kernel, ascending. After the last one, the kernel is that of the
  /// whole series.
  let patches: [Int]
  /// The tests that are worse with the whole series, and its kernel reports. They do not break bisection only.
  let worse: Set<String>
  let titles: Set<String>
  /// By patch.
  private(set) var answers: [Int: PatchAnswer] = [:]
  /// By patch: the tests that were asked. Some may not have answered.
  private(set) var asked: [Int: Set<String>] = [:]
  /// The patches that are not to be asked any more.
  var closed: Set<Int>

  init(_ patches: [Int], worse: Set<String>, titles: Set<String>, closed: Set<Int> = []) {
    self.patches = patches
    self.worse = worse
    self.titles = titles
    self.closed = closed
  }

  mutating func take(_ answer: PatchAnswer, of number: Int, to tests: [String]) {
    answers[number] = answers[number]?.adding(answer) ?? answer
    asked[number, default: []].formUnion(tests)
    if answer.kernel != nil { closed.insert(number) }
  }

  /// Returns what a test says of the first patches, for the search for a culprit: it is worse with the whole series.
  /// - Returns: `nil` if it was not asked.
  func answer(of test: String, number: Int) -> CulpritSearch.Answer? {
    let position = patches.count { $0 <= number }
    if position == 0 { return .good }
    if position == patches.count { return .bad }
    guard let answer = answers[patches[position - 1]] else { return nil }
    if answer.worse.contains(test) { return .bad }
    if answer.isBase || answer.good.contains(test) { return .good }
    // A kernel that does not build or boot would not do so the next time either.
    return answer.kernel == nil ? nil : CulpritSearch.Answer.none
  }

  /// What is worse after some patch and not with the whole series, in the order of the patches.
  var breaks: [BisectionBreak] {
    var seen: Set<[String]> = []
    var found: [BisectionBreak] = []
    for number in patches.dropLast() {
      for symptom in answers[number]?.symptoms ?? [] where !isWithWhole(symptom) {
        // What a kernel does may have other words after another patch.
        let name = symptom.kind == .kernel ? "" : symptom.name
        if seen.insert([symptom.kind.rawValue, name]).inserted { found += breaks(with: symptom) }
      }
    }
    return found.enumerated().sorted { ($0.element.number, $0.offset) < ($1.element.number, $1.offset) }.map(\.element)
  }

  private func isWithWhole(_ symptom: BisectionBreak.Symptom) -> Bool {
    switch symptom.kind {
    case .test: worse.contains(symptom.name)
    case .report: titles.contains(symptom.name)
    case .kernel: false
    }
  }

  /// - Returns: one for each run of patches with which it is worse. Position 0 is the base.
  private func breaks(with symptom: BisectionBreak.Symptom) -> [BisectionBreak] {
    var good = 0
    var bad: ClosedRange<Int>?
    var found: [BisectionBreak] = []
    for position in 1...patches.count {
      let isLast = position == patches.count
      switch isLast ? .good : state(of: symptom, after: patches[position - 1]) {
      case .bad: bad = (bad?.lowerBound ?? position)...position
      case .good:
        if let bad {
          // The patches between two that may change the kernel change nothing.
          found.append(
            BisectionBreak(
              number: patches[bad.lowerBound - 1], lastGood: patches[good] - 1, lastBad: patches[bad.upperBound] - 1,
              cure: patches[position - 1], symptom: symptom))
        }
        bad = nil
        good = position
      case .none: break
      }
    }
    return found
  }

  /// Returns the tests to ask next, and after which patch, to find out which patch breaks and which one cures; `nil` if
  /// that is known, or cannot be known.
  var question: (number: Int, tests: [String])? {
    let broken = breaks.filter { $0.symptom.kind == .test }
    for one in broken {
      let open = patches.dropLast().filter { number in
        let isBetween = number > one.lastGood && number < one.number || number > one.lastBad && number < one.cure
        return isBetween && isOpen(number, one.symptom)
      }
      if open.isEmpty { continue }
      let middle = open[open.count / 2]
      let tests = Set(broken.map(\.symptom).filter { isOpen(middle, $0) }.map(\.name))
      return (middle, tests.sorted())
    }
    return nil
  }

  private func isOpen(_ number: Int, _ symptom: BisectionBreak.Symptom) -> Bool {
    !closed.contains(number) && asked[number]?.contains(symptom.name) != true
      && state(of: symptom, after: number) == .none
  }

  private func state(of symptom: BisectionBreak.Symptom, after number: Int) -> CulpritSearch.Answer {
    guard let answer = answers[number] else { return .none }
    return answer.state(of: symptom)
  }
}
