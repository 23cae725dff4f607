// SPDX-License-Identifier: Apache-2.0

/// Writes the guest's side of the protocol: KTAP version 1 (Documentation/dev-tools/ktap.rst in the kernel), with
/// patchbench's own facts in diagnostic lines, which any other KTAP reader ignores.
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
///         # patchbench: design file
///         ok 1 chardev: vm_file
///         not ok 2 dma-buf: first byte # 0x00, expected 0x5a
///     not ok 1 forward/virtio_gpu-to-vgem/three-aliases
///     # patchbench: signed 3 5 0123456789abcdef
///     # patchbench: ran 1 12 dma_buf_mmap
///     # patchbench: signed 4 1 0123456789abcdef
///
/// and so on, until `# patchbench: end 2`. The plan comes first and the end marker last, so that truncation shows. A
/// guest with a ``GuestSecret`` signs each piece that it writes; without one, the stream has no `signed` lines.
public enum KTAPWriter {
  /// The version of patchbench's own lines; a reader rejects any other.
  public static let protocolVersion = 2

  /// Returns the opening: version, plan, and the name of every planned test.
  public static func plan(_ names: [String]) -> String {
    var text = "KTAP version 1\n1..\(names.count)\n# patchbench: protocol \(protocolVersion)\n"
    for (index, name) in names.enumerated() { text += "# patchbench: planned \(index + 1) \(clean(name))\n" }
    return text
  }

  /// Written before test `number` (from 1) runs, so that the host knows which test was running if the
  /// guest goes silent.
  public static func start(_ number: Int) -> String { "# patchbench: start \(number)\n" }

  /// Returns one result, with its checks as subtests.
  public static func result(_ result: TestResult, number: Int) -> String {
    var text = ""
    if !result.checks.isEmpty {
      text += "    KTAP version 1\n    1..\(result.checks.count)\n"
      for (index, check) in result.checks.enumerated() {
        if let design = check.design { text += "    # patchbench: \(Self.design) \(design.rawValue)\n" }
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

  /// Written after a result: how often a kernel function ran during the test. Only for functions that ran.
  public static func ran(_ function: String, count: Int, number: Int) -> String {
    "# patchbench: ran \(number) \(count) \(clean(function))\n"
  }

  /// Written after a result: how often instructions ran during the test, and how often their conditions held, if they
  /// have one. Only for instructions that ran, in as many lines as needed.
  public static func hits(_ hits: [(probe: Int, count: Int, held: Int?)], number: Int) -> String {
    lines("hits \(number)", hits.map { "\($0.probe):\($0.count)" + ($0.held.map { "/\($0)" } ?? "") })
  }

  /// Written after the counts of a test: instructions that are no longer watched, because they ran often enough.
  public static func enough(_ probes: [Int]) -> String { lines("enough", probes.map(String.init)) }

  /// Spreads words over as many lines as needed.
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

  /// Written once, before the tests: a function whose calls cannot be counted.
  public static func untraceable(_ function: String) -> String { "# patchbench: untraceable \(clean(function))\n" }

  /// Written once, before the tests: an instruction at which the kernel does not allow a probe.
  public static func refused(_ probe: Int, _ reason: String) -> String {
    "# patchbench: refused \(probe) \(clean(reason))\n"
  }

  /// Written instead of such lines by a guest that was asked to count but cannot.
  public static func notCounted(_ reason: String) -> String { "# patchbench: uncounted because \(clean(reason))\n" }

  /// Written before the end marker by a guest that abandons the rest of its plan.
  public static func stopped(_ reason: String) -> String { "# patchbench: stopped because \(clean(reason))\n" }

  /// The last line: the number of results written.
  public static func end(_ count: Int) -> String { "# patchbench: end \(count)\n" }

  /// Returns the line that follows a piece of the stream. It has the piece's number, from 1, the number of its lines,
  /// and a tag that can be made only with the secret.
  /// - Parameter piece: whole lines, none of them empty.
  public static func signature(_ piece: String, number: Int, _ secret: GuestSecret) -> String {
    let lines = piece.utf8.count { $0 == 0x0a }
    return "# patchbench: \(signed) \(number) \(lines) \(GuestSecret.digits(secret.tag(number, piece.utf8)))\n"
  }

  static let signed = "signed"
  /// Precedes a check that asks for today's design, with what of it.
  static let design = "design"

  /// Returns a name as it follows its number. KTAP would take a leading dash as its own unless a second one follows.
  private static func description(_ name: String) -> String {
    (name == "-" || name.utf8.starts(with: "- ".utf8) ? "- " : "") + clean(name)
  }

  /// Escapes a reason that happens to begin like a directive but is none.
  private static func plain(_ reason: String) -> String {
    let text = clean(reason)
    return ResultLine.startsWithDirective(text) ? "\\" + text : text
  }

  /// The maximum length in bytes of one piece of free text. A line with two of them, escaped, fits the reader's limit.
  static let longestText = 900

  /// Makes free text short and single-line, and escapes KTAP's own `#`.
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
