// SPDX-License-Identifier: Apache-2.0

/// One testcase of JUnit XML.
struct JUnitCase {
  enum Outcome {
    case passed
    /// The series is to blame: the type, the message, and lines that say more.
    case failure(String, String, [String])
    /// Nobody can tell, or the harness failed.
    case error(String, String, [String])
    case skipped(String)
  }

  var name: String
  var seconds: Double?
  var outcome: Outcome
  /// Untrusted text.
  var output: [String]
  /// Whether it stands for the whole suite, and is never left out.
  var isAnswer = false

  init(answer name: String, seconds: Double? = nil, _ outcome: Outcome, output: [String] = []) {
    self.init(name: name, seconds: seconds, outcome: outcome, output: output)
    isAnswer = true
  }

  init(name: String, seconds: Double? = nil, outcome: Outcome, output: [String] = []) {
    self.name = name
    self.seconds = seconds
    self.outcome = outcome
    self.output = output
  }

  /// The element that says it; `nil` if it passed.
  var element: String? {
    switch outcome {
    case .passed: nil
    case .failure: "failure"
    case .error: "error"
    case .skipped: "skipped"
    }
  }

  /// Whether a reader has nothing to do about it.
  var isQuiet: Bool { element == nil || element == "skipped" }

  /// Leaves what it takes to know that it fails, and why in a sentence.
  mutating func leaveOutText() {
    output = []
    switch outcome {
    case .failure(let type, let message, _): outcome = .failure(type, message, [])
    case .error(let type, let message, _): outcome = .error(type, message, [])
    case .passed, .skipped: break
    }
  }

  func lines(in suite: String, as name: String) -> [String] {
    let tag = XML.open("testcase", [("classname", suite), ("name", name), ("time", Self.time(seconds))])
    var inside: [String] = []
    switch outcome {
    case .passed: break
    case .failure(let type, let message, let text): inside.append(Self.trouble("failure", type, message, text))
    case .error(let type, let message, let text): inside.append(Self.trouble("error", type, message, text))
    case .skipped(let message): inside.append(XML.element("skipped", [("message", Self.short(message))]))
    }
    if !output.isEmpty { inside.append(XML.element("system-out", [], text: Self.cut(output))) }
    if inside.isEmpty { return ["    \(tag)/>"] }
    return ["    \(tag)>"] + inside.map { "      \($0)" } + ["    </testcase>"]
  }

  /// `9.25`; readers take no exponents.
  static func time(_ seconds: Double?) -> String? { Cost.known(seconds).map { Words.hundredths($0) } }

  private static func trouble(_ element: String, _ type: String, _ message: String, _ text: [String]) -> String {
    // GitLab shows the text, others the message.
    XML.element(element, [("type", type), ("message", short(message))], text: cut([message] + text))
  }

  private static func short(_ text: String) -> String { Markdown.cut(text, to: 500) }

  /// The most lines of one text.
  private static let most = 200

  private static func cut(_ lines: [String]) -> [String] {
    let shown = lines.prefix(most).map { Markdown.cut($0, to: 1000) }
    return shown + (lines.count > most ? ["(\(Words.counted(lines.count - most, "more line")))"] : [])
  }
}
