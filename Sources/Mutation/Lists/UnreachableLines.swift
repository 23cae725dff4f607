// SPDX-License-Identifier: Apache-2.0

/// Lines of the listed functions that no guest here can run, each with a reason that a reader can check.
public struct UnreachableLines: Sendable, Hashable {
  /// One argument. Lines are identified by their text, because line numbers change; each run of blanks counts as one.
  public struct Argument: Sendable, Hashable {
    public var file: String
    public var function: String
    /// Lines that never run.
    public var lines: Set<String>
    /// Conditions that never hold: they run, but the code behind them does not.
    public var never: Set<String>
    /// Conditions that only go one way for another reason. This says nothing about their mutants.
    public var oneWay: Set<String>
    public var why: String
  }

  public var arguments: [Argument]

  /// Reads:
  ///
  ///     - file: drivers/dma-buf/dma-buf.c
  ///       function: dma_buf_file_release
  ///       never: ["if (!is_dma_buf_file(file))"]
  ///       lines: ["return -EINVAL;"]
  ///       oneWay: []
  ///       why: only dma-bufs have these file operations
  ///
  /// - Parameter name: the file's name, for errors.
  public init(yaml: String, name: String) throws(MutantListError) {
    let reader = ListReader(name: name)
    arguments = []
    for entry in try reader.entries(of: yaml) {
      let fields = try reader.fields(of: entry, known: ["file", "function", "lines", "never", "oneWay", "why"])
      let argument = Argument(
        file: try reader.text("file", in: fields, of: entry),
        function: try reader.text("function", in: fields, of: entry),
        lines: try reader.texts("lines", in: fields), never: try reader.texts("never", in: fields),
        oneWay: try reader.texts("oneWay", in: fields),
        why: collapsed(try reader.text("why", in: fields, of: entry)))
      if argument.lines.isEmpty, argument.never.isEmpty, argument.oneWay.isEmpty {
        throw reader.error(entry, "it names no lines: “lines”, “never” or “oneWay” is missing")
      }
      arguments.append(argument)
    }
  }

  /// Returns why no guest here can detect a mutant; `nil` if there is no argument. A mutant that was killed, or ran
  /// anyway, is not argued away.
  public func reason(for mutant: Mutant, _ fate: MutantFate) -> String? {
    arguments.first { argument in
      guard argument.file == mutant.file, argument.function == mutant.function else { return false }
      if argument.lines.contains(mutant.before) {
        // Nothing is left of a deleted statement that could be seen to run: the next line stands for it, and may run
        // without it.
        return fate == .unreached || fate == .alive && mutant.after == ";"
      }
      return [.alive, .unreached].contains(fate) && argument.never.contains(mutant.before)
        && (mutant.operator == .dropErrorBranch || mutant.narrows)
    }?.why
  }

  /// Returns why a line never runs, or its condition never holds; `nil` if there is no argument.
  /// - Parameter ran: whether the line ran, and only one of its outcomes was not taken.
  public func reason(file: String, function: String?, text: String, ran: Bool) -> String? {
    let text = collapsed(text)
    return arguments.first {
      $0.file == file && (function == nil || $0.function == function)
        && (ran ? $0.never.union($0.oneWay) : $0.lines.union($0.never)).contains(text)
    }?.why
  }
}

extension Mutant {
  /// Whether its condition holds only where the original one does, too: an `||` became an `&&`, and nothing around it is
  /// negated.
  fileprivate var narrows: Bool {
    self.operator == .logical && before.contains("||") && !before.contains("!(")
      && after.split(separator: "||").count < before.split(separator: "||").count
  }
}
