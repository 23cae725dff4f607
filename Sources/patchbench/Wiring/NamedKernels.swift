// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Bench
import BenchModel
import KernelBuild

/// The kernels that `--kernel`, `--base` and a configuration file name.
struct NamedKernels: Hashable {
  /// At least one.
  var kernels: [KernelDefinition]
  var choice: BaseChoice

  static let help = ArgumentHelp(
    """
    What series are applied to: a kernel, as for --kernel; or a commit, tag or branch of the kernel's repository, if its \
    source is git.
    """, valueName: "kernel|revision")

  /// - Parameters:
  ///   - kernels: from `--kernel`. An absolute path is a tree.
  ///   - base: from `--base`.
  /// - Returns: `nil` if nobody names one.
  /// - Throws: `ValidationError` if the options contradict each other; ``DefinitionError``.
  init?(_ kernels: [String], base: String?, defaults: Defaults = .current, in checkout: Checkout) throws {
    let configured = defaults.kernel.origin == nil ? [] : [defaults.kernel.value]
    guard let base else {
      let names = kernels.isEmpty ? configured : kernels
      if names.isEmpty { return nil }
      self.kernels = try names.map { try checkout.kernel($0) }
      choice = BaseChoice(reason: kernels.isEmpty ? .configured : .named)
      return
    }
    if KernelDefinition.names(in: checkout.kernels).contains(base) {
      let kernel = try checkout.kernel(base)
      if let other = try kernels.first(where: { try checkout.kernel($0).name != kernel.name }) {
        throw ValidationError("--kernel \(other) and --base \(base) are two kernels. Name one of them.")
      }
      self.kernels = [kernel]
      choice = BaseChoice(reason: .named)
      return
    }
    if kernels.count > 1 {
      throw ValidationError("--base \(base) is a revision of one kernel. Name only one with --kernel.")
    }
    self.kernels = [try checkout.kernel(kernels.first ?? defaults.kernel.value, at: base)]
    choice = BaseChoice(reason: .named, revision: base)
  }

  /// Returns the kernel that options name, or else the default.
  static func one(_ kernel: String?, base: String?, in checkout: Checkout) throws -> (KernelDefinition, BaseChoice?) {
    guard let named = try NamedKernels(kernel.map { [$0] } ?? [], base: base, in: checkout) else {
      return (try checkout.kernel(Defaults.current.kernel.value), nil)
    }
    return (named.kernels[0], named.choice)
  }
}
