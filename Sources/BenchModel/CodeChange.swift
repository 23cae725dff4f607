// SPDX-License-Identifier: Apache-2.0

/// What a series changes in the code compiled under a configuration.
public struct CodeChange: Codable, Sendable, Hashable {
  /// A changed piece of source in a compiled file, which compiles to different code than before.
  public struct Piece: Codable, Sendable, Hashable {
    public enum Kind: String, Codable, Sendable, Hashable {
      case function
      /// Source outside functions: macros, types, tables.
      case declarations
    }

    public var kind: Kind
    /// The function's name; empty for declarations.
    public var name: String
    /// Relative to the tree's root.
    public var file: String
    /// The compiled functions that carry the piece: the function itself, or those that it was inlined into. If any of
    /// them runs, the piece was reached.
    public var carriers: [String]

    public init(kind: Kind, name: String, file: String, carriers: [String]) {
      self.kind = kind
      self.name = name
      self.file = file
      self.carriers = carriers
    }

    /// The function exists only inlined into others.
    public var isInlined: Bool { kind == .function && !carriers.isEmpty && !carriers.contains(name) }

    /// `dma_buf_mmap()`, or `declarations`.
    public var words: String { kind == .function ? "\(name)()" : "declarations" }
  }

  /// A compiled function that differs from the base's, or that the base lacks.
  public struct Function: Codable, Sendable, Hashable {
    public var name: String
    /// The source of the object that contains it.
    public var file: String

    public init(name: String, file: String) {
      self.name = name
      self.file = file
    }
  }

  public var pieces: [Piece]
  /// All compiled functions that differ, including those where only inlined code differs.
  public var functions: [Function]
  /// Files whose code changed but which this configuration does not compile.
  public var notCompiled: [String]
  /// Differences that no function is known to show:
  /// - objects that were not compared
  /// - objects that differ outside functions
  /// - touched files that are not C
  public var unexamined: [String]
  /// The diff, and what is known about each changed line; `nil` in records of older versions, which did not look.
  public var lines: ChangedLines?
  /// By file of ``notCompiled``: why not, as far as it is known.
  public var causes: [String: NotCompiledCause]?
  /// By file of ``notCompiled``: the other profiles of the kernel that compile it, as far as their bases are built.
  public var elsewhere: [String: [String]]?
  /// Touched files that are no part of the kernel: documentation, and programs under `tools/`.
  public var aside: [String]?
  /// By new path: the old path of a file that was moved.
  public var moved: [String: String]?
  /// The options that the series defines and the base does not: `CONFIG_X`.
  public var addedOptions: [String]?

  public init(
    pieces: [Piece] = [], functions: [Function] = [], notCompiled: [String] = [], unexamined: [String] = []
  ) {
    self.pieces = pieces
    self.functions = functions
    self.notCompiled = notCompiled
    self.unexamined = unexamined
  }

  /// The compiled kernel is identical to the base's, except perhaps for line numbers.
  public var isNothing: Bool { pieces.isEmpty && functions.isEmpty && unexamined.isEmpty }

  /// Every compiled function that is worth counting.
  public var carriers: Set<String> { Set(pieces.flatMap(\.carriers)).union(functions.map(\.name)) }
}

/// How often the changed code ran in a guest.
public struct Execution: Codable, Sendable, Hashable {
  /// Why nothing, or not everything, was counted; `nil` if all was.
  public var failure: String?
  /// By compiled function: the tests during which it ran, and how often.
  public var runs: [String: [String: Int]]
  /// Functions that the kernel cannot count: inlined after all, or marked notrace.
  public var untraceable: [String]
  /// By probe number: the tests during which its instruction ran, and how often; `nil` if no line was watched.
  public var probes: [Int: [String: ProbeCount]]?
  /// Probes that the kernel refused, with its reason.
  public var refused: [Int: String]?
  /// Probes that were removed early because they had run often enough. Their counts are lower bounds.
  public var enough: Set<Int>?

  public init(failure: String? = nil, runs: [String: [String: Int]] = [:], untraceable: [String] = []) {
    self.failure = failure
    self.runs = runs
    self.untraceable = untraceable
  }

  /// How often a function ran, in all tests together.
  public func count(_ function: String) -> Int { (runs[function] ?? [:]).values.reduce(0, +) }

  /// Returns the sum of this guest's counts and those of a fresh guest that ran after it.
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
  /// Merges both dictionaries; `nil` if both are.
  fileprivate func merging<Key, Value>(_ other: Self, _ combine: (Value, Value) -> Value) -> Self
  where Wrapped == [Key: Value] {
    guard let self else { return other }
    return other.map { self.merging($0, uniquingKeysWith: combine) } ?? self
  }
}

/// Why a file is not compiled.
public enum NotCompiledCause: Codable, Sendable, Hashable {
  /// The option that it is built for is off.
  /// - Parameter isNew: whether the series adds the option.
  case option(String, isNew: Bool)
  /// It belongs to another architecture: `arm64`.
  case architecture(String)
  /// No Makefile names its object.
  case noMakefile
  /// It is a header, and nothing that is compiled includes it.
  case notIncluded
}
