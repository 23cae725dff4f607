// SPDX-License-Identifier: Apache-2.0

/// Draws a sample from a list, reproducible on every machine.
///
/// The numbers come from SplitMix64 (Steele, Lea, Flood 2014). The state begins as the seed and grows by
/// 0x9e3779b97f4a7c15 for each number, and the number is mixed from it. A number below n is drawn by rejection: numbers
/// from the largest multiple of n up are discarded, and the rest is taken modulo n. The list is sorted by the UTF-8 of
/// its elements, and the sample is the first `count` places of a Fisher–Yates shuffle from the front. A smaller sample
/// is therefore a prefix of a larger one with the same seed.
public struct SeededSample: Sendable {
  private var state: UInt64

  public init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }

  mutating func below(_ bound: Int) -> Int {
    let bound = UInt64(bound)
    let limit = UInt64.max - UInt64.max % bound
    while true {
      let number = next()
      if number < limit { return Int(number % bound) }
    }
  }

  /// - Parameter count: clamped to the size of the list.
  /// - Returns: the drawn elements, in the order in which they were drawn.
  public static func draw(_ count: Int, of names: [String], seed: UInt64) -> [String] {
    var generator = SeededSample(seed: seed)
    var names = names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    let count = min(count, names.count)
    for place in 0..<count { names.swapAt(place, place + generator.below(names.count - place)) }
    return Array(names.prefix(count))
  }

  /// Draws one element of each group, in the order of the groups' names.
  public static func drawOne(ofEach groups: [String: [String]], seed: UInt64) -> [String] {
    var generator = SeededSample(seed: seed)
    return groups.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }.compactMap { _, names in
      let sorted = names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
      return sorted.isEmpty ? nil : sorted[generator.below(sorted.count)]
    }
  }
}
