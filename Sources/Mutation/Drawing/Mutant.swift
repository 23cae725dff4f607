// SPDX-License-Identifier: Apache-2.0

/// What a mutant does to the source.
public enum MutationOperator: String, Codable, Sendable, Hashable, CaseIterable {
  /// A call that takes a reference is lost.
  case deleteGet = "delete-get"
  /// A call that gives a reference or memory back is lost.
  case deletePut = "delete-put"
  case deleteLock = "delete-lock"
  case deleteUnlock = "delete-unlock"
  case deleteUnmap = "delete-unmap"
  /// Any other call whose value nobody uses is lost.
  case deleteCall = "delete-call"
  /// A call comes behind the next call and its check instead of before, or before instead of behind.
  case swapCalls = "swap-calls"
  /// A condition that leads out of the function, or to a label, is never true.
  case dropErrorBranch = "drop-error-branch"
  /// `goto` to another label of the function.
  case wrongLabel = "wrong-label"
  /// `<` for `<=`, `>` for `>=` and back.
  case relational
  /// `==` for `!=` and back.
  case equality
  case negateCondition = "negate-condition"
  /// `&&` for `||` and back.
  case logical
  /// Bytes for pages, or pages for bytes.
  case pageShift = "page-shift"
  /// One flag fewer.
  case dropFlag = "drop-flag"
  /// An assignment is lost.
  case dropStore = "drop-store"
  /// An error code is lost on its way to `return`.
  case loseError = "lose-error"
  /// 0, or NULL, is returned in place of an error.
  case returnZero = "return-zero"
  /// `+` for `-`, `<<` for `>>`, `++` for `--` and back.
  case arithmetic
  /// `&` for `|` and back.
  case bitwise
  /// A constant is one higher.
  case offByOne = "off-by-one"
  /// Two arguments of one type change places.
  case swapArguments = "swap-arguments"
  /// `true` for `false` and back.
  case boolean
}

/// One small change of a source that leaves it C.
public struct Mutant: Codable, Sendable, Hashable {
  /// Unique, and fit for a file's name: `dma-buf.dma_buf_mmap.relational.1483-29`.
  public var id: String
  /// Relative to the tree's root.
  public var file: String
  public var function: String
  public var `operator`: MutationOperator
  /// Of the first changed byte, from 1.
  public var line: Int
  public var column: Int
  /// The bytes that are replaced, as offsets.
  public var start: Int
  public var end: Int
  public var replacement: String
  /// The lines that it touches, as they were, in one line.
  public var before: String
  /// The same, as they are then.
  public var after: String

  /// - Parameter bytes: those that are replaced, as offsets in the file.
  public init(
    id: String, operator what: MutationOperator, in file: String, function: String, at place: (line: Int, column: Int),
    bytes: Range<Int>, replacement: String, lines: (before: String, after: String)
  ) {
    self.id = id
    self.file = file
    self.function = function
    `operator` = what
    line = place.line
    column = place.column
    start = bytes.lowerBound
    end = bytes.upperBound
    self.replacement = replacement
    before = lines.before
    after = lines.after
  }

  /// `drivers/dma-buf/dma-buf.c:1483`
  public var place: String { "\(file):\(line)" }

  /// The whole source with the change.
  public func apply(to source: [UInt8]) -> [UInt8] {
    Array(source[..<start]) + Array(replacement.utf8) + Array(source[end...])
  }
}

/// Text with each run of blanks as one, for comparison and for tables.
func collapsed(_ text: String) -> String {
  text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
}
