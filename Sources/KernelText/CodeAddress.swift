// SPDX-License-Identifier: Apache-2.0

public import BenchModel

/// An address in the kernel's code, as kernel messages write it: `dma_buf_mmap+0x49/0x50`.
public struct CodeAddress: Sendable, Hashable {
  /// The kernel's name for the function, with the suffix of a part: `dma_buf_mmap.cold`.
  public var function: String
  /// The offset of the instruction that is meant, in bytes. A call trace names the instruction after the call.
  public var offset: Int
  /// The size up to the next symbol, in bytes.
  public var size: Int

  public init(function: String, offset: Int, size: Int) {
    self.function = function
    self.offset = offset
    self.size = size
  }

  /// The address at the end of a line: a frame of a call trace, the line of the instruction pointer, the last address of
  /// a held lock, or a KASAN headline. It is `nil` for:
  /// - a frame that the unwinder is unsure of;
  /// - a frame in a module;
  /// - a headline that names its own file and line.
  public init?(endOf line: String) {
    // Since 6.13, arm64 says behind a frame where it comes from: `f+0x1/0x2 (P)`.
    let words = line.split(separator: " ")
    let isMark = words.last.map { $0.hasPrefix("(") && $0.dropFirst().prefix { $0.isUppercase }.count == $0.count - 2 }
    guard let word = isMark == true ? words.dropLast().last : words.last, line.contains("+0x"), !line.contains(" ? "),
      !line.hasPrefix("? "), !line.hasPrefix("WARNING: ")
    else { return nil }
    // `0010:f+0x1/0x2`: the code segment comes first.
    let name = word[(word.lastIndex(of: ":").map { word.index(after: $0) } ?? word.startIndex)...]
    guard let plus = name.firstRange(of: "+0x"), let slash = name[plus.upperBound...].firstRange(of: "/0x"),
      let offset = Int(name[plus.upperBound..<slash.lowerBound], radix: 16),
      let size = Int(name[slash.upperBound...], radix: 16), offset >= 0, offset <= size, size < 1 << 24
    else { return nil }
    let function = name[..<plus.lowerBound]
    guard let first = function.first, !first.isNumber,
      function.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "_.$".contains($0)) })
    else { return nil }
    let isExact = Architecture.RegisterDump.any.instructionPointers.contains(where: line.contains)
    self.init(function: String(function), offset: isExact ? offset : max(0, offset - 1), size: size)
  }

  /// Appends the source location to each line whose address is known, as `scripts/decode_stacktrace.sh` does.
  static func located(_ lines: [String], _ places: [CodeAddress: String]) -> [String] {
    lines.map { line in
      guard let place = CodeAddress(endOf: line).flatMap({ places[$0] }) else { return line }
      return "\(line) (\(place))"
    }
  }
}

extension GuestRun {
  /// The code addresses in the run's reports and in the kernel's answer when it hung.
  public var addresses: Set<CodeAddress> {
    let lines = reports.flatMap(\.trace) + (hang?.answer ?? [])
    return Set(lines.compactMap { CodeAddress(endOf: $0) })
  }

  /// Returns the run with the source's file and line after each of those addresses that is known.
  public func located(_ places: [CodeAddress: String]) -> GuestRun {
    var run = self
    for index in run.reports.indices {
      run.reports[index].trace = CodeAddress.located(run.reports[index].trace, places)
    }
    if let answer = run.hang?.answer { run.hang?.answer = CodeAddress.located(answer, places) }
    return run
  }
}
