// SPDX-License-Identifier: Apache-2.0

internal import BenchModel

/// Something of the ground under two runs that is not the same.
public struct Move: Codable, Sendable, Hashable {
  /// `release`, `profile`, …
  public var what: String
  public var then: String
  public var now: String
}

extension RunRecord {
  /// Returns what has moved since an earlier run: the kernel, its configuration, and what the run was made with.
  func moves(since earlier: RunRecord) -> [Move] {
    let (then, now) = (earlier.header, header)
    var moves = Self.moves([
      ("kernel", Self.kernel(then), Self.kernel(now)),
      ("release", earlier.base?.release ?? "", base?.release ?? ""),
      ("source", then.source, now.source),
      ("profile", then.cell.profile, now.cell.profile),
      ("architecture", then.cell.architecture, now.cell.architecture),
      ("compiler", then.toolchain, now.toolchain),
    ])
    let (old, new) = (then.conditions, now.conditions)
    // The base's key is that of its source, its configuration and its compiler.
    if moves.isEmpty, let old, let new {
      moves = Self.moves([("configuration", Self.short(old.base), Self.short(new.base))])
    }
    return moves
      + Self.moves([
        ("guest", Self.guest(then), Self.guest(now)), ("emulator", then.emulator, now.emulator),
        ("accelerator", then.accelerator.rawValue, now.accelerator.rawValue),
        ("guest tests", Self.short(old?.guestBinary), Self.short(new?.guestBinary)),
        ("test driver", Self.short(old?.driver), Self.short(new?.driver)),
        ("patchbench", Self.program(then, beside: now), Self.program(now, beside: then)),
      ])
  }

  private static func moves(_ all: [(what: String, then: String, now: String)]) -> [Move] {
    // What one of the records does not know has not moved.
    all.filter { $0.then != $0.now && !$0.then.isEmpty && !$0.now.isEmpty }.map {
      Move(what: $0.what, then: $0.then, now: $0.now)
    }
  }

  private static func kernel(_ header: RunHeader) -> String {
    header.cell.kernel + (header.choice?.revision.map { " at \($0)" } ?? "")
  }

  private static func guest(_ header: RunHeader) -> String {
    "\(header.cell.guest), \(header.processors) processor\(header.processors == 1 ? "" : "s")"
  }

  /// The version, and the program's digest if both records have one.
  private static func program(_ header: RunHeader, beside other: RunHeader) -> String {
    guard let conditions = header.conditions, other.conditions != nil else { return header.patchbench }
    return "\(header.patchbench) (\(short(conditions.program)))"
  }

  /// The first digits of a digest, as git shows those of a commit.
  private static func short(_ digest: String?) -> String { String((digest ?? "").prefix(12)) }
}

extension Trial {
  /// `uname -r` of the kernel that ran.
  fileprivate var release: String? { if case .ran(let run) = result { run.release } else { nil } }
}
