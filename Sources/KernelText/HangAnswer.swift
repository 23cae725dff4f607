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
    /// A processor's backtrace has begun, and has not yet said where it was.
    var isOpen = false
    /// The previous lines were the beginning of an interrupt, and helpers of what it interrupted.
    var isInterrupted = false
    func note(_ function: String, _ answer: inout HangAnswer) {
      isOpen = false
      if Self.isIdle(function) {
        answer.idle += 1
      } else if !answer.busyIn.contains(function) {
        answer.busyIn.append(function)
      }
    }
    for line in lines {
      let text = Self.text(line)
      let frame = isOpen ? StackFrame.function(String(text)) : nil
      if let frame, Architecture.RegisterDump.any.interruptEntries.contains(frame) {
        isInterrupted = true
      } else if let frame, isInterrupted, !StackFrame.isHelper(frame) {
        note(frame, &self)
      }
      isInterrupted = isInterrupted && isOpen && frame != nil
      if let function = Self.instruction(text) {
        note(function, &self)
      } else if text.hasPrefix("NMI backtrace for cpu") {
        if text.contains("skipped: idling") { idle += 1 } else { isOpen = true }
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
    let prefix = Architecture.RegisterDump.any.instructionPointers.first { text.hasPrefix($0) }
    return prefix.flatMap { StackFrame.symbol(text.dropFirst($0.count)) }
  }

  private static func isIdle(_ function: String) -> Bool {
    Architecture.RegisterDump.any.idle.contains(function)
  }

  private static func text(_ line: String) -> Substring {
    var rest = Substring(line)
    while rest.hasPrefix("["), let close = rest.firstIndex(of: "]") {
      rest = rest[rest.index(after: close)...].drop { $0 == " " }
    }
    return rest
  }
}
