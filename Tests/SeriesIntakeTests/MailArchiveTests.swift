// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import SystemPackage
import TestSupport
import Testing
import Toolbox

@testable import SeriesIntake

@Suite struct MailArchiveTests {
  private let scratch = try! Scratch()
  private let day = 86400
  private let start = 1_793_613_600

  private func series(_ mails: [(text: String, day: Int)]) async throws -> [[ArchivedSeries]] {
    let path = try await archive(
      mails.map(\.text), dates: mails.map { start + $0.day * day }, in: scratch)
    let limits = ToolLimits(time: .seconds(60), memory: 1 << 30, processes: 100, disk: 1 << 30)
    let cage = try await Cage.find(limits)
    let threads = try await MailArchive(path).threads(
      since: Date(timeIntervalSince1970: Double(start)), in: scratch.path.appending("index"), cage: cage)
    var found: [[ArchivedSeries]] = []
    for (number, thread) in threads.enumerated() {
      found.append(try await thread.series(in: scratch.path.appending("\(number)"), cage: cage))
    }
    return found
  }

  @Test func everySeriesIsReadAndComparedWithB4() async throws {
    let found = try await series([
      (archived("[PATCH] old", id: "old"), -2), (archived("[PATCH v2] old", id: "old2", answers: "old"), 1),
      (archived("[PATCH 0/2] both", id: "c", text: "What it is for.\n"), 1),
      (archived("[PATCH 2/2] second", id: "2", answers: "c", path: "2.c"), 1),
      (archived("[PATCH 1/2] first", id: "1", answers: "c", path: "1.c"), 1),
      (archived("Re: [PATCH 1/2] first", id: "r", answers: "1", text: "No.\n"), 2),
      (archived("[PATCH v2 1/1] newer", id: "n", answers: "c", path: "3.c"), 3),
      (archived("[PATCH 1/2] lonely", id: "l"), 4), (archived("[PATCH 0/1] empty", id: "e", text: "Nothing.\n"), 5),
      (archived("lunch?", id: "x", text: "When?\n"), 6), (archived("Re: [PATCH] gone", id: "y", answers: "z"), 7),
    ])
    // The first thread began too early; the last two have no patch.
    #expect(
      found.map { $0.map(\.subject) } == [
        ["[PATCH 0/2] both", "[PATCH v2 1/1] newer"], ["[PATCH 1/2] lonely"], ["[PATCH 0/1] empty"], [], [],
      ])
    #expect(found.map { $0.map(\.b4) } == [[.same, .same], [.incomplete], [.nothing], [], []])
    let paths = found[0].map { (try? $0.read.get())?.series.patches.map(\.paths) }
    #expect(paths == [[["1.c"], ["2.c"]], [["3.c"]]])
    let kinds = found[1...2].map { one -> String? in
      if case .failure(let error) = one[0].read { error.kind } else { nil }
    }
    #expect(kinds == ["patches are missing", "only a cover letter"])
  }

  @Test func mailsThatAnswerTheSameLostOneAreAThread() {
    var index = MailIndex()
    let blob = String(repeating: "0", count: 39)
    index.take("1:\(blob)1 blob 9 10\n2:Message-ID: <a@x>\n3:In-Reply-To: <lost@x>\n")
    index.take("11:\(blob)2 blob 9 20\n12:Message-ID: <b@x>\n")
    index.take("21:\(blob)3 blob 9 30\n22:Message-ID: <c@x>\n23:References: <lost@x>\n24: <b@x>\n")
    index.take("31:\(blob)4 blob 9 5\n32:Message-ID: <d@x>\n")
    index.take("41:\(blob)5 blob 9 40\n")
    let names = { (numbers: [Int]) in numbers.map { "\(blob)\($0)" } }
    #expect(index.threads(since: 0) == [names([4]), names([1, 2, 3]), names([5])])
    #expect(index.threads(since: 11) == [names([5])])
  }
}
