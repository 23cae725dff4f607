// SPDX-License-Identifier: Apache-2.0

/// Finds the mutants of a source.
///
/// The AST says what is a condition, a statement or an operand; the tokens say where it is written. A place is used
/// only if both agree. So code that comes from another file's macro is left alone. A macro's argument, or the body of a
/// macro that this file defines, is mutated where it is written.
public struct MutantFinder {
  let source: CSource
  private var function = ""
  /// The labels of the function, in order.
  private(set) var labels: [String] = []
  private let assertions: Assertions
  private var edits: [Edit: (function: String, operator: MutationOperator)] = [:]

  struct Edit: Hashable {
    var range: Range<Int>
    var replacement: String
  }

  /// - Parameters:
  ///   - source: the file.
  ///   - declarations: its AST, from ``ClangDump``.
  ///   - functions: returns whether a function with a name is to be mutated.
  /// - Returns: all mutants of these functions, by position. No two produce the same source.
  public static func mutants(
    of source: CSource, _ declarations: [SyntaxNode], functions: (String) -> Bool
  ) -> [Mutant] {
    var finder = MutantFinder(source: source)
    for node in declarations where node.isFunction && functions(node.name) && node.begin.place != nil {
      finder.function = node.name
      finder.labels = node.labels
      for child in node.children where child.kind == "CompoundStmt" {
        finder.visit(child, parent: node, isGuarded: false)
      }
    }
    return finder.mutants()
  }

  private init(source: CSource) {
    self.source = source
    assertions = Assertions(source)
  }

  private func mutants() -> [Mutant] {
    let stem = source.path.split(separator: "/").last.map { $0.split(separator: ".")[0] } ?? ""
    var used: [String: Int] = [:]
    let sorted = edits.sorted {
      ($0.key.range.lowerBound, $0.key.range.upperBound, $0.key.replacement)
        < ($1.key.range.lowerBound, $1.key.range.upperBound, $1.key.replacement)
    }
    return sorted.map { edit, what in
      let (line, column) = (source.line(of: edit.range.lowerBound), source.column(of: edit.range.lowerBound))
      var id = "\(stem).\(what.function).\(what.operator.rawValue).\(line)-\(column)"
      used[id, default: 0] += 1
      if used[id]! > 1 { id += "-\(used[id]!)" }
      let lines = source.range(ofLines: line...source.line(of: max(edit.range.lowerBound, edit.range.upperBound - 1)))
      let before = source.text(lines)
      let after =
        source.text(lines.lowerBound..<edit.range.lowerBound) + edit.replacement
        + source.text(edit.range.upperBound..<lines.upperBound)
      return Mutant(
        id: id, operator: what.operator, in: source.path, function: what.function, at: (line, column),
        bytes: edit.range, replacement: edit.replacement, lines: (collapsed(before), collapsed(after)))
    }
  }

  /// Records a mutant. If several operators produce the same source, the first one names it.
  /// - Parameter replacement: gets the line ends of the text it replaces, so that no later line moves and `__LINE__`,
  ///   which WARN() records, stays the same.
  mutating func add(_ what: MutationOperator, _ range: Range<Int>, _ replacement: String) {
    let lost = source.bytes[range].count { $0 == 0x0a } - replacement.utf8.count { $0 == 0x0a }
    let text = replacement + String(repeating: "\n", count: max(0, lost))
    guard source.text(range) != text, !assertions.contain(range) else { return }
    let edit = Edit(range: range, replacement: text)
    if edits[edit] == nil { edits[edit] = (function, what) }
  }

  // MARK: - Walking

  /// - Parameter isGuarded: whether the node is the body of an `if`.
  private mutating func visit(_ node: SyntaxNode, parent: SyntaxNode, isGuarded: Bool) {
    expression(node, parent: parent)
    switch node.kind {
    case "IfStmt": branch(node)
    case "ConditionalOperator": arms(node)
    case "ReturnStmt": result(node, isGuarded: isGuarded)
    case "GotoStmt": jump(node)
    case "CompoundStmt": order(node)
    case "VarDecl": initialiser(node)
    default: break
    }
    for statement in node.statements { self.statement(statement) }
    // The content of a cast or of parentheses is an operand of the surrounding expression.
    let isWrapping = ["ImplicitCastExpr", "ParenExpr", "ConstantExpr"].contains(node.kind)
    for (number, child) in node.children.enumerated() {
      visit(child, parent: isWrapping ? parent : node, isGuarded: isGuarded || (node.kind == "IfStmt" && number == 1))
    }
  }
}

extension SyntaxNode {
  /// The labels below this node, in order.
  var labels: [String] {
    (kind == "LabelStmt" ? [name] : []) + children.flatMap(\.labels)
  }

  /// The children that are statements.
  fileprivate var statements: [SyntaxNode] {
    switch kind {
    case "CompoundStmt": children
    case "IfStmt": Array(children.dropFirst())
    case "ForStmt", "WhileStmt", "LabelStmt", "CaseStmt", "DefaultStmt": children.suffix(1)
    case "DoStmt": Array(children.prefix(1))
    default: []
    }
  }
}

// MARK: - Positions in the source

extension MutantFinder {
  /// Returns the first and last token of a statement that ends with a semicolon and contains no block.
  func simple(_ node: SyntaxNode) -> ClosedRange<Int>? {
    guard !node.kind.isEmpty, let place = node.begin.statement, let first = source.token(at: place.offset) else {
      return nil
    }
    // A statement that begins in the middle of something is a macro's argument.
    guard first > 0, [";", "{", "}", ")", ":", "else", "do"].contains(source.text(at: first - 1)) else { return nil }
    var index = first
    while index < source.tokens.count {
      switch source.text(at: index) {
      case ";": return first...index
      case "(", "[":
        guard let close = source.closing(index) else { return nil }
        index = close
      case "{", "}", ")", ":": return nil
      default: break
      }
      index += 1
    }
    return nil
  }

  /// Returns the bytes from one token to another.
  func bytes(_ tokens: ClosedRange<Int>) -> Range<Int> {
    source.tokens[tokens.lowerBound].start..<source.tokens[tokens.upperBound].end
  }

  /// Returns the tokens of an expression. If it ends with a macro, they include that macro's arguments. Returns `nil`
  /// if it is not written here.
  func tokens(_ node: SyntaxNode) -> ClosedRange<Int>? {
    guard let begin = node.begin.place, let end = node.end.place, let first = source.token(at: begin.offset),
      var last = source.token(at: end.offset), first <= last
    else { return nil }
    if node.end.isForeign, source.text(at: last + 1) == "(", let close = source.closing(last + 1) { last = close }
    return first...last
  }

  /// Returns the token of a binary operator: the only token between its operands except parentheses.
  func operatorToken(_ node: SyntaxNode) -> Int? { operands(node)?.token }

  /// Returns a binary operator's token and those of its operands. An operand that is a macro of this file has two
  /// positions, and the operator is at one of them.
  func operands(_ node: SyntaxNode) -> (left: ClosedRange<Int>, token: Int, right: ClosedRange<Int>)? {
    guard node.children.count == 2 else { return nil }
    for left in [tokens(node.children[0]), invocation(node.children[0])] {
      for right in [tokens(node.children[1]), invocation(node.children[1])] {
        guard let left, let right, left.upperBound < right.lowerBound else { continue }
        let between = ((left.upperBound + 1)..<right.lowerBound).filter { !["(", ")"].contains(source.text(at: $0)) }
        if between.count == 1, source.text(at: between[0]) == node.opcode { return (left, between[0], right) }
      }
    }
    return nil
  }

  /// Returns the macros that an expression begins and ends with, at the place of use, including their arguments.
  private func invocation(_ node: SyntaxNode) -> ClosedRange<Int>? {
    guard let begin = node.begin.expansion, let end = node.end.expansion, let first = source.token(at: begin.offset),
      var last = source.token(at: end.offset), first <= last
    else { return nil }
    if node.end.spelling != end, source.text(at: last + 1) == "(", let close = source.closing(last + 1) { last = close }
    return first...last
  }

  /// Returns the condition of an `if`, between its parentheses.
  func condition(_ node: SyntaxNode) -> ClosedRange<Int>? {
    guard let place = node.begin.place, let first = source.token(at: place.offset), source.text(at: first) == "if",
      source.text(at: first + 1) == "(", let close = source.closing(first + 1), close > first + 2
    else { return nil }
    return (first + 2)...(close - 1)
  }

  func texts(_ tokens: ClosedRange<Int>) -> [String] { tokens.map { source.text(at: $0) } }
}

extension SyntaxNode.Location {
  /// Where a statement that begins here is written. For a macro, this is the place of use.
  fileprivate var statement: SyntaxNode.Place? { expansion ?? spelling }
}

/// Returns whether a name is all capitals, like those of macros and flags.
func isConstant(_ text: String) -> Bool {
  text.first.map { $0.isLetter } == true && text.allSatisfy { $0.isUppercase || $0.isNumber || $0 == "_" }
}

/// Returns whether the tokens are an error code such as `-ENOMEM`.
func isErrorCode(_ texts: [String]) -> Bool {
  texts.count == 2 && texts[0] == "-" && texts[1].hasPrefix("E") && isConstant(texts[1])
}
