// SPDX-License-Identifier: Apache-2.0

public import BenchModel

extension KernelReport {
  /// A hash that is equal for the same report in different runs, and hardly ever for different reports. It covers the
  /// kind, the title, and the innermost four functions of the call trace that are not helpers. It has 16 hexadecimal
  /// digits.
  public var fingerprint: String {
    let frames = trace.lazy.compactMap { StackFrame.function($0) }.filter { !StackFrame.isHelper($0) }.prefix(4)
    let words = [kind.rawValue, title] + frames
    // FNV-1a, because the hash must be the same in every run of every version, which `Hasher` does not guarantee.
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in words.joined(separator: "\n").utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
