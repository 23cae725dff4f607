// SPDX-License-Identifier: Apache-2.0

/// A node of clang's AST, reduced to what mutation needs.
public struct SyntaxNode: Sendable {
  /// clang's name for it: `IfStmt`. Empty for a missing child, such as the condition of `for (;;)`.
  public var kind = ""
  public var name = ""
  /// The text of an operator: `<<`.
  public var opcode = ""
  /// The type without typedefs, if clang gives it.
  public var type = ""
  /// The declaration that an expression refers to.
  public var referenced = ""
  public var begin = Location()
  public var end = Location()
  public var children: [SyntaxNode] = []

  /// The position of a token in the mutated file.
  public struct Place: Sendable, Hashable {
    public var offset: Int
    public var length: Int
  }

  /// One end of a node. In a macro's expansion the two positions differ. A position in another file is `nil`.
  public struct Location: Sendable, Hashable {
    /// Where its token is written.
    public var spelling: Place?
    /// Where the macro that it comes from is used.
    public var expansion: Place?

    /// Where it is written, if that is in this file: code, a macro's argument, or a macro that this file defines.
    /// Otherwise the macro's use.
    var place: Place? { spelling ?? expansion }
    /// Whether it comes from a macro that another file defines.
    var isForeign: Bool { spelling == nil && expansion != nil }
  }

  var isFunction: Bool { kind == "FunctionDecl" && children.contains { $0.kind == "CompoundStmt" } }

  /// This node without the casts that clang adds, and without parentheses. A cast in the source is kept.
  var bare: SyntaxNode {
    switch kind {
    case "ImplicitCastExpr", "ParenExpr", "ConstantExpr": children.first?.bare ?? self
    default: self
    }
  }
}
