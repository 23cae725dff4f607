// SPDX-License-Identifier: Apache-2.0

internal import Foundation

/// The number of successful tries.
public struct Tries: Codable, Sendable, Hashable {
  public var ok: Int
  public var of: Int

  public init(ok: Int, of: Int) {
    self.ok = ok
    self.of = of
  }

  /// `3/4`
  public var words: String { "\(ok)/\(of)" }

  public var isMixed: Bool { ok > 0 && ok < of }

  /// The 95 % confidence interval of the true rate: Wilson's score interval (E. B. Wilson, "Probable inference, the law
  /// of succession, and statistical inference", 1927), which also holds for few tries and for rates of 0 and 1.
  public var interval: ClosedRange<Double> {
    guard of > 0 else { return 0...1 }
    let z = 1.959964
    let n = Double(of)
    let rate = Double(ok) / n
    let middle = (rate + z * z / (2 * n)) / (1 + z * z / n)
    let half = z / (1 + z * z / n) * (rate * (1 - rate) / n + z * z / (4 * n * n)).squareRoot()
    return max(0, middle - half)...min(1, middle + half)
  }

  /// Returns the probability that two equal sides differ at least as much as these: Fisher's exact test, two-sided.
  public static func chance(_ a: Tries, _ b: Tries) -> Double {
    let all = a.of + b.of
    let good = a.ok + b.ok
    guard a.of > 0, b.of > 0 else { return 1 }
    func logFactorial(_ n: Int) -> Double { lgamma(Double(n) + 1) }
    func logChoose(_ n: Int, _ k: Int) -> Double { logFactorial(n) - logFactorial(k) - logFactorial(n - k) }
    func probability(_ ok: Int) -> Double {
      exp(logChoose(good, ok) + logChoose(all - good, a.of - ok) - logChoose(all, a.of))
    }
    let seen = probability(a.ok)
    let possible = max(0, a.of - (all - good))...min(a.of, good)
    // Equal probabilities may differ in their last digits.
    return min(1, possible.map(probability).filter { $0 <= seen * (1 + 1e-9) }.reduce(0, +))
  }
}
