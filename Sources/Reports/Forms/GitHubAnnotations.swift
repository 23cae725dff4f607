// SPDX-License-Identifier: Apache-2.0

/// GitHub's annotations: a workflow command on a line of its own for each finding that can be tied to a line. The
/// weightiest come first, because GitHub shows ten errors, ten warnings and ten notices of a step.
enum GitHubAnnotations {
  static func text(_ runs: ToldRuns) -> String {
    let isInSeveral = runs.records.count + runs.gaps.count > 1
    return LineFindings.all(runs).map { finding in
      let properties = [
        ("file", finding.file), ("line", "\(finding.line)"), ("endLine", "\(finding.end)"),
        ("title", "patchbench: \(title(finding.kind))"),
      ]
      let list = properties.map { "\($0)=\(property($1))" }.joined(separator: ",")
      return "::\(level(finding.kind)) \(list)::\(message(finding.sentence(isInSeveral: isInSeveral)))\n"
    }.joined()
  }

  private static func level(_ kind: LineFinding.Kind) -> String {
    switch kind {
    case .doesNotApply, .doesNotBuild, .kernelReport: "error"
    case .newWarning, .notRun: "warning"
    case .notSeen: "notice"
    }
  }

  private static func title(_ kind: LineFinding.Kind) -> String {
    switch kind {
    case .doesNotApply: "does not apply"
    case .doesNotBuild: "does not build"
    case .kernelReport: "new kernel report"
    case .newWarning: "new warning"
    case .notRun: "not tested"
    case .notSeen: "cannot be told"
    }
  }

  /// Escapes a command's message as actions/toolkit does. No text can end its line: control characters are visible
  /// before.
  static func message(_ text: String) -> String { escape(Markdown.cut(text, to: 1000), of: [("%", "%25")]) }

  /// The same for a property, where a colon or a comma would begin the message or another property.
  static func property(_ text: String) -> String {
    escape(Markdown.cut(text, to: 500), of: [("%", "%25"), (":", "%3A"), (",", "%2C")])
  }

  private static func escape(_ text: String, of codes: [(Unicode.Scalar, String)]) -> String {
    // By scalars: a `%` with a combining mark behind it is another `Character`.
    text.unicodeScalars.map { scalar in codes.first { $0.0 == scalar }?.1 ?? String(scalar) }.joined()
  }
}
