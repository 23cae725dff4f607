// SPDX-License-Identifier: Apache-2.0

/// What a series changes, as one diff from the base to the last patch, and what is known about each changed line.
public struct ChangedLines: Codable, Sendable, Hashable {
  /// The diff, by file, in git's order.
  public var files: [DiffFile]
  /// Changed lines of code, and lines that now follow removed ones, in diff order.
  public var lines: [ChangedLine]
  /// The number of diff lines dropped because the diff is too long.
  public var omitted: Int
  /// Why no line is known to have run; `nil` if each line has its own state.
  public var failure: String?

  public init(files: [DiffFile] = [], lines: [ChangedLine] = [], omitted: Int = 0, failure: String? = nil) {
    self.files = files
    self.lines = lines
    self.omitted = omitted
    self.failure = failure
  }
}

/// One file of a diff.
public struct DiffFile: Codable, Sendable, Hashable {
  /// The path after the series, relative to the tree's root; the old path of a deleted file.
  public var path: String
  public var hunks: [DiffHunk]

  public init(path: String, hunks: [DiffHunk]) {
    self.path = path
    self.hunks = hunks
  }
}

/// One hunk of a unified diff.
public struct DiffHunk: Codable, Sendable, Hashable {
  /// `@@ -150,7 +150,6 @@ int dma_buf_mmap(…)`
  public var heading: String
  public var lines: [DiffLine]

  public init(heading: String, lines: [DiffLine]) {
    self.heading = heading
    self.lines = lines
  }
}

/// One line of a hunk.
public struct DiffLine: Codable, Sendable, Hashable {
  public enum Kind: String, Codable, Sendable, Hashable {
    case context = " "
    case added = "+"
    case removed = "-"
  }

  public var kind: Kind
  /// The line number after the series. A removed line has the number of the line that followed it.
  public var number: Int
  public var text: String

  public init(kind: Kind, number: Int, text: String) {
    self.kind = kind
    self.number = number
    self.text = text
  }
}

/// A line that the verdict requires to have run.
public struct ChangedLine: Codable, Sendable, Hashable {
  public var file: String
  /// The line number after the series, from 1.
  public var number: Int
  public var text: String
  /// The line is unchanged, but it now follows removed lines.
  public var follows: Bool
  /// The enclosing function; `nil` outside functions, and where the compiler does not say.
  public var function: String?
  public var place: Place

  /// What the compiler turned a line into.
  public enum Place: Codable, Sendable, Hashable {
    /// No instruction can result from it: a declaration, a brace, a label, a comment.
    case noCode
    /// A macro, a type or a table. The functions that use it are counted instead.
    case declaration
    /// Its function compiles to the same code as on the base.
    case sameCode
    /// The compiler never saw it, or dropped it before it generated code; the payload is the reason:
    /// `#ifdef CONFIG_DMA_API_DEBUG`.
    case notCompiled(String)
    /// It is in the image, but whether it runs cannot be determined; the payload is the reason.
    case unseen(String)
    /// It is watched in the guest.
    case watched(LineWatch)
  }

  public init(
    file: String, number: Int, text: String, follows: Bool = false, function: String? = nil, place: Place
  ) {
    self.file = file
    self.number = number
    self.text = text
    self.follows = follows
    self.function = function
    self.place = place
  }

  /// `drivers/dma-buf/dma-buf.c:158`
  public var name: String { "\(file):\(number)" }
}

/// How to tell that a line ran.
public struct LineWatch: Codable, Sendable, Hashable {
  /// Any one of these shows that the line ran. If empty, taking every way out shows it.
  public var ran: [Sight]
  /// The ways out of a condition, each of which must be taken. Empty for a line without a condition.
  public var ways: [Way]

  public init(ran: [Sight], ways: [Way] = []) {
    self.ran = ran
    self.ways = ways
  }

  /// One way out of a condition.
  public struct Way: Codable, Sendable, Hashable {
    /// Where it leads: `to line 163`.
    public var words: String
    /// Any one of these shows that it was taken.
    public var sights: [Sight]

    public init(words: String, sights: [Sight]) {
      self.words = words
      self.sights = sights
    }
  }

  /// One thing that is counted at one address.
  public struct Sight: Codable, Sendable, Hashable {
    /// The number of the probe, from 0, in the order of the request to the guest.
    public var probe: Int
    /// Which way the instruction there must go; `nil` if it only has to run.
    public var taken: Bool?

    public init(probe: Int, taken: Bool? = nil) {
      self.probe = probe
      self.taken = taken
    }
  }
}

/// How often the instruction at a probe ran in one test.
public struct ProbeCount: Codable, Sendable, Hashable {
  public var hits: Int
  /// How often its condition held; 0 if it has none.
  public var taken: Int

  public init(hits: Int, taken: Int = 0) {
    self.hits = hits
    self.taken = taken
  }

  public static func + (a: ProbeCount, b: ProbeCount) -> ProbeCount {
    ProbeCount(hits: a.hits + b.hits, taken: a.taken + b.taken)
  }

  public static func += (a: inout ProbeCount, b: ProbeCount) { a = a + b }
}

/// Lines that the reviewer accepts without having run.
public struct AcceptedLines: Codable, Sendable, Hashable {
  /// A pattern for `FILE:LINE`, in which `*` matches any text: `drivers/gpu/drm/drm_prime.c:7*`.
  public var lines: NamePattern
  /// Why, in the reviewer's words.
  public var reason: String

  public init(lines: NamePattern, reason: String) {
    self.lines = lines
    self.reason = reason
  }
}
