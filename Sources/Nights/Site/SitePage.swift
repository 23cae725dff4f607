// SPDX-License-Identifier: Apache-2.0

internal import BenchModel
internal import Mustache
internal import Reports
internal import Verdicts

/// A page of the site, already formatted as text. As in a report's page, nothing is optional: "nothing" is an empty
/// array, and names are not reused in nested values.
struct SitePage: Sendable {
  /// Relative to the site: `series/my-fix.html`.
  var path: String
  var title: String
  /// The way back; none on the first page.
  var up: [Link]
  var leads: [String]
  var sections: [Section]

  struct Section: Sendable {
    var heading: String
    var anchor: String
    var notes: [String] = []
    var trends: [Trend] = []
    var tables: [Table] = []

    init(_ heading: String, anchor: String) {
      self.heading = heading
      self.anchor = anchor
    }
  }

  struct Table: Sendable {
    var label: String
    var columns: [String]
    var rows: [Row]

    init(_ label: String, _ columns: [String], _ rows: [[Cell]]) {
      self.label = label
      self.columns = columns
      self.rows = rows.map { Row(cells: $0) }
    }
  }

  struct Row: Sendable {
    var cells: [Cell]
  }

  struct Cell: Sendable {
    /// None or one: the class.
    var kinds: [String] = []
    var links: [Link] = []
    var tags: [Tag] = []
    var texts: [String] = []

    static func text(_ words: String, kind: String? = nil) -> Cell {
      Cell(kinds: kind.map { [$0] } ?? [], texts: [visible(words)])
    }

    static func link(_ words: String, _ target: String) -> Cell {
      Cell(links: [Link(target: target, text: visible(words))])
    }

    static func verdict(_ verdict: Verdict, _ target: String) -> Cell {
      Cell(tags: [Tag(look: verdict.rawValue, target: target, shape: verdict.shape, word: verdict.rawValue)])
    }
  }

  struct Link: Sendable {
    var target: String
    var text: String
  }

  struct Tag: Sendable {
    var look: String
    var target: String
    var shape: String
    var word: String
  }

  /// A line through values over time.
  struct Trend: Sendable {
    var points: String
    var words: String

    /// - Parameters:
    ///   - values: in order; at least two.
    ///   - words: what they are, with the last and the highest.
    init(_ values: [Double], words: String) {
      let top = max(values.max() ?? 1, 1e-9)
      let step = 720 / Double(max(1, values.count - 1))
      points = values.enumerated().map { index, value in
        "\(Self.tenth(Double(index) * step)),\(Self.tenth(86 - value / top * 82))"
      }.joined(separator: " ")
      self.words = words
    }

    private static func tenth(_ number: Double) -> Double { (number * 10).rounded() / 10 }
  }
}

/// Renders pages with the site's template and the style of the reports.
struct SiteTemplate {
  private let template: MustacheTemplate
  private let library: MustacheLibrary

  init() throws {
    template = try MustacheTemplate(string: String(decoding: PackageResources.site_html_mustache, as: UTF8.self))
    library = MustacheLibrary(templates: ["style": try MustacheTemplate(string: HTMLStyle.text)])
  }

  func text(of page: SitePage) -> String { template.render(page, library: library) }
}
