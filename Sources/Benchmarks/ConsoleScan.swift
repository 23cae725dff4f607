// SPDX-License-Identifier: Apache-2.0

import Bench
import Foundation
import Glibc
import KernelText
import SystemPackage
import Toolbox

extension Workshop {
  /// Measures scanning a long console for kernel reports. The console is that of a real guest, repeated, and is read in
  /// pieces of 64 KiB, as it comes from a guest.
  func consoleScan(_ comparison: inout Comparison) async throws {
    let size = 200_000_000
    let console = program.directory.appending("warm-up").appending("base").appending("console.log")
    let text = try Data(contentsOf: URL(filePath: console.string))
    guard !text.isEmpty else { throw BenchmarkError(message: "no console to read") }
    var grown: [Double] = []
    for number in 1...benchmark.pairs {
      say(.consoleScan, number)
      let (seconds, memory) = await Blocking.run { Self.scan(Array(text), size) }
      comparison.pairs.append(Comparison.Pair(ours: seconds, theirs: Double(size) / 100_000_000))
      grown.append(memory)
    }
    comparison.figures = [
      Comparison.Figure("memory held at the end that was not held before", unit: "MiB", target: 32, grown)
    ]
  }

  /// Scans `size` bytes.
  /// - Returns: how long that took, in seconds, and how much resident memory grew, in MiB.
  private static func scan(_ text: [UInt8], _ size: Int) -> (Double, Double) {
    let before = resident()
    let begun = ContinuousClock.now
    var scanner = ConsoleScanner()
    var place = 0
    var left = size
    while left > 0 {
      let piece = text[place..<min(text.count, place + 65536, place + left)]
      scanner.read(piece)
      left -= piece.count
      place = piece.endIndex == text.count ? 0 : piece.endIndex
    }
    scanner.finish()
    let seconds = (.now - begun) / .seconds(1)
    return (seconds, withExtendedLifetime(scanner) { resident() - before })
  }

  private static func resident() -> Double {
    let words = ProcFile.text("/proc/self/statm")?.split(separator: " ") ?? []
    return words.count > 1 ? (Double(words[1]) ?? 0) * Double(sysconf(Int32(_SC_PAGESIZE))) / 1_048_576 : 0
  }
}
