// SPDX-License-Identifier: Apache-2.0

public import BenchModel

/// A kernel that could be a run's base.
public struct BaseCandidate: Sendable, Hashable {
  public var kernel: String
  /// How well it fits each series, in their order.
  public var fits: [BaseFit]

  public init(kernel: String, fits: [BaseFit]) {
    self.kernel = kernel
    self.fits = fits
  }

  fileprivate var compared: BaseChoice.Compared {
    BaseChoice.Compared(
      kernel: kernel, applies: fits.count { $0.applies == true }, exact: fits.reduce(0) { $0 + $1.exact })
  }
}

/// Chooses one base for all series of a run, because they are compared with each other.
///
/// It is the kernel to which most series apply; then the one that has most of the files that they were made from; then
/// the default; then the newest.
/// - Parameters:
///   - candidates: the kernels, the newest first.
///   - standard: the name of the default. If it is not a candidate, it cannot be compared, and it is taken.
public func chooseBase(_ candidates: [BaseCandidate], standard: String) -> (kernel: String, choice: BaseChoice) {
  let compared = candidates.map(\.compared)
  guard let own = compared.first(where: { $0.kernel == standard }) else {
    return (standard, BaseChoice(reason: .notBuilt, compared: compared))
  }
  // The default comes first and the newest next, and only a better one takes its place.
  let best = ([own] + compared).reduce(own) { best, next in
    (next.applies, next.exact) > (best.applies, best.exact) ? next : best
  }
  let reason: BaseChoice.Reason =
    best.kernel == standard ? .standard : best.applies > own.applies ? .applies : .madeFrom
  return (best.kernel, BaseChoice(reason: reason, compared: compared))
}
