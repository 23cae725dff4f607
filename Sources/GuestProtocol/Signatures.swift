// SPDX-License-Identifier: Apache-2.0

/// Holds back the lines of a stream until they are signed, and decides which of them to believe.
struct Signatures: Sendable {
  private let secret: GuestSecret
  /// The lines since the last signature.
  private var waiting: [[UInt8]] = []
  /// The number of the last piece that was believed.
  private var last = 0

  /// Enough for a result with the maximum number of checks, and for some lines that others write in between.
  static let mostWaiting = KTAPReader.mostChecks + 100
  private static let prefix = Array("# patchbench: \(KTAPWriter.signed) ".utf8)

  init(_ secret: GuestSecret) { self.secret = secret }

  /// Takes the next line.
  /// - Returns: the lines that may now be believed: the piece that this line signs.
  mutating func take(_ line: [UInt8], _ events: inout [GuestEvent]) -> [String] {
    // A serial line may add carriage returns.
    let line = line.last == 0x0d ? line.dropLast() : line[...]
    if line.isEmpty { return [] }
    guard line.starts(with: Self.prefix) else {
      if waiting.count == Self.mostWaiting { refuse(waiting[...], &events) }
      waiting.append(Array(line))
      return []
    }
    let words = line.dropFirst(Self.prefix.count).split(separator: 0x20)
    guard words.count == 3, let number = Int(Substring(decoding: words[0], as: UTF8.self)),
      let count = Int(Substring(decoding: words[1], as: UTF8.self)), (0...waiting.count).contains(count),
      words[2].count == 16, let tag = GuestSecret.number(words[2]),
      tag == secret.tag(number, waiting.suffix(count).joined(separator: [0x0a]) + (count == 0 ? [] : [0x0a]))
    else {
      waiting.append(Array(line))
      refuse(waiting[...], &events)
      return []
    }
    let piece = waiting.suffix(count)
    refuse(waiting.dropLast(count), &events)
    waiting = []
    guard number > last else {
      events.append(.anomaly("a repeated or late piece: \(number) after \(last)"))
      return []
    }
    if number > last + 1 {
      events.append(.anomaly("pieces \(last + 1) to \(number - 1) of the guest's output are lost"))
    }
    last = number
    return piece.map { String(decoding: $0, as: UTF8.self) }
  }

  mutating func finish(_ events: inout [GuestEvent]) { refuse(waiting[...], &events) }

  private mutating func refuse(_ lines: ArraySlice<[UInt8]>, _ events: inout [GuestEvent]) {
    if let first = lines.first {
      events.append(.unsigned(lines: lines.count, first: String(decoding: first, as: UTF8.self)))
    }
    waiting = []
  }
}
