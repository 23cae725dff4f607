// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import Nights
import TestSupport
import Testing

@testable import History

@Suite struct SiteTests {
  private let hostile = "<script>&\"'\u{1b}"

  private func pages() throws -> [String: String] {
    let scratch = try Scratch()
    let store = try HistoryStore(in: scratch.path)
    for night in 0..<3 {
      try store.add(
        Nights.run(
          night,
          [
            Nights.base(["b/x"]),
            Nights.series("s-v\(night)", night == 2 ? .regresses : .clean, worse: night == 2 ? ["a/x"] : []),
            Nights.series(hostile, .clean, reports: ["WARNING in <f>"]),
          ]))
    }
    var pages: [String: String] = [:]
    let site = Site(store, changes: try store.changes(since: Nights.date(2)), directory: "/site") {
      $0 != "/results/0/linux-6.12"
    }
    try site.write { path, text in
      #expect(pages.updateValue(text, forKey: path) == nil, "\(path) is there twice")
    }
    return pages
  }

  @Test("each series, test and kernel report has a page, and each link within the site leads to one")
  func links() throws {
    let pages = try pages()
    #expect(pages.keys.count { $0.hasPrefix("series/") } == 2)
    #expect(pages.keys.count { $0.hasPrefix("tests/") } == 3)
    #expect(pages.keys.count { $0.hasPrefix("reports/") } == 1)
    var checked = 0
    for (path, text) in pages {
      for match in text.matches(of: /href="([^"]*)"/) {
        let link = String(match.output.1)
        if link.hasSuffix("/report.html") { continue }
        if link.hasPrefix("#") {
          #expect(text.contains("id=\"\(link.dropFirst())\""), "\(path): \(link)")
        } else {
          let parts = (path.split(separator: "/").dropLast() + link.split(separator: "/")).reduce(into: [Substring]()) {
            if $1 == ".." { $0.removeLast() } else { $0.append($1) }
          }
          #expect(pages[parts.joined(separator: "/")] != nil, "\(path): \(link)")
        }
        checked += 1
      }
    }
    #expect(checked > 10)
  }

  @Test("pages have no script, and what strangers wrote is only text")
  func hostileNames() throws {
    for (path, text) in try pages() {
      #expect(!text.lowercased().contains("<script"), "\(path)")
      #expect(!text.contains("\u{1b}"), "\(path)")
      #expect(!text.contains("<f>"), "\(path)")
    }
  }

  @Test("the first page shows verdicts and what changed")
  func glance() throws {
    let index = try #require(try pages()["index.html"])
    #expect(index.contains("class=\"tag regresses\""))
    #expect(index.contains("s-v2 on linux-6.12 kasan (before: s-v1): clean → regresses (because); a/x"))
    let series = try #require(try pages().first { $0.key.hasPrefix("series/s-") }?.value)
    #expect(series.contains("<svg"))
    #expect(series.contains("../../results/2/linux-6.12/report.html"))
    // The report of the first night has gone.
    #expect(!series.contains("results/0/"))
  }
}
