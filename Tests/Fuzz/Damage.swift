// SPDX-License-Identifier: Apache-2.0

/// Damages inputs reproducibly: the same numbers give the same damage.
struct Damage {
  private var state: UInt64

  /// - Parameters:
  ///   - seed: the seed of the whole run.
  ///   - round: the round's number; each round can be repeated alone.
  init(seed: UInt64, round: UInt64) {
    state = seed &* 0x9e37_79b9_7f4a_7c15 &+ round &* 0xbf58_476d_1ce4_e5b9 | 1
  }

  /// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }

  mutating func below(_ bound: Int) -> Int { bound <= 1 ? 0 : Int(next() % UInt64(bound)) }

  /// Text that a hostile guest, a bad line or a careless mailer may produce.
  private static let pieces: [[UInt8]] = [
    [0x1b, 0x5b, 0x33, 0x31, 0x6d], [0x1b, 0x5b], [0x0d], [0x0a], [0x0d, 0x0a], [0], [0xff, 0xfe], [0xc3],
    [0xe2, 0x80],
    [0xf0, 0x9f, 0x98, 0x80], [0xcc, 0x81], Array("[    1.234567] ".utf8), Array("[    1.234567][    C1] ".utf8),
    Array("<4>".utf8), Array("------------[ cut here ]------------\n".utf8), Array("BUG: KASAN: ".utf8),
    Array("Call Trace:\n".utf8), Array(" <TASK>\n".utf8), Array("Kernel panic - not syncing: ".utf8),
    Array("patchbench: test begins: a/b/c\n".utf8), Array("# patchbench: ".utf8), Array("planned 1 a/b\n".utf8),
    Array("ran 1 18446744073709551616 f\n".utf8), Array("ok 99999999999999999999 - x # SKIP\n".utf8),
    Array("1..10001\n".utf8), Array("    ok 1 \\# \\\\\n".utf8), Array("error: patch failed: a.c:1\n".utf8),
    Array("@@ -1,99999999999999999999 +0,0 @@\n".utf8), Array("diff --git a/../x b/../x\n".utf8),
    Array("--- a/x\n+++ /dev/null\n".utf8), Array("From x Mon Sep 17 00:00:00 2001\n".utf8),
    Array("Subject: =?utf-8?q?=ff=fe?=\n".utf8), Array("Content-Transfer-Encoding: base64\n".utf8),
    Array("=====================================================\n".utf8), Array(repeating: 0x41, count: 5000),
    Array("/*".utf8), Array("\"".utf8), Array("{\n}\n".utf8), Array("\t.type\tx, @function\n".utf8),
  ]

  /// Returns `input` after one to eight changes, with parts of `other`.
  mutating func damaged(_ input: [UInt8], with other: [UInt8]) -> [UInt8] {
    var bytes = input
    for _ in 0...below(8) {
      let at = below(bytes.count + 1)
      switch below(9) {
      case 0 where !bytes.isEmpty: bytes[below(bytes.count)] ^= UInt8(1 << below(8))
      case 1 where !bytes.isEmpty: bytes[below(bytes.count)] = UInt8(truncatingIfNeeded: next())
      case 2: bytes.removeSubrange(at..<min(bytes.count, at + below(200)))
      case 3: bytes.insert(contentsOf: Self.pieces[below(Self.pieces.count)], at: at)
      case 4:
        let start = below(bytes.count + 1)
        bytes.insert(contentsOf: bytes[start..<min(bytes.count, start + below(400))], at: at)
      case 5: bytes.removeSubrange(at...)
      case 6:
        let start = below(other.count + 1)
        bytes.insert(contentsOf: other[start..<min(other.count, start + below(2000))], at: at)
      case 7:
        let piece = Self.pieces[below(Self.pieces.count)]
        for _ in 0..<below(50) { bytes.insert(contentsOf: piece, at: min(at, bytes.count)) }
      default: bytes.removeFirst(min(bytes.count, below(500)))
      }
    }
    return bytes
  }
}
