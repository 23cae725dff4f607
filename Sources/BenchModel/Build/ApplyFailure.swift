// SPDX-License-Identifier: Apache-2.0

/// The first patch of a series that git rejected.
public struct ApplyFailure: Codable, Sendable, Hashable {
  public var patch: Patch
  /// The file in the tree, if git named one.
  public var file: String?
  /// The number of the hunk in that file's part of the patch, from 1.
  public var hunk: Int?
  /// git's message, without its `error: `.
  public var message: String
  /// Why git rejected it, and what would take it; `nil` if that was not examined.
  public var diagnosis: ApplyDiagnosis?

  public init(
    patch: Patch, file: String?, hunk: Int?, message: String, diagnosis: ApplyDiagnosis? = nil
  ) {
    self.patch = patch
    self.file = file
    self.hunk = hunk
    self.message = message
    self.diagnosis = diagnosis
  }
}

/// Why git rejects a series, in a word or two: for tables of many series.
public enum ApplyRefusal: String, Codable, Sendable, Hashable, CaseIterable {
  /// It applies in reverse.
  case contained = "already in it"
  case context = "the context differs"
  case missingFile = "a file is missing"
  case existingFile = "a file is there already"
  case damaged = "the diff is damaged"
  /// git did not answer in time.
  case slow = "it takes too long"
  case other = "another reason"
}

/// What was tried with a patch that git rejected. None of it changes the verdict: a patch that needs fuzz may end up in
/// the wrong place.
public struct ApplyDiagnosis: Codable, Sendable, Hashable {
  /// The patch applies in reverse: the kernel already contains it.
  public var isContained = false
  /// The number of leading directories to strip (`-p`) with which it applies, if that is not the usual 1.
  public var strip: Int?
  /// The kernel that has the files that the patch was made from, by the blobs of its index lines.
  public var madeFrom: String?
  /// What would take it: `git apply -C2`, `patch with fuzz 2`.
  public var takers: [String] = []
  /// What the rejected hunk expects, and what stands there.
  public var mismatch: HunkMismatch?
  /// The commit that the series says it was made for, in its `base-commit:` trailer.
  public var baseCommit: String?
  /// The other kernels to which the whole series applies, the newest first.
  public var kernels: [String] = []
  /// The other kernels to which it was tried to apply the series.
  public var triedKernels: [String] = []
  /// git's own warnings.
  public var warnings: [String] = []

  public init() {}
}

/// The lines that a hunk expects, and the lines of the tree where it fits best; none if it fits nowhere.
public struct HunkMismatch: Codable, Sendable, Hashable {
  public var file: String
  /// The number of the first line, from 1.
  public var line: Int
  public var expected: [String]
  public var found: [String]

  public init(file: String, line: Int, expected: [String], found: [String]) {
    self.file = file
    self.line = line
    self.expected = expected
    self.found = found
  }

  /// The first line that differs; its text is `nil` on a side that has no such line.
  public var first: (line: Int, expected: String?, found: String?)? {
    for index in 0..<max(expected.count, found.count) {
      let sides = (
        index < expected.count ? expected[index] : nil, index < found.count ? found[index] : nil
      )
      if sides.0 != sides.1 { return (line + index, sides.0, sides.1) }
    }
    return nil
  }

  /// Both sides as one diff: `-` is what the patch expects, `+` is what the kernel has.
  public var diff: [String] {
    let change = found.difference(from: expected)
    var removed: Set<Int> = []
    var inserted: Set<Int> = []
    for step in change {
      switch step {
      case .remove(let offset, _, _): removed.insert(offset)
      case .insert(let offset, _, _): inserted.insert(offset)
      }
    }
    var lines: [String] = []
    var (old, new) = (0, 0)
    while old < expected.count || new < found.count {
      if removed.contains(old) {
        lines.append("-" + expected[old])
        old += 1
      } else if inserted.contains(new) {
        lines.append("+" + found[new])
        new += 1
      } else {
        lines.append(" " + (new < found.count ? found[new] : ""))
        old += 1
        new += 1
      }
    }
    return lines
  }
}
