// SPDX-License-Identifier: Apache-2.0

/// What a series changes in the code that is compiled under a configuration.
public struct CodeChange: Codable, Sendable, Hashable {
  /// A piece of the source that changed, in a file that is compiled, and that comes out as other code than before.
  public struct Piece: Codable, Sendable, Hashable {
    public enum Kind: String, Codable, Sendable, Hashable {
      case function
      /// What stands outside of functions: macros, types, tables.
      case declarations
    }

    public var kind: Kind
    /// The function's name; empty for declarations.
    public var name: String
    /// Relative to the tree's root.
    public var file: String
    /// Compiled functions, of which any that runs shows that the piece was reached: the function itself, or those that it
    /// was inlined into.
    public var carriers: [String]

    public init(kind: Kind, name: String, file: String, carriers: [String]) {
      self.kind = kind
      self.name = name
      self.file = file
      self.carriers = carriers
    }

    /// It is found in other functions only.
    public var isInlined: Bool { kind == .function && !carriers.isEmpty && !carriers.contains(name) }

    /// `dma_buf_mmap()`, or `declarations`.
    public var words: String { kind == .function ? "\(name)()" : "declarations" }
  }

  /// A compiled function that differs from the base's, or that the base does not have.
  public struct Function: Codable, Sendable, Hashable {
    public var name: String
    /// The source of the object that it is in.
    public var file: String

    public init(name: String, file: String) {
      self.name = name
      self.file = file
    }
  }

  public var pieces: [Piece]
  /// All compiled functions that differ, also where only something differs that was inlined into them.
  public var functions: [Function]
  /// Files whose code changed and that this configuration does not compile.
  public var notCompiled: [String]
  /// Where a difference is known and no function that would show it: objects of which nobody looked where they differ, or
  /// that differ in no function, and touched files that are no C.
  public var unexamined: [String]
  /// The diff, and what is known of each changed line; `nil` in a record of a patchbench that did not look.
  public var lines: ChangedLines?

  public init(
    pieces: [Piece] = [], functions: [Function] = [], notCompiled: [String] = [], unexamined: [String] = []
  ) {
    self.pieces = pieces
    self.functions = functions
    self.notCompiled = notCompiled
    self.unexamined = unexamined
  }

  /// The compiled kernel is the base's, but perhaps for line numbers.
  public var isNothing: Bool { pieces.isEmpty && functions.isEmpty && unexamined.isEmpty }

  /// Every compiled function that is worth counting.
  public var carriers: Set<String> { Set(pieces.flatMap(\.carriers)).union(functions.map(\.name)) }
}

/// How often changed code ran in a guest.
public struct Execution: Codable, Sendable, Hashable {
  /// Why nothing was counted, or not all of it; `nil` if all was.
  public var failure: String?
  /// From a compiled function to the tests during which it ran, with how often.
  public var runs: [String: [String: Int]]
  /// Functions that the kernel cannot count: inlined after all, or marked as not to be traced.
  public var untraceable: [String]
  /// From a probe's number to the tests during which its instruction ran, with how often; `nil` where no line was
  /// looked at.
  public var probes: [Int: [String: ProbeCount]]?
  /// Probes that the kernel refused, with its reason.
  public var refused: [Int: String]?
  /// Probes that were not looked at to the end: they had run often enough. What is counted of them is the least.
  public var enough: Set<Int>?

  public init(failure: String? = nil, runs: [String: [String: Int]] = [:], untraceable: [String] = []) {
    self.failure = failure
    self.runs = runs
    self.untraceable = untraceable
  }

  /// How often a function ran, in all tests together.
  public func count(_ function: String) -> Int { (runs[function] ?? [:]).values.reduce(0, +) }

  /// With what a fresh guest counted after this one.
  public func adding(_ other: Execution) -> Execution {
    var sum = Execution(
      failure: failure ?? other.failure,
      runs: runs.merging(other.runs) { $0.merging($1, uniquingKeysWith: +) },
      untraceable: Set(untraceable + other.untraceable).sorted())
    sum.probes = probes.merging(other.probes) { $0.merging($1, uniquingKeysWith: +) }
    sum.refused = refused.merging(other.refused) { first, _ in first }
    if let either = enough ?? other.enough { sum.enough = either.union(other.enough ?? []) }
    return sum
  }
}

extension Optional {
  /// Both dictionaries in one; `nil` if there is neither.
  fileprivate func merging<Key, Value>(_ other: Self, _ combine: (Value, Value) -> Value) -> Self
  where Wrapped == [Key: Value] {
    guard let self else { return other }
    return other.map { self.merging($0, uniquingKeysWith: combine) } ?? self
  }
}
