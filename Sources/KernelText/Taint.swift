// SPDX-License-Identifier: Apache-2.0

public import BenchModel

/// Why a kernel no longer counts as sound, by its own word
/// (`taint_flags` in `kernel/panic.c`, `Documentation/admin-guide/tainted-kernels.rst`).
public enum Taint: Character, Sendable, Hashable, CaseIterable {
  case badPage = "B"
  case died = "D"
  case lockup = "L"
  case machineCheck = "M"
  case overriddenACPI = "A"
  case forcedLoad = "F"
  case forcedUnload = "R"
  case outOfSpecification = "S"
  case userRequest = "U"
  case warning = "W"

  /// What happened before.
  public var words: String {
    switch self {
    case .badPage: "bad page or KASAN report"
    case .died: "oops or BUG"
    case .lockup: "lockup"
    case .machineCheck: "machine check"
    case .overriddenACPI: "ACPI table replaced"
    case .forcedLoad: "module forced in"
    case .forcedUnload: "module forced out"
    case .outOfSpecification: "processor out of specification"
    case .userRequest: "asked for by user space"
    case .warning: "warning"
    }
  }
}

extension KernelReport {
  /// What the kernel had gone through when it made this report, in the order of its own letters; `nil` where the report
  /// does not say. What tells nothing of its health, as that it has a module of ours (`O`), is left out.
  public var taints: [Taint]? {
    for line in trace {
      if line.contains("Not tainted") { return [] }
      guard let found = line.firstRange(of: "Tainted: ") else { continue }
      let rest = line[found.upperBound...]
      // 6.12 tells them twice, the second time as `[W]=WARN, [O]=OOT_MODULE`.
      if rest.hasPrefix("[") { continue }
      // Letters in columns of their own, then the release, which begins with a number.
      let letters = rest.prefix { $0 == " " || $0.isASCII && $0.isUppercase }
      return letters.compactMap(Taint.init)
    }
    return nil
  }
}
