// SPDX-License-Identifier: Apache-2.0

/// One parsed line of a kernel console.
struct ConsoleLine {
  /// The line to show to a reader: with its time stamp, without terminal control codes.
  var shown: String
  /// The kernel's text, without time stamp and caller.
  var text: String
  /// The time stamp, in microseconds since the kernel's start.
  var time: Int?
  /// `T38` or `C0` if the kernel was built to name the task or processor that printed the line.
  var caller: String?
}

/// Splits the bytes of a console into lines, piece by piece, in bounded memory.
///
/// A serial console is not a text file: firmware paints with escape codes, user space leaves lines open that the kernel
/// then writes into, and bytes get lost. Therefore a carriage return ends a line just as a line feed does, empty lines
/// are dropped, and a time stamp in the middle of a line begins a new line.
struct ConsoleLines {
  /// The longest line that is kept, in bytes; the kernel's own limit is 1024. The rest of a line is dropped.
  static let longestLine = 4096

  private var pending: [UInt8] = []

  mutating func read(_ bytes: UnsafeBufferPointer<UInt8>, _ emit: (ConsoleLine) -> Void) {
    var start = 0
    for index in bytes.indices where bytes[index] == .lineFeed || bytes[index] == .carriageReturn {
      add(bytes, start, index)
      finish(emit)
      start = index + 1
    }
    add(bytes, start, bytes.endIndex)
  }

  /// Emits the last line if it was not terminated.
  mutating func finish(_ emit: (ConsoleLine) -> Void) {
    guard !pending.isEmpty else { return }
    let clean = Self.withoutTerminalCodes(pending)
    pending.removeAll(keepingCapacity: true)
    clean.withUnsafeBufferPointer { line in
      var start = line.startIndex
      var stamp = KernelStamp(line, at: start, lineStart: true)
      while start < line.endIndex {
        var end = stamp?.end ?? start
        var next: KernelStamp?
        while end < line.endIndex {
          if line[end] == .openBracket, end > start {
            next = KernelStamp(line, at: end, lineStart: false)
            if next != nil { break }
          }
          end += 1
        }
        // User space may have left a blank line open before a kernel line.
        if stamp != nil || line[start..<end].contains(where: { $0 != .space }) {
          emit(Self.line(line, start, end, stamp))
        }
        start = end
        stamp = next
      }
    }
  }

  private mutating func add(_ bytes: UnsafeBufferPointer<UInt8>, _ start: Int, _ end: Int) {
    let room = Self.longestLine - pending.count
    if start < end, room > 0 { pending.append(contentsOf: bytes[start..<min(end, start + room)]) }
  }

  private static func line(
    _ bytes: UnsafeBufferPointer<UInt8>, _ start: Int, _ end: Int, _ stamp: KernelStamp?
  ) -> ConsoleLine {
    func text(_ from: Int, _ to: Int) -> String {
      String(decoding: UnsafeBufferPointer(rebasing: bytes[from..<to]), as: UTF8.self)
    }
    var last = end
    while last > start, bytes[last - 1] == .space { last -= 1 }
    guard let stamp else {
      let shown = text(start, last)
      return ConsoleLine(shown: shown, text: shown)
    }
    return ConsoleLine(
      shown: text(start, last), text: text(min(stamp.end, last), last), time: stamp.microseconds,
      caller: stamp.caller.map { text($0.lowerBound, $0.upperBound) })
  }

  /// Drops escape sequences and control characters; a tab becomes a space.
  private static func withoutTerminalCodes(_ line: [UInt8]) -> [UInt8] {
    guard line.contains(where: { $0 < .space || $0 == .delete }) else { return line }
    var out: [UInt8] = []
    out.reserveCapacity(line.count)
    var index = line.startIndex
    while index < line.endIndex {
      let byte = line[index]
      index += 1
      if byte == .escape {
        index = afterEscape(line, index)
      } else if byte == .tab {
        out.append(.space)
      } else if byte >= .space, byte != .delete {
        out.append(byte)
      }
    }
    return out
  }

  /// Returns the index after an escape sequence whose escape character is just before `start`.
  private static func afterEscape(_ line: [UInt8], _ start: Int) -> Int {
    guard start < line.endIndex else { return start }
    var index = start + 1
    switch line[start] {
    case UInt8(ascii: "["):
      // A truncated sequence must not swallow a kernel line: parameters end at the first other byte.
      while index < line.endIndex, (0x20...0x3f).contains(line[index]) { index += 1 }
      return index < line.endIndex && (0x40...0x7e).contains(line[index]) ? index + 1 : index
    case UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "#"):
      return min(index + 1, line.endIndex)
    default:
      return index
    }
  }
}

/// `[    5.023165] ` or `[    5.023165][   T38] `, perhaps after a level such as `<4>`.
struct KernelStamp {
  var microseconds: Int
  var caller: Range<Int>?
  /// The start of the text.
  var end: Int

  init?(_ line: UnsafeBufferPointer<UInt8>, at start: Int, lineStart: Bool) {
    var index = start
    func at(_ position: Int) -> UInt8 { position < line.endIndex ? line[position] : 0 }
    if lineStart, at(index) == UInt8(ascii: "<") {
      index += 1
      while at(index).isDigit { index += 1 }
      guard at(index) == UInt8(ascii: ">") else { return nil }
      index += 1
    }
    guard at(index) == .openBracket else { return nil }
    let open = index
    index += 1
    while at(index) == .space { index += 1 }
    let digits = index
    var seconds = 0
    while at(index).isDigit, index - digits < 12 {
      seconds = seconds * 10 + Int(at(index) - UInt8(ascii: "0"))
      index += 1
    }
    guard index > digits, at(index) == UInt8(ascii: "."), index - open >= 6 else { return nil }
    index += 1
    var fraction = 0
    for _ in 0..<6 {
      guard at(index).isDigit else { return nil }
      fraction = fraction * 10 + Int(at(index) - UInt8(ascii: "0"))
      index += 1
    }
    guard at(index) == UInt8(ascii: "]") else { return nil }
    index += 1
    microseconds = seconds * 1_000_000 + fraction
    end = index
    if at(end) == .space { end += 1 }
    caller = Self.caller(line, from: &end, afterStamp: index)
  }

  /// Reads `[   T38]` and moves `end` past it.
  private static func caller(
    _ line: UnsafeBufferPointer<UInt8>, from end: inout Int, afterStamp: Int
  ) -> Range<Int>? {
    func at(_ position: Int) -> UInt8 { position < line.endIndex ? line[position] : 0 }
    var index = at(afterStamp) == .openBracket ? afterStamp : end
    guard at(index) == .openBracket else { return nil }
    index += 1
    while at(index) == .space { index += 1 }
    let name = index
    guard at(index) == UInt8(ascii: "T") || at(index) == UInt8(ascii: "C") else { return nil }
    index += 1
    while at(index).isDigit { index += 1 }
    guard index > name + 1, at(index) == UInt8(ascii: "]") else { return nil }
    end = index + 1
    if at(end) == .space { end += 1 }
    return name..<index
  }
}

extension UInt8 {
  static let lineFeed: UInt8 = 0x0a
  static let carriageReturn: UInt8 = 0x0d
  static let tab: UInt8 = 0x09
  static let escape: UInt8 = 0x1b
  static let space: UInt8 = 0x20
  static let openBracket = UInt8(ascii: "[")
  static let delete: UInt8 = 0x7f

  var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }
  var isHexDigit: Bool { isDigit || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(self | 0x20) }
}
