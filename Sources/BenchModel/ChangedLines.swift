// SPDX-License-Identifier: Apache-2.0

/// What a series changes, as one diff from the base to the last patch, and what is known of each changed line.
public struct ChangedLines: Codable, Sendable, Hashable {
  /// The diff, file by file in git's order.
  public var files: [DiffFile]
  /// Changed lines of code, and those that now follow removed ones: in the order of the diff.
  public var lines: [ChangedLine]
  /// How many lines of the diff are not kept, because it is so long.
  public var omitted: Int
  /// Why no line is known to have run; `nil` if each line says for itself.
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
  /// Relative to the tree's root, as the series leaves it; the old name of a file that is gone.
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
  /// In the file as the series leaves it; for a removed line that of the line before which it stood.
  public var number: Int
  public var text: String

  public init(kind: Kind, number: Int, text: String) {
    self.kind = kind
    self.number = number
    self.text = text
  }
}

/// A line of which the verdict asks whether it ran.
public struct ChangedLine: Codable, Sendable, Hashable {
  public var file: String
  /// In the file as the series leaves it, from 1.
  public var number: Int
  public var text: String
  /// It is not changed itself; lines before it were removed, and it is what now follows.
  public var follows: Bool
  /// The function that it is in; `nil` outside of functions, and where the compiler does not tell.
  public var function: String?
  public var place: Place

  /// What the compiler made of it.
  public enum Place: Codable, Sendable, Hashable {
    /// No instruction can come of it: a declaration, a brace, a label, a comment.
    case noCode
    /// A macro, a type or a table: it is found in the functions that use it, and those are counted.
    case declaration
    /// Its function comes out as on the base.
    case sameCode
    /// The compiler never saw it, or dropped it before it made code; the payload says why: `#ifdef CONFIG_DMA_API_DEBUG`.
    case notCompiled(String)
    /// It is in the image, and whether it runs cannot be told; the payload says why.
    case unseen(String)
    /// It is looked at in the guest.
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

/// How a line is seen to run.
public struct LineWatch: Codable, Sendable, Hashable {
  /// Any one of these shows that the line ran. None: that all ways were taken shows it.
  public var ran: [Sight]
  /// The ways out of a condition, each of which has to be taken. Empty for a line that decides nothing.
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

  /// Something that is counted at one address.
  public struct Sight: Codable, Sendable, Hashable {
    /// The number of the probe, from 0, in the order of the request to the guest.
    public var probe: Int
    /// Which way the instruction there has to go; `nil`: it has to run.
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
  /// How often its condition held; 0 where it has none.
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

/// Lines that need not have run, by the reviewer's own word.
public struct AcceptedLines: Codable, Sendable, Hashable {
  /// Of `FILE:LINE`, in which `*` stands for any text: `drivers/gpu/drm/drm_prime.c:7*`.
  public var lines: NamePattern
  /// Why, in the reviewer's words.
  public var reason: String

  public init(lines: NamePattern, reason: String) {
    self.lines = lines
    self.reason = reason
  }
}
