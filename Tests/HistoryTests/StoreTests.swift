// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import GRDB
import SystemPackage
import TestSupport
import Testing
import Toolbox

@testable import History

@Suite struct StoreTests {
  private let scratch: Scratch
  private var state: FilePath { scratch.path.appending("state") }

  init() throws { scratch = try Scratch() }

  private let nights = (0..<4).map { night in
    Nights.run(
      night,
      [
        Nights.base(["b/x"]),
        Nights.series("s-v\(night)", night == 2 ? .regresses : .clean, worse: night == 2 ? ["a/x"] : []),
        Nights.series("t", .clean, flaky: ["a/y"], reports: ["WARNING in f"]),
      ])
  }

  /// All that the queries say.
  private func said(_ store: HistoryStore) throws -> [String] {
    [
      "\(try store.latest().map(\.line))", "\(try store.trials(of: "s").map(\.line))",
      "\(String(describing: try store.test("a/x")))", "\(String(describing: try store.test("b/x")))",
      "\(String(describing: try store.report("WARNING in f")))", "\(try store.bases(of: "linux-6.12"))",
      "\(try store.changes(since: Nights.date(2)).broken.map(\.now.line))",
    ]
  }

  @Test("made again from the records, in whatever order, it says the same")
  func rebuild() throws {
    let first = try HistoryStore(in: state)
    for night in [nights[1], nights[0], nights[3], nights[2]] { try first.add(night) }
    let before = try said(first)
    #expect(before[1].contains("s-v2 regresses"))
    try HistoryStore.rebuild(in: state, from: nights)
    #expect(try said(HistoryStore(in: state)) == before)
  }

  @Test("a run that is added again is replaced")
  func again() throws {
    let store = try HistoryStore(in: state)
    try store.add(nights[0])
    let once = try said(store)
    try store.add(nights[0])
    #expect(try said(store) == once)
    #expect(HistoryStore.listed(in: state) == [nights[0].directory])
  }

  @Test("a test, a report and a kernel are told with their first and last time")
  func lookups() throws {
    let store = try HistoryStore(in: state)
    for night in nights { try store.add(night) }
    let test = try #require(try store.test("a/x"))
    #expect(test.trials == 12)
    #expect(test.first == Nights.date(0) && test.last == Nights.date(3))
    #expect(test.withSeries.map(\.what) == ["regressed"])
    #expect(test.withSeries.map(\.lineage) == ["s"])
    #expect(try store.test("b/x")?.onBase.map(\.count) == [4])
    #expect(try store.test("a/y")?.flaky == 4)
    #expect(try store.test("c/x") == nil)
    let report = try #require(try store.report("WARNING in f"))
    #expect(report.withSeries.map(\.count) == [4])
    #expect(try store.report("WARNING in g") == nil)
    #expect(try store.bases(of: "linux-6.12").map(\.failing) == Array(repeating: ["b/x"], count: 4))
    #expect(try store.trials(withPatch: "id of s-v2").map(\.verdict) == [.regresses])
    #expect(try store.trials(withPatch: "id of t").map(\.started) == [3, 2, 1, 0].map { Nights.date($0) })
    // Another version's answer is none.
    #expect(try store.trials(withMessageID: "s-v2@example.org").map(\.name) == ["s-v2"])
    #expect(try store.trials(withMessageID: "s-v9@example.org").isEmpty)
    #expect(try store.trials(withPatch: "d").isEmpty)
    #expect(try store.names(like: "A/", in: .test) == ["a/x", "a/y"])
  }

  @Test("two nights at once lose nothing")
  func together() async throws {
    let state = state
    try await withThrowingTaskGroup { group in
      for kernel in ["linux-6.12", "linux-6.1", "linux-7.3"] {
        group.addTask {
          let cell = Nights.cell(of: kernel)
          // Each blocks while another one writes, so none may do that on the cooperative pool.
          try await Blocking.run {
            Result {
              let store = try HistoryStore(in: state)
              for night in 0..<20 {
                try store.add(Nights.run(night, [Nights.base(), Nights.series("s", .clean)], cell: cell))
              }
            }
          }.get()
        }
      }
      try await group.waitForAll()
    }
    let store = try HistoryStore(in: state)
    #expect(try store.trials(of: "s").count == 60)
  }

  @Test("a damaged history is named, and the records make it again")
  func damaged() throws {
    do {
      let store = try HistoryStore(in: state)
      for night in nights { try store.add(night) }
    }
    let file = state.appending("history.sqlite")
    try Data(repeating: 0x58, count: 8192).write(to: URL(filePath: file.string))
    do {
      _ = try HistoryStore(in: state)
      Issue.record("opened")
    } catch { #expect(error.isDamaged, "\(error)") }
    // What is needed for that lies beside it.
    #expect(HistoryStore.listed(in: state) == nights.map(\.directory))
    try HistoryStore.rebuild(in: state, from: nights)
    #expect(try HistoryStore(in: state).trials(of: "s").count == 4)
  }

  @Test("a newer history is not touched")
  func newer() throws {
    do {
      let store = try HistoryStore(in: state)
      try store.add(nights[0])
      try store.database.write { try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('9')") }
      try store.database.close()
    }
    let file = state.appending("history.sqlite").string
    let before = try #require(FileManager.default.contents(atPath: file))
    #expect(throws: HistoryError.newer(path: file)) { try HistoryStore(in: state) }
    #expect(FileManager.default.contents(atPath: file) == before)
  }

  @Test("a full disk takes nothing of a run, and all that was there stays")
  func full() throws {
    let store = try HistoryStore(in: state)
    try store.add(nights[0])
    let before = try said(store)
    try store.database.writeWithoutTransaction { db in
      let pages = try #require(try Int.fetchOne(db, sql: "PRAGMA page_count"))
      try db.execute(sql: "PRAGMA max_page_count = \(pages + 1)")
    }
    var big = nights[1]
    big.trials += (0..<200).map {
      Nights.series("many-\($0)", .clean, worse: Nights.tests, reports: ["WARNING in \($0)"])
    }
    do {
      try store.add(big)
      Issue.record("added")
    } catch { #expect(error == .full(path: store.path.string)) }
    #expect(try said(store) == before)
  }
}

extension ToldTrial {
  fileprivate var line: String { "\(name) \(verdict.rawValue) \(started) \(directory) \(reason)" }
}

extension HistoryError {
  fileprivate var isDamaged: Bool { if case .damaged = self { true } else { false } }
}
