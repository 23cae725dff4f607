// SPDX-License-Identifier: Apache-2.0

internal import BenchModel
internal import Mustache
internal import Verdicts

/// `report.html`: the page's values rendered with `Templates/report.html.mustache`, which escapes each of them.
struct HTMLReport {
  private let page: HTMLPage

  init(_ record: RunRecord, _ judgements: [Judgement]) { page = HTMLPage(record, judgements) }

  func text() throws -> String {
    let source = String(decoding: PackageResources.report_html_mustache, as: UTF8.self)
    return try MustacheTemplate(string: source).render(page)
  }
}
