// SPDX-License-Identifier: Apache-2.0

internal import BenchModel
internal import Foundation
public import History
internal import Reports
internal import Verdicts

/// The history as static pages without script: the last night at a glance, and a page for each series, each test and
/// each kernel report.
public struct Site {
  private let store: HistoryStore
  private let changes: Changes?
  /// The site's directory, absolute, for links to runs.
  private let directory: String
  private let hasReport: (String) -> Bool

  /// The most rows of a table of trials. The history has the others: `patchbench history series NAME`.
  private static let most = 100

  /// - Parameters:
  ///   - changes: what changed in the last night; `nil` if there is none.
  ///   - directory: where the pages will be, absolute.
  ///   - hasReport: whether the directory of a run still has its report.
  public init(_ store: HistoryStore, changes: Changes?, directory: String, hasReport: @escaping (String) -> Bool) {
    self.store = store
    self.changes = changes
    self.directory = directory
    self.hasReport = hasReport
  }

  /// Makes the pages, one after the other.
  /// - Parameter write: takes each page's path, relative to the site, and its text.
  /// - Throws: ``HistoryError``, and what `write` throws.
  public func write(_ write: (String, String) throws -> Void) throws {
    let template = try SiteTemplate()
    func put(_ page: SitePage) throws { try write(page.path, template.text(of: page)) }
    let latest = try store.latest()
    try put(try index(latest))
    var seen: Set<String> = []
    for trial in latest where seen.insert(trial.lineage).inserted {
      try put(series(trial.lineage, try store.trials(of: trial.lineage)))
    }
    for name in try store.all(.test) {
      if let found = try store.test(name) { try put(sightings(found, "tests", "test")) }
    }
    for title in try store.all(.report) {
      if let found = try store.report(title) { try put(sightings(found, "reports", "kernel report")) }
    }
  }

  // MARK: - Pages

  private func index(_ latest: [ToldTrial]) throws -> SitePage {
    var page = SitePage(path: "index.html", title: "Last night at a glance", up: [], leads: [], sections: [])
    if let newest = latest.map(\.started).max() { page.leads.append("The last run began on \(Words.time(newest)).") }
    page.sections.append(glance(latest))
    if let changes {
      for (title, items) in ChangesText.sections(changes) where !items.isEmpty {
        var section = SitePage.Section(title, anchor: Self.slug(title))
        section.notes = items.map { visible($0) }
        page.sections.append(section)
      }
      if changes.isEmpty {
        var section = SitePage.Section("What changed", anchor: "changes")
        section.notes = ["Nothing changed."]
        page.sections.append(section)
      }
    }
    page.sections.append(try list("Kernel reports", "reports", .report))
    page.sections.append(try list("Tests", "tests", .test))
    return page
  }

  /// Series × cells.
  private func glance(_ latest: [ToldTrial]) -> SitePage.Section {
    let cells = Array(Set(latest.map { HistoryText.cell($0.cell) })).sorted()
    var rows: [(name: String, lineage: String)] = []
    for trial in latest where !rows.contains(where: { $0.lineage == trial.lineage }) {
      rows.append((trial.name, trial.lineage))
    }
    let found = Dictionary(
      latest.map { (Place(lineage: $0.lineage, cell: HistoryText.cell($0.cell)), $0) },
      // Of several versions in one night, the last.
      uniquingKeysWith: { $0.version >= $1.version ? $0 : $1 })
    var section = SitePage.Section("Series", anchor: "series")
    section.tables = [
      SitePage.Table(
        "Series and their verdicts", ["Series"] + cells.map { visible($0) },
        rows.sorted { $0.name < $1.name }.map { row in
          [SitePage.Cell.link(row.name, "series/\(Self.slug(row.lineage)).html")]
            + cells.map { cell in
              found[Place(lineage: row.lineage, cell: cell)].map {
                .verdict($0.verdict, "series/\(Self.slug(row.lineage)).html")
              } ?? .text("–")
            }
        })
    ]
    return section
  }

  private struct Place: Hashable {
    var lineage: String
    var cell: String
  }

  private func list(_ title: String, _ folder: String, _ kind: HistoryStore.Kind) throws -> SitePage.Section {
    var section = SitePage.Section(title, anchor: folder)
    let names = try store.all(kind)
    if names.isEmpty { section.notes = ["None."] }
    if !names.isEmpty {
      section.tables = [
        SitePage.Table(
          title, ["Name"], names.map { [.link($0, "\(folder)/\(Self.slug($0)).html")] })
      ]
    }
    return section
  }

  private func series(_ lineage: String, _ trials: [ToldTrial]) -> SitePage {
    var page = SitePage(
      path: "series/\(Self.slug(lineage)).html", title: visible(lineage), up: [Self.home],
      leads: trials.first.map { ["Last: \(visible($0.name)) \($0.verdict.rawValue): \(visible($0.reason))"] } ?? [],
      sections: [])
    for (cell, own) in Dictionary(grouping: trials, by: { HistoryText.cell($0.cell) }).sorted(by: { $0.key < $1.key }) {
      var section = SitePage.Section(visible(cell), anchor: Self.slug(cell))
      if own.count > Self.most { section.notes.append("The last \(Self.most) of \(own.count) trials.") }
      let times = own.reversed().filter { !$0.isReused }.compactMap(\.seconds).suffix(365)
      if times.count > 1, let last = times.last, let top = times.max() {
        section.trends = [
          SitePage.Trend(
            Array(times),
            words: "Time of each trial that was run: last \(Words.duration(last)), longest \(Words.duration(top))")
        ]
      }
      section.tables = [
        SitePage.Table(
          "Trials on \(visible(cell))", ["When", "Version", "Verdict", "Time", "First reason"],
          own.prefix(Self.most).map { trial in
            [
              .text(HistoryText.day(trial.started)), .text("v\(trial.version)"),
              .verdict(trial.verdict, report(of: trial, in: "series")),
              .text(trial.isReused ? "kept" : Words.duration(trial.seconds), kind: "number"),
              .text(trial.verdict == .clean ? "" : trial.reason, kind: "why"),
            ]
          })
      ]
      page.sections.append(section)
    }
    return page
  }

  private func sightings(_ one: Sightings, _ folder: String, _ noun: String) -> SitePage {
    var page = SitePage(
      path: "\(folder)/\(Self.slug(one.name)).html", title: visible(one.name), up: [Self.home],
      leads: [], sections: [])
    var section = SitePage.Section("Seen", anchor: "seen")
    if let first = one.first, let last = one.last {
      section.notes.append(
        "In \(Words.counted(one.trials, "trial")); first \(HistoryText.day(first)), last \(HistoryText.day(last)).")
    }
    if one.flaky > 0 {
      section.notes.append("More than one answer on the same kernel: in \(Words.counted(one.flaky, "trial")).")
    }
    if one.onBase.isEmpty, one.withSeries.isEmpty { section.notes.append("Always ok.") }
    page.sections.append(section)
    for (title, anchor, rows) in [("On the base", "base", one.onBase), ("With series", "series", one.withSeries)]
    where !rows.isEmpty {
      var section = SitePage.Section(title, anchor: anchor)
      section.tables = [
        SitePage.Table(
          title, ["Series", "Kernel and profile", "What", "Times", "First", "Last", "Reason"],
          rows.prefix(Self.most).map { row in
            [
              row.lineage.map { .link($0, "../series/\(Self.slug($0)).html") } ?? .text("the base"),
              .text(HistoryText.cell(row.cell)), .text(row.what), .text("\(row.count)", kind: "number"),
              .text(HistoryText.day(row.first)), .text(HistoryText.day(row.last)), .text(row.reason, kind: "why"),
            ]
          })
      ]
      page.sections.append(section)
    }
    return page
  }

  private static let home = SitePage.Link(target: "../index.html", text: "patchbench")

  /// Returns the way from a page to the report of a trial's run, or to the trial's own table if that is gone.
  private func report(of trial: ToldTrial, in folder: String) -> String {
    if !hasReport(trial.directory) { return "#\(Self.slug(HistoryText.cell(trial.cell)))" }
    return Self.path(from: "\(directory)/\(folder)", to: "\(trial.directory)/report.html")
  }

  /// Returns a relative path between two absolute ones, as a link.
  static func path(from: String, to: String) -> String {
    let (old, new) = (from.split(separator: "/"), to.split(separator: "/"))
    let common = zip(old, new).prefix { $0 == $1 }.count
    let parts = Array(repeating: "..", count: old.count - common) + new.dropFirst(common).map(String.init)
    return parts.map {
      $0.addingPercentEncoding(withAllowedCharacters: .urlPathAllowed.subtracting(.init(charactersIn: ":"))) ?? ""
    }
    .joined(separator: "/")
  }

  /// Returns a name for a file or an anchor: the readable part of a text, and a number that tells it from others. It is
  /// the same each night, so that links stay.
  static func slug(_ text: String) -> String {
    let readable = text.unicodeScalars.prefix(60).map { scalar in
      scalar.isASCII && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil)
        || "-_".unicodeScalars.contains(scalar)
        ? Character(scalar) : "-"
    }
    // FNV-1a, because Swift's own hash differs in each process.
    let hash = text.utf8.reduce(UInt64(0xcbf2_9ce4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    return String(readable) + "-" + String(hash, radix: 36)
  }
}
