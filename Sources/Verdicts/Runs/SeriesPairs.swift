// SPDX-License-Identifier: Apache-2.0

public import BenchModel

/// Which series of two runs are the same, or two versions of one; by index.
struct SeriesPairs: Sendable, Hashable {
  struct Pair: Sendable, Hashable {
    var then: Int
    var now: Int
  }

  /// In the order of the later run.
  var pairs: [Pair] = []
  var onlyThen: [Int]
  var onlyNow: [Int]

  init(_ then: [PatchSeries], _ now: [PatchSeries]) {
    (onlyThen, onlyNow) = (Array(then.indices), Array(now.indices))
    match(then, now) { $0.name }
    match(then, now) { $0.origin?.changeID }
    // A version beside one that has its match already is another version, not its match.
    let taken = Set(pairs.flatMap { [then[$0.then].stem, now[$0.now].stem] })
    match(then, now) { taken.contains($0.stem) ? nil : $0.stem }
    if then.count == 1, now.count == 1, pairs.isEmpty { pair(0, 0) }
    pairs.sort { $0.now < $1.now }
  }

  /// Matches what has the same key on both sides. If several have it, that is the newest version.
  private mutating func match(_ then: [PatchSeries], _ now: [PatchSeries], by key: (PatchSeries) -> String?) {
    func newest(_ series: [PatchSeries], _ left: [Int]) -> [String: Int] {
      var found: [String: Int] = [:]
      for index in left {
        guard let key = key(series[index]) else { continue }
        if let other = found[key], series[other].number > series[index].number { continue }
        found[key] = index
      }
      return found
    }
    let (before, after) = (newest(then, onlyThen), newest(now, onlyNow))
    for (key, index) in after {
      if let other = before[key] { pair(other, index) }
    }
  }

  private mutating func pair(_ then: Int, _ now: Int) {
    pairs.append(Pair(then: then, now: now))
    onlyThen.removeAll { $0 == then }
    onlyNow.removeAll { $0 == now }
  }
}

extension PatchSeries {
  /// The name without the version at its end: `my-fix` for `my-fix-v3`.
  public var stem: String { versioned?.stem ?? name }

  /// The version, by the name or else by what the mails say.
  public var number: Int { versioned?.number ?? origin?.version ?? 1 }

  private var versioned: (stem: String, number: Int)? {
    guard let match = name.wholeMatch(of: /(|.*?)(?:^|[-_.])v([0-9]{1,4})/), let number = Int(match.output.2) else {
      return nil
    }
    return (String(match.output.1), number)
  }
}
