// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import Toolbox

@Suite("Removing what is one's own") struct OwnTreeTests {
  private let scratch: Scratch
  private var root: FilePath { scratch.path.appending("state") }
  private var tree: OwnTree { OwnTree(root) }

  init() throws {
    scratch = try Scratch()
    try scratch.write("state/nights/n/r/series/s/console.log", String(repeating: "x", count: 100_000))
    try scratch.write("state/nights/n/r/series/s/patch-1/build.log", "x")
    try scratch.write("state/nights/n/r/events.jsonl", "x")
    try scratch.write("outside/precious", "x")
  }

  private func isThere(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: scratch.path.pushing(FilePath(path)).string)
  }

  private func link(_ path: String, to target: String) throws {
    try FileManager.default.createSymbolicLink(
      atPath: scratch.path.pushing(FilePath(path)).string,
      withDestinationPath: scratch.path.pushing(FilePath(target)).string)
  }

  @Test("a directory goes with all below it, and only it")
  func whole() throws {
    let bytes = try #require(try tree.bytes(of: ["nights", "n", "r", "series", "s"]))
    #expect(bytes >= 100_000 && bytes < 200_000)
    try tree.remove(["nights", "n", "r", "series", "s"])
    #expect(!isThere("state/nights/n/r/series/s"))
    #expect(isThere("state/nights/n/r/events.jsonl"))
    #expect(try tree.bytes(of: ["nights", "n", "r", "series", "s"]) == nil)
    // A second time, there is nothing to do; a file goes, too.
    try tree.remove(["nights", "n", "r", "series", "s"])
    try tree.remove(["nights", "n", "r", "events.jsonl"])
    #expect(!isThere("state/nights/n/r/events.jsonl"))
  }

  @Test("a link in a directory goes, and what it leads to stays")
  func inner() throws {
    try link("state/nights/n/r/series/s/away", to: "outside")
    try link("state/nights/n/r/series/s/file", to: "outside/precious")
    // A name that is no text.
    let strange = root.string + "/nights/n/r/series/s/\u{fd}"
    var name = Array(strange.utf8.dropLast(2)).map { CChar(bitPattern: $0) } + [CChar(bitPattern: 0xff), 0]
    let file = open(&name, O_CREAT | O_WRONLY, 0o600)
    #expect(file >= 0)
    close(file)
    #expect(try tree.bytes(of: ["nights", "n", "r", "series", "s"])! < 200_000)
    try tree.remove(["nights", "n", "r", "series", "s"])
    #expect(!isThere("state/nights/n/r/series/s"))
    #expect(isThere("outside/precious"))
  }

  @Test("no link on the way is followed", arguments: [["nights"], ["nights", "n"], ["nights", "n", "r"]])
  func way(_ names: [String]) throws {
    let path = names.joined(separator: "/")
    try FileManager.default.moveItem(
      atPath: root.pushing(FilePath(path)).string, toPath: scratch.path.appending("moved").string)
    try link("state/\(path)", to: "moved")
    let whole = ["nights", "n", "r", "series", "s"]
    #expect(throws: OwnTreeError.self) { try tree.remove(whole) }
    #expect(throws: OwnTreeError.self) { try tree.bytes(of: whole) }
    #expect(throws: OwnTreeError.self) { try tree.remove(names) }
    #expect(!tree.hasNoLink(whole))
    #expect(isThere("moved") && isThere("state/\(path)"))
  }

  @Test("a name is one name", arguments: ["..", ".", "", "a/b", "../../outside", "\0"])
  func hostile(_ name: String) throws {
    #expect(throws: OwnTreeError.self) { try tree.remove(["nights", name]) }
    #expect(throws: OwnTreeError.self) { try tree.remove(["nights", name, "precious"]) }
    #expect(isThere("outside/precious"))
    #expect(isThere("state/nights/n/r/events.jsonl"))
  }

  @Test("what is named goes first and last, so that what a killed process left says how far it came")
  func order() {
    let names = ["last", "b", "first", "late", "a", "second"].map { Array($0.utf8CString) }
    let arranged = OwnTree.arranged(names, (["first", "second", "missing"], ["late", "last"]))
    #expect(arranged.map { OwnTree.text($0) } == ["first", "second", "b", "a", "late", "last"])
  }
}
