// SPDX-License-Identifier: Apache-2.0

extension MutantFinder {
  mutating func expression(_ node: SyntaxNode, parent: SyntaxNode) {
    switch node.kind {
    case "BinaryOperator": binary(node, parent: parent)
    case "CompoundAssignOperator": compound(node)
    case "UnaryOperator": unary(node, parent: parent)
    case "IntegerLiteral": constant(node, parent: parent)
    case "DeclRefExpr": name(node, parent: parent)
    case "CallExpr": call(node)
    default: break
    }
  }

  private mutating func replace(_ what: MutationOperator, _ token: Int, _ text: String) {
    add(what, source.tokens[token].start..<source.tokens[token].end, text)
  }

  private static let others: [String: (MutationOperator, String)] = [
    "<": (.relational, "<="), "<=": (.relational, "<"), ">": (.relational, ">="), ">=": (.relational, ">"),
    "==": (.equality, "!="), "!=": (.equality, "=="), "&&": (.logical, "||"), "||": (.logical, "&&"),
    "+": (.arithmetic, "-"), "-": (.arithmetic, "+"), "*": (.arithmetic, "/"), "/": (.arithmetic, "*"),
    "<<": (.arithmetic, ">>"), ">>": (.arithmetic, "<<"), "&": (.bitwise, "|"), "|": (.bitwise, "&"),
  ]

  private mutating func binary(_ node: SyntaxNode, parent: SyntaxNode) {
    guard let (left, token, right) = operands(node), let (what, text) = Self.others[node.opcode] else { return }
    // For a whole condition, this would repeat the negated condition.
    let isWhole = parent.kind == "IfStmt" && ["==", "!="].contains(node.opcode)
    if !isWhole { replace(what, token, text) }
    dropOperands(node, left, token, right)
  }

  /// Drops `<< PAGE_SHIFT`, `* PAGE_SIZE`, or one of several flags.
  private mutating func dropOperands(
    _ node: SyntaxNode, _ left: ClosedRange<Int>, _ token: Int, _ right: ClosedRange<Int>
  ) {
    let end = source.tokens[right.upperBound].end
    let behindLeft = source.tokens[left.upperBound].end
    // Parentheses around an operand are not part of its tokens.
    let isPlain = left.upperBound + 1 == token && token + 1 == right.lowerBound
    guard isPlain, right.count == 1 else { return }
    let last = source.text(at: right.lowerBound)
    switch node.opcode {
    case "<<", ">>": if last == "PAGE_SHIFT" { add(.pageShift, behindLeft..<end, "") }
    case "*", "/": if last == "PAGE_SIZE" { add(.pageShift, behindLeft..<end, "") }
    case "|":
      if isConstant(last) { add(.dropFlag, behindLeft..<end, "") }
      if left.count == 1, isConstant(source.text(at: left.lowerBound)) {
        add(.dropFlag, source.tokens[left.lowerBound].start..<source.tokens[right.lowerBound].start, "")
      }
    default: break
    }
  }

  private mutating func compound(_ node: SyntaxNode) {
    let others = ["+=": "-=", "-=": "+=", "<<=": ">>=", ">>=": "<<="]
    guard let token = operatorToken(node) else { return }
    if let text = others[node.opcode] { replace(.arithmetic, token, text) }
    // `|= A` sets a flag; with `&=` the other bits are lost.
    if node.opcode == "|=" { replace(.bitwise, token, "&=") }
  }

  private mutating func unary(_ node: SyntaxNode, parent: SyntaxNode) {
    guard let tokens = tokens(node) else { return }
    for token in [tokens.lowerBound, tokens.upperBound] where source.text(at: token) == node.opcode {
      switch node.opcode {
      case "++": replace(.arithmetic, token, "--")
      case "--": replace(.arithmetic, token, "++")
      case "!" where token == tokens.lowerBound && ["&&", "||"].contains(parent.opcode):
        replace(.negateCondition, token, "")
      default: break
      }
      return
    }
  }

  /// Larger constants are masks and magic numbers, in which one more is not a typical mistake.
  private static let highestConstant = 4096

  private mutating func constant(_ node: SyntaxNode, parent: SyntaxNode) {
    let operators: Set<String> = ["<", "<=", ">", ">=", "==", "!=", "+", "-", "="]
    guard
      operators.contains(parent.opcode)
        || ["CallExpr", "VarDecl", "ArraySubscriptExpr"].contains(parent.kind),
      let tokens = tokens(node), tokens.count == 1, source.tokens[tokens.lowerBound].kind == .number,
      let value = Int(source.text(at: tokens.lowerBound)), value <= Self.highestConstant
    else { return }
    // `x - 1` makes an inclusive bound. There, 0 is the other typical mistake.
    replace(.offByOne, tokens.lowerBound, "\(value + 1)")
    if value == 1, ["+", "-"].contains(parent.opcode) { replace(.offByOne, tokens.lowerBound, "0") }
  }

  private mutating func name(_ node: SyntaxNode, parent: SyntaxNode) {
    guard ["true", "false"].contains(node.referenced), let tokens = tokens(node), tokens.count == 1,
      source.text(at: tokens.lowerBound) == node.referenced
    else { return }
    replace(.boolean, tokens.lowerBound, node.referenced == "true" ? "false" : "true")
  }

  private mutating func call(_ node: SyntaxNode) {
    let arguments = node.children.dropFirst().map { ($0, tokens($0)) }
    for (argument, place) in arguments {
      guard let place else { continue }
      // The only flag of a call.
      if place.count == 1, argument.end.isForeign, source.text(at: place.lowerBound).hasPrefix("VM_"),
        !source.text(at: place.lowerBound).hasPrefix("VM_FAULT")
      {
        replace(.dropFlag, place.lowerBound, "0")
      }
    }
    // A count and a size: only their product matters.
    let isProduct = ["malloc_array", "calloc"].contains(where: (node.children.first?.bare.referenced ?? "").contains)
    for (first, second) in zip(arguments, arguments.dropFirst()) where !isProduct {
      guard let a = first.1, let b = second.1, a.upperBound + 2 == b.lowerBound,
        source.text(at: a.upperBound + 1) == ",", first.0.bare.type == second.0.bare.type, !first.0.bare.type.isEmpty
      else { continue }
      let (left, right) = (source.text(bytes(a)), source.text(bytes(b)))
      let comma = source.text(bytes(a).upperBound..<bytes(b).lowerBound)
      add(.swapArguments, bytes(a).lowerBound..<bytes(b).upperBound, right + comma + left)
    }
    align(node)
  }

  /// Replaces `PAGE_ALIGN(x)` with `x` in an argument.
  private mutating func align(_ node: SyntaxNode) {
    guard let tokens = tokens(node) else { return }
    for index in tokens where source.text(at: index) == "PAGE_ALIGN" && source.text(at: index + 1) == "(" {
      guard let close = source.closing(index + 1), close > index + 2 else { continue }
      let inside = bytes((index + 2)...(close - 1))
      add(.pageShift, source.tokens[index].start..<source.tokens[close].end, "(\(source.text(inside)))")
    }
  }
}
