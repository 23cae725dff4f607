// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage
import TestSupport
import Testing
import Toolbox

@testable import KernelCode

@Suite struct LinkSymbolsTests {
  private func symbols(_ source: String) async throws -> LinkSymbols {
    let scratch = try Scratch()
    let file = try scratch.write("a.c", source)
    let object = scratch.path.appending("a.o")
    _ = try await Tool("gcc", ["-O2", "-fno-pie", "-c", "-o", object.string, file.string]).output()
    return try #require(LinkSymbols(object: Array(Data(contentsOf: URL(filePath: object.string)))))
  }

  private static let map = Array("ffffffff81000000 T there\nffffffff81000010 t hidden\n".utf8)

  @Test func whatAnObjectGivesAndTakes() async throws {
    let found = try await symbols(
      """
      extern int there(void), maybe(void) __attribute__((weak));
      static int inner(void) { return there(); }
      int given = 1;
      int first(void) { return inner() + (maybe ? maybe() : 0); }
      """)
    #expect(found.defined == ["given", "first"])
    #expect(found.needed == ["there"])
    #expect(LinkSymbols(object: Array("no object".utf8)) == nil)
  }

  struct Row: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var after: String
    var mayFail: Bool
    var hasMap = true
  }

  static let rows = [
    Row(testDescription: "the same symbols", after: "int first(void) { return 2; }", mayFail: false, hasMap: false),
    Row(
      testDescription: "a call of what the image has",
      after: "int there(void); int first(void) { return there(); }", mayFail: false),
    Row(
      testDescription: "the same, without a map",
      after: "int there(void); int first(void) { return there(); }", mayFail: true, hasMap: false),
    Row(
      testDescription: "a call of what it does not have",
      after: "int later(void); int first(void) { return later(); }", mayFail: true),
    Row(
      testDescription: "a call of another file's static function",
      after: "int hidden(void); int first(void) { return hidden(); }", mayFail: true),
    Row(
      testDescription: "a new function", after: "int new(void) { return 1; } int first(void) { return new(); }",
      mayFail: false),
    Row(
      testDescription: "a second one of its name", after: "int there(void) { return 1; } int first(void) { return 1; }",
      mayFail: true),
    Row(
      testDescription: "a function that became static",
      after: "static int first(void) { return 1; } int (*f)(void) = first;", mayFail: true),
  ]

  @Test(arguments: rows) func itIsKnownWhereALinkMayFail(_ row: Row) async throws {
    let before = try await symbols("int first(void) { return 1; }")
    let after = try await symbols(row.after)
    #expect(LinkSymbols.mayFail(before: [before], after: [after], map: row.hasMap ? Self.map : nil) == row.mayFail)
  }

  @Test func aFunctionThatMovesToAnotherFileIsStillThere() async throws {
    let (one, two) = (try await symbols("int first(void) { return 1; }"), try await symbols("int other;"))
    let moved = try await symbols("int other; int first(void) { return 1; }")
    #expect(!LinkSymbols.mayFail(before: [one, two], after: [LinkSymbols(), moved], map: Self.map))
  }
}
