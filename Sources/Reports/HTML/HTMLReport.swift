// SPDX-License-Identifier: Apache-2.0

internal import BenchModel
internal import Mustache
internal import Verdicts

/// `report.html`: a page's values rendered with a file of `Templates`, which escapes each of them.
struct HTMLReport {
  private let template: [UInt8]
  private let page: any Sendable

  init(_ record: RunRecord, _ judgements: [Judgement], _ evidence: EvidenceFiles) {
    template = PackageResources.report_html_mustache
    page = HTMLPage(record, judgements, evidence)
  }

  init(_ matrix: Matrix) {
    template = PackageResources.matrix_html_mustache
    page = MatrixPage(matrix)
  }

  func text() throws -> String {
    let style = try MustacheTemplate(string: HTMLStyle.text)
    return try MustacheTemplate(string: String(decoding: template, as: UTF8.self))
      .render(page, library: MustacheLibrary(templates: ["style": style]))
  }
}

/// The style of every page.
package enum HTMLStyle {
  package static var text: String { String(decoding: PackageResources.style_css_mustache, as: UTF8.self) }
}
