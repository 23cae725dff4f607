// SPDX-License-Identifier: Apache-2.0

import BenchModel

/// The answer of a hung kernel when it is interrupted: where its processors were, and which tasks wait.
public struct HangAnswer: Sendable, Hashable {
  /// The functions in which busy processors were, in the order they were printed.
  public var busyIn: [String] = []
  /// The number of idle processors.
  public var idle = 0
  /// Tasks in uninterruptible sleep, each with the function that it waits in if that is known.
  public var blocked: [String] = []

  /// - Parameter lines: the answer, with or without time stamps.
  public init(_ lines: [String]) {
    var task: String?
    for line in lines {
      let text = Self.text(line)
      if let function = Self.instruction(text) {
        if Self.isIdle(function) { idle += 1 } else if !busyIn.contains(function) { busyIn.append(function) }
      } else if text.hasPrefix("NMI backtrace for cpu"), text.contains("skipped: idling") {
        idle += 1
      } else if text.hasPrefix("task:"), text.contains(" state:D") {
        if let task { blocked.append(task) }
        task = String(text.dropFirst(5).prefix { $0 != " " })
      } else if let name = task, let function = StackFrame.function(String(text)), !StackFrame.isHelper(function) {
        blocked.append("\(name) in \(function)")
        task = nil
      }
    }
    if let task { blocked.append(task) }
  }

  /// Parses `RIP: 0010:dma_buf_mmap+0x10/0x20`. User space addresses do not count.
  private static func instruction(_ text: Substring) -> String? {
    let prefix = Architecture.host.registers.instructionPointers.first { text.hasPrefix($0) }
    return prefix.flatMap { StackFrame.symbol(text.dropFirst($0.count)) }
  }

  private static func isIdle(_ function: String) -> Bool {
    [
      "default_idle", "native_safe_halt", "pv_native_safe_halt", "amd_e400_idle", "mwait_idle", "acpi_idle_do_entry",
      "intel_idle",
    ].contains(function)
  }

  private static func text(_ line: String) -> Substring {
    var rest = Substring(line)
    while rest.hasPrefix("["), let close = rest.firstIndex(of: "]") {
      rest = rest[rest.index(after: close)...].drop { $0 == " " }
    }
    return rest
  }
}
