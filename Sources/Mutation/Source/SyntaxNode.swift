// SPDX-License-Identifier: Apache-2.0

/// A node of clang's AST, with what mutation needs of it.
public struct SyntaxNode: Sendable {
  /// clang's name for it: `IfStmt`. Empty for a child that is not there, as the condition of `for (;;)`.
  public var kind = ""
  public var name = ""
  /// Of an operator: `<<`.
  public var opcode = ""
  /// The type without typedefs, where clang tells it.
  public var type = ""
  /// The declaration that an expression refers to.
  public var referenced = ""
  public var begin = Location()
  public var end = Location()
  public var children: [SyntaxNode] = []

  /// Where a token stands in the file that is mutated.
  public struct Place: Sendable, Hashable {
    public var offset: Int
    public var length: Int
  }

  /// One end of a node. In a macro's expansion the two differ, and either may lie in another file: `nil` then.
  public struct Location: Sendable, Hashable {
    /// Where its token is written.
    public var spelling: Place?
    /// Where the macro stands that it comes from.
    public var expansion: Place?

    /// Where it is written, if that is this file: code, a macro's argument, or a macro that this file defines. Else the
    /// macro.
    var place: Place? { spelling ?? expansion }
    /// It comes from a macro that another file defines.
    var isForeign: Bool { spelling == nil && expansion != nil }
  }

  var isFunction: Bool { kind == "FunctionDecl" && children.contains { $0.kind == "CompoundStmt" } }

  /// Without the casts that clang puts around it, and without parentheses. What is cast in the source stays so.
  var bare: SyntaxNode {
    switch kind {
    case "ImplicitCastExpr", "ParenExpr", "ConstantExpr": children.first?.bare ?? self
    default: self
    }
  }
}
