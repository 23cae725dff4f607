// SPDX-License-Identifier: Apache-2.0

/// The kind of change that a mutant makes.
public enum MutationOperator: String, Codable, Sendable, Hashable, CaseIterable {
  /// Deletes a call that takes a reference.
  case deleteGet = "delete-get"
  /// Deletes a call that drops a reference or frees memory.
  case deletePut = "delete-put"
  case deleteLock = "delete-lock"
  case deleteUnlock = "delete-unlock"
  case deleteUnmap = "delete-unmap"
  /// Deletes any other call whose value is unused.
  case deleteCall = "delete-call"
  /// Moves a call from before the next call and its check to after them, or the other way round.
  case swapCalls = "swap-calls"
  /// Makes a condition that leads out of the function, or to a label, never true.
  case dropErrorBranch = "drop-error-branch"
  /// Changes a `goto` to another label of the function.
  case wrongLabel = "wrong-label"
  /// `<` for `<=`, `>` for `>=`, and vice versa.
  case relational
  /// `==` for `!=`, and vice versa.
  case equality
  case negateCondition = "negate-condition"
  /// `&&` for `||`, and vice versa.
  case logical
  /// Bytes for pages, or pages for bytes.
  case pageShift = "page-shift"
  /// Drops one flag.
  case dropFlag = "drop-flag"
  /// Drops an assignment.
  case dropStore = "drop-store"
  /// Loses an error code on its way to `return`.
  case loseError = "lose-error"
  /// Returns 0 or NULL instead of an error.
  case returnZero = "return-zero"
  /// `+` for `-`, `<<` for `>>`, `++` for `--`, and vice versa.
  case arithmetic
  /// `&` for `|`, and vice versa.
  case bitwise
  /// Increases a constant by one.
  case offByOne = "off-by-one"
  /// Swaps two arguments of the same type.
  case swapArguments = "swap-arguments"
  /// `true` for `false`, and vice versa.
  case boolean
}

/// One small change of a source that leaves it valid C.
public struct Mutant: Codable, Sendable, Hashable {
  /// Unique, and usable as a file name: `dma-buf.dma_buf_mmap.relational.1483-29`.
  public var id: String
  /// Relative to the tree's root.
  public var file: String
  public var function: String
  public var `operator`: MutationOperator
  /// The line of the first changed byte, from 1.
  public var line: Int
  public var column: Int
  /// The replaced bytes, as offsets.
  public var start: Int
  public var end: Int
  public var replacement: String
  /// The lines that it touches, before the change, joined into one line.
  public var before: String
  /// The same lines after the change.
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

  /// Returns the whole source with the change.
  public func apply(to source: [UInt8]) -> [UInt8] {
    Array(source[..<start]) + Array(replacement.utf8) + Array(source[end...])
  }
}

/// Returns a text with each run of blanks as one, for comparison and for tables.
func collapsed(_ text: String) -> String {
  text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
}
