// SPDX-License-Identifier: Apache-2.0

public import BenchModel

/// The reasons why a kernel is tainted (`taint_flags` in `kernel/panic.c`,
/// `Documentation/admin-guide/tainted-kernels.rst`).
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

  /// A description of the earlier event.
  public var words: String {
    switch self {
    case .badPage: "bad page or KASAN report"
    case .died: "oops or BUG"
    case .lockup: "lockup"
    case .machineCheck: "machine check"
    case .overriddenACPI: "ACPI table replaced"
    case .forcedLoad: "module load forced"
    case .forcedUnload: "module unload forced"
    case .outOfSpecification: "processor out of specification"
    case .userRequest: "requested by user space"
    case .warning: "warning"
    }
  }
}

extension KernelReport {
  /// The taints that the kernel had when it made this report, in the order of its own letters; `nil` if the report does
  /// not say. Flags that say nothing about its health, such as a module of ours (`O`), are left out.
  public var taints: [Taint]? {
    for line in trace {
      if line.contains("Not tainted") { return [] }
      guard let found = line.firstRange(of: "Tainted: ") else { continue }
      let rest = line[found.upperBound...]
      // 6.12 prints them twice, the second time as `[W]=WARN, [O]=OOT_MODULE`.
      if rest.hasPrefix("[") { continue }
      // Letters in fixed columns, then the release, which begins with a number.
      let letters = rest.prefix { $0 == " " || $0.isASCII && $0.isUppercase }
      return letters.compactMap(Taint.init)
    }
    return nil
  }
}
