// SPDX-License-Identifier: Apache-2.0

/// Writes the guest's side of the conversation: KTAP version 1 (Documentation/dev-tools/ktap.rst in the kernel), with
/// patchbench's own facts in diagnostic lines that any other KTAP reader passes over.
///
///     KTAP version 1
///     1..2
///     # patchbench: protocol 2
///     # patchbench: planned 1 forward/virtio_gpu-to-vgem/three-aliases
///     # patchbench: planned 2 access/vgem/no-handle
///     # patchbench: signed 1 5 0123456789abcdef
///     # patchbench: start 1
///     # patchbench: signed 2 1 0123456789abcdef
///         KTAP version 1
///         1..2
///         ok 1 chardev: first byte
///         not ok 2 dma-buf: first byte # 0x00, expected 0x5a
///     not ok 1 forward/virtio_gpu-to-vgem/three-aliases
///     # patchbench: signed 3 5 0123456789abcdef
///     # patchbench: ran 1 12 dma_buf_mmap
///     # patchbench: signed 4 1 0123456789abcdef
///
/// and so on to `# patchbench: end 2`. The plan comes first and the end marker last, so that a lost tail shows. A guest that
/// was given a ``GuestSecret`` signs each piece that it writes; without one the stream has no such lines.
public enum KTAPWriter {
  /// The version of patchbench's own lines; a reader refuses another one.
  public static let protocolVersion = 2

  /// The opening: version, plan, and the name of every planned test.
  public static func plan(_ names: [String]) -> String {
    var text = "KTAP version 1\n1..\(names.count)\n# patchbench: protocol \(protocolVersion)\n"
    for (index, name) in names.enumerated() { text += "# patchbench: planned \(index + 1) \(clean(name))\n" }
    return text
  }

  /// Said before test `number` (from 1) runs, so that the host knows what was running when the guest fell silent.
  public static func start(_ number: Int) -> String { "# patchbench: start \(number)\n" }

  /// One result with its checks as subtests.
  public static func result(_ result: TestResult, number: Int) -> String {
    var text = ""
    if !result.checks.isEmpty {
      text += "    KTAP version 1\n    1..\(result.checks.count)\n"
      for (index, check) in result.checks.enumerated() {
        text += "    \(check.passed ? "ok" : "not ok") \(index + 1) \(description(check.name))"
        if !check.detail.isEmpty { text += " # " + clean(check.detail) }
        text += "\n"
      }
    }
    let name = description(result.name)
    let reason = result.reason.isEmpty ? "" : " " + clean(result.reason)
    switch result.status {
    case .ok: text += "ok \(number) \(name)\n"
    case .notOk: text += "not ok \(number) \(name)" + (reason.isEmpty ? "" : " # " + plain(result.reason)) + "\n"
    case .skip: text += "ok \(number) \(name) # SKIP\(reason)\n"
    case .timeout: text += "not ok \(number) \(name) # TIMEOUT\(reason)\n"
    case .crash: text += "not ok \(number) \(name) # ERROR\(reason)\n"
    // A missing test is one that is not written; the reader finds it from the plan.
    case .missing: break
    }
    return text
  }

  /// Said behind a result: how often a function of the kernel ran during the test. Only of those that did.
  public static func ran(_ function: String, count: Int, number: Int) -> String {
    "# patchbench: ran \(number) \(count) \(clean(function))\n"
  }

  /// Said behind a result: how often instructions ran during the test, and how often the condition held of those that
  /// have one. Only of those that did; as many lines as it takes.
  public static func hits(_ hits: [(probe: Int, count: Int, held: Int?)], number: Int) -> String {
    lines("hits \(number)", hits.map { "\($0.probe):\($0.count)" + ($0.held.map { "/\($0)" } ?? "") })
  }

  /// Said behind the counts of a test: instructions that are not looked at any more, for they have run often enough.
  public static func enough(_ probes: [Int]) -> String { lines("enough", probes.map(String.init)) }

  /// As many lines as some words take.
  private static func lines(_ head: String, _ words: [String]) -> String {
    var text = ""
    var line = ""
    for word in words {
      if line.utf8.count + word.utf8.count >= longestText {
        text += "# patchbench: \(head)\(line)\n"
        line = ""
      }
      line += " \(word)"
    }
    return line.isEmpty ? text : text + "# patchbench: \(head)\(line)\n"
  }

  /// Said once, before the tests: a function whose calls nobody can count.
  public static func untraceable(_ function: String) -> String { "# patchbench: untraceable \(clean(function))\n" }

  /// Said once, before the tests: an instruction at which the kernel does not let anybody stop.
  public static func refused(_ probe: Int, _ reason: String) -> String {
    "# patchbench: refused \(probe) \(clean(reason))\n"
  }

  /// Said in place of such lines by a guest that was asked to count and cannot.
  public static func notCounted(_ reason: String) -> String { "# patchbench: uncounted because \(clean(reason))\n" }

  /// Said before the end marker by a guest that runs no more tests, though its plan has more.
  public static func stopped(_ reason: String) -> String { "# patchbench: stopped because \(clean(reason))\n" }

  /// The last line: how many results were written.
  public static func end(_ count: Int) -> String { "# patchbench: end \(count)\n" }

  /// What stands behind a piece of the stream: its number, from 1, how many lines it has, and a tag that only who has the
  /// secret can make.
  /// - Parameter piece: whole lines, none of them empty.
  public static func signature(_ piece: String, number: Int, _ secret: GuestSecret) -> String {
    let lines = piece.utf8.count { $0 == 0x0a }
    return "# patchbench: \(signed) \(number) \(lines) \(GuestSecret.digits(secret.tag(number, piece.utf8)))\n"
  }

  static let signed = "signed"

  /// A name behind its number. A dash there belongs to KTAP unless a second one follows.
  private static func description(_ name: String) -> String {
    (name == "-" || name.utf8.starts(with: "- ".utf8) ? "- " : "") + clean(name)
  }

  /// A reason that happens to begin like a directive, and is none.
  private static func plain(_ reason: String) -> String {
    let text = clean(reason)
    return ResultLine.startsWithDirective(text) ? "\\" + text : text
  }

  /// The most bytes of one piece of free text. A line holds two of them, escaped, within what the reader takes.
  static let longestText = 900

  /// Keeps free text short, on one line and clear of KTAP's own `#`.
  static func clean(_ text: String) -> String {
    var out = ""
    var bytes = 0
    for scalar in text.unicodeScalars {
      bytes += UTF8.width(scalar)
      if bytes > longestText { return out + "…" }
      switch scalar {
      case "#": out += "\\#"
      case "\\": out += "\\\\"
      case _ where scalar.value < 0x20 || scalar.value == 0x7f: out += " "
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out
  }
}
