// SPDX-License-Identifier: Apache-2.0

import BenchModel
import KernelBuild

/// After which patches of a series tests are run.
///
/// After a patch that changes nothing that is compiled, the kernel is the same as before it. After the last patch that
/// does change something, it is that of the whole series. Neither is tried by itself.
struct PatchPlan: Sendable, Hashable {
  /// How many patches are tried, if not all are. By the times in docs/speed.md, each costs about 12 s: 3 s for the link,
  /// 4 s for the guest's start, a few seconds for its tests, and the rest for the tree and for comparing the code. Six of
  /// them take about as long as one whole series.
  static let most = 6
  /// More objects than this take longer to compile and to compare than the tests take.
  static let mostObjects = 16

  /// The numbers of the patches that may change the kernel, ascending.
  var patches: [Int] = []
  /// The numbers of those that are tried, ascending.
  var tried: [Int] = []
  /// By number: why a patch is not tried.
  var left: [Int: String] = [:]
  /// The patches that would take too long.
  var dear: Set<Int> = []

  /// - Parameters:
  ///   - isWhole: whether all tests run after each patch, whatever it costs.
  ///   - known: the source files of which it is known which tests run their functions.
  ///   - reach: returns what has to be built for a change of some files.
  init(
    _ series: PatchSeries, isWhole: Bool, known: Set<String>, reach: (Set<String>) throws -> Reach
  ) rethrows {
    // A header that nothing reads may be included by an earlier patch.
    func isHeader(_ path: String) -> Bool { path.hasSuffix(".h") }
    for (index, patch) in series.patches.enumerated()
    where try patch.paths.contains(where: isHeader) || reach(Set(patch.paths)) != .nothing {
      patches.append(index + 1)
    }
    if isWhole {
      tried = patches.dropLast()
      return
    }
    var open: [Int] = []
    for number in patches.dropLast() {
      let paths = series.patches[number - 1].paths
      let sofar = Set(series.patches.prefix(number).flatMap(\.paths))
      if !paths.contains(where: { isHeader($0) || known.contains($0) }) {
        left[number] = Self.unknown
        continue
      }
      switch try reach(sofar) {
      case .tree:
        left[number] = "kbuild has to build it, which takes long"
        dear.insert(number)
      case .objects(let objects, _) where objects.count > Self.mostObjects:
        left[number] = "it takes \(objects.count) objects"
        dear.insert(number)
      case .objects, .nothing: open.append(number)
      }
    }
    let spread = Set((0..<Self.most).map { (2 * $0 + 1) * open.count / (2 * Self.most) })
    for (index, number) in open.enumerated() {
      if open.count <= Self.most || spread.contains(index) {
        tried.append(number)
      } else {
        left[number] = "only \(Self.most) patches are tried"
      }
    }
  }

  /// Why there is nothing to run after a patch.
  static let unknown = "no test is known to run what it changes"

  /// Returns what became of each patch of the series but the last.
  /// - Parameter outcomes: those of the patches that were tried.
  func steps(of count: Int, _ outcomes: [Int: PatchTests.Outcome]) -> [PatchTests.Step] {
    (1..<max(1, count)).map { number in
      let outcome: PatchTests.Outcome =
        if number >= patches.last ?? 0 {
          .asWhole
        } else if !patches.contains(number) {
          .unchanged
        } else {
          outcomes[number] ?? .left(left[number] ?? Self.unknown)
        }
      return PatchTests.Step(number: number, outcome: outcome)
    }
  }
}
