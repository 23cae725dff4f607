// SPDX-License-Identifier: Apache-2.0

extension MutantFinder {
  /// Mutates a call or an assignment that is a statement.
  mutating func statement(_ node: SyntaxNode) {
    guard !Self.isOwnKind(node), let tokens = simple(node) else { return }
    let texts = texts(tokens)
    if let sign = assignment(tokens) {
      lose(tokens, texts, sign: sign - tokens.lowerBound)
    } else if let name = callee(tokens), !Self.isRemark(name) {
      add(Self.deletion(of: name), bytes(tokens), ";")
    }
  }

  /// Returns whether a statement has parts of its own, or a name that others use. A macro may be a `do`.
  private static func isOwnKind(_ node: SyntaxNode) -> Bool {
    let kinds = ["If", "For", "While", "Switch", "Return", "Goto", "Label", "Case", "Default", "Compound", "Decl"]
    return kinds.contains { node.kind == "\($0)Stmt" } || (node.kind == "DoStmt" && !node.begin.isForeign)
  }

  /// Returns the index of the assignment operator outside all brackets.
  private func assignment(_ tokens: ClosedRange<Int>) -> Int? {
    var index = tokens.lowerBound
    while index < tokens.upperBound {
      switch source.text(at: index) {
      case "(", "[": index = source.closing(index) ?? tokens.upperBound
      case "=", "+=", "-=", "*=", "/=", "|=", "&=", "^=", "<<=", ">>=": return index > tokens.lowerBound ? index : nil
      default: break
      }
      index += 1
    }
    return nil
  }

  /// Returns the function that a call statement calls: `f` for `f(x);`, `mmap` for `dmabuf->ops->mmap(x);`.
  private func callee(_ tokens: ClosedRange<Int>) -> String? {
    guard tokens.count > 3, source.tokens[tokens.lowerBound].kind == .identifier else { return nil }
    let keywords = ["return", "if", "for", "while", "do", "switch", "goto", "case", "else", "sizeof"]
    if keywords.contains(source.text(at: tokens.lowerBound)) { return nil }
    var index = tokens.lowerBound
    while index < tokens.upperBound {
      let next = source.text(at: index + 1)
      if next == "(" {
        guard source.closing(index + 1) == tokens.upperBound - 1 else { return nil }
        return source.text(at: index)
      }
      guard next == "->" || next == "." else { return nil }
      index += 2
    }
    return nil
  }

  /// Returns whether a call only checks or logs: the kernel behaves the same without it.
  private static func isRemark(_ name: String) -> Bool {
    [
      "might_", "lockdep_", "pr_", "drm_dbg", "drm_err", "drm_warn", "DRM_", "dev_", "trace_", "WARN", "drm_WARN",
      "BUG", "VM_BUG",
      "VM_WARN", "printk", "seq_", "BUILD_BUG", "mmap_assert", "vma_assert", "static_assert",
    ].contains(where: name.hasPrefix)
      || name.hasSuffix("_assert_held") || name.hasSuffix("assert_locked")
  }

  private static func deletion(of name: String) -> MutationOperator {
    func has(_ words: String...) -> Bool { words.contains(where: name.contains) }
    if has("unlock", "up_read", "up_write") { return .deleteUnlock }
    if has("lock", "down_read", "down_write") { return .deleteLock }
    if has("unmap", "detach", "unpin") { return .deleteUnmap }
    if has("put", "free", "release", "unreference", "destroy") { return .deletePut }
    if has("get", "grab", "reference") { return .deleteGet }
    return .deleteCall
  }

  /// Drops the value of `ret = -ENOMEM;`, `vma->vm_ops = NULL;` or `ret = f();`. A call in it is still made.
  private mutating func lose(_ tokens: ClosedRange<Int>, _ texts: [String], sign: Int) {
    let value = Array(texts[(sign + 1)...].dropLast())
    let isError = texts[sign] == "=" && sign == 1 && (Self.errors.contains(texts[0]) || isErrorCode(value))
    let what = isError ? MutationOperator.loseError : .dropStore
    let hasCall = zip(value, value.dropFirst()).contains { pair in
      pair.1 == "(" && pair.0.first.map { $0.isLetter || $0 == "_" } == true && !isConstant(pair.0)
        && pair.0 != "sizeof"
    }
    if hasCall, texts[sign] == "=" {
      let whole = bytes(tokens)
      add(what, whole.lowerBound..<source.tokens[tokens.lowerBound + sign + 1].start, "(void)")
    } else {
      add(what, bytes(tokens), ";")
    }
  }

  private static let errors: Set<String> = ["ret", "err", "error", "rc", "retval", "r"]

  /// Mutates the condition of an `if`.
  mutating func branch(_ node: SyntaxNode) {
    guard let tokens = condition(node) else { return }
    let text = source.text(bytes(tokens))
    if let whole = node.children.first, whole.opcode == "!", whole.kind == "UnaryOperator", self.tokens(whole) == tokens
    {
      let sign = source.tokens[tokens.lowerBound]
      add(.negateCondition, sign.start..<sign.end, "")
    } else {
      add(.negateCondition, bytes(tokens), "!(\(text))")
    }
    if node.children.count == 2, node.children[1].leaves { add(.dropErrorBranch, bytes(tokens), "(\(text)) && 0") }
  }

  /// Mutates the condition of `c ? a : b`.
  mutating func arms(_ node: SyntaxNode) {
    guard node.children.count == 3, let tokens = tokens(node.children[0]) else { return }
    var (first, last) = (tokens.lowerBound, tokens.upperBound)
    // Parentheses around the condition belong to it.
    while source.text(at: first - 1) == "(", source.text(at: last + 1) == ")", source.text(at: last + 2) == "?" {
      (first, last) = (first - 1, last + 1)
    }
    guard source.text(at: last + 1) == "?" else { return }
    add(.negateCondition, bytes(first...last), "!(\(source.text(bytes(first...last))))")
  }

  /// Mutates a `return` of an error.
  mutating func result(_ node: SyntaxNode, isGuarded: Bool) {
    guard let tokens = simple(node), tokens.count > 2, source.text(at: tokens.lowerBound) == "return" else { return }
    let value = (tokens.lowerBound + 1)...(tokens.upperBound - 1)
    let texts = texts(value)
    if isErrorCode(texts) || (texts.count == 1 && texts[0].hasPrefix("VM_FAULT_"))
      || (isGuarded && texts.count == 1 && Self.errors.contains(texts[0]))
    {
      add(.returnZero, bytes(value), "0")
    } else if texts.first == "ERR_PTR" || (isGuarded && texts.first == "ERR_CAST") {
      add(.returnZero, bytes(value), "NULL")
    }
  }

  /// Redirects a `goto` to the next label, and from the last one to the first.
  mutating func jump(_ node: SyntaxNode) {
    guard let tokens = simple(node), tokens.count == 3, labels.count > 1,
      let index = labels.firstIndex(of: source.text(at: tokens.lowerBound + 1))
    else { return }
    let label = source.tokens[tokens.lowerBound + 1]
    add(.wrongLabel, label.start..<label.end, labels[(index + 1) % labels.count])
  }

  /// Mutates `int ret = -EINVAL;`.
  mutating func initialiser(_ node: SyntaxNode) {
    guard let value = node.children.last, let tokens = tokens(value), isErrorCode(texts(tokens)),
      source.text(at: tokens.lowerBound - 1) == "="
    else { return }
    add(.loseError, bytes(tokens), "0")
  }

  /// Moves the call in `get(); ret = f(); if (ret) …` to after the check, and the one in
  /// `ret = f(); if (ret) …; get();` to the front.
  mutating func order(_ block: SyntaxNode) {
    for number in block.children.indices.dropFirst().dropLast() {
      let tried = block.children[number - 1]
      let check = block.children[number]
      // The pair that can fail is (number - 1, number).
      guard let assigned = simple(tried), let sign = assignment(assigned), sign == assigned.lowerBound + 1,
        source.text(at: sign) == "=", let condition = condition(check), check.children.count == 2,
        check.children[1].leaves, let end = check.lastToken(in: self)
      else { continue }
      let variable = source.text(at: assigned.lowerBound)
      guard texts(condition).contains(variable) else { continue }
      let pair = source.tokens[assigned.lowerBound].start..<source.tokens[end].end
      if number >= 2, let call = movable(block.children[number - 2], without: variable) {
        swap(bytes(call), pair)
      }
      if number + 1 < block.children.count, let call = movable(block.children[number + 1], without: variable) {
        swap(pair, bytes(call))
      }
    }
  }

  private func movable(_ node: SyntaxNode, without variable: String) -> ClosedRange<Int>? {
    guard let tokens = simple(node), assignment(tokens) == nil, let name = callee(tokens), !Self.isRemark(name),
      !texts(tokens).contains(variable)
    else { return nil }
    return tokens
  }

  private mutating func swap(_ first: Range<Int>, _ second: Range<Int>) {
    let (a, gap, b) = (source.text(first), source.text(first.upperBound..<second.lowerBound), source.text(second))
    add(.swapCalls, first.lowerBound..<second.upperBound, b + gap + a)
  }
}

extension SyntaxNode {
  /// Whether it ends by leaving: the function, the loop, or to a label.
  var leaves: Bool {
    switch kind {
    case "ReturnStmt", "GotoStmt", "BreakStmt", "ContinueStmt": true
    case "CompoundStmt": children.last?.leaves ?? false
    default: false
    }
  }

  /// Returns the last token of an `if` whose body is one statement or a block.
  fileprivate func lastToken(in finder: MutantFinder) -> Int? {
    guard let body = children.last else { return nil }
    if body.kind != "CompoundStmt" { return finder.simple(body)?.upperBound }
    guard let place = body.end.place else { return nil }
    return finder.source.token(at: place.offset)
  }
}
