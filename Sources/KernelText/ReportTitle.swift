// SPDX-License-Identifier: Apache-2.0

import BenchModel

extension OpenReport {
  /// Returns the report as a value, with its title.
  func closed() -> KernelReport {
    let (title, kind) = named()
    return KernelReport(title: title, kind: kind, trace: lines, test: test)
  }

  private func named() -> (String, KernelReport.Kind) {
    switch rule.title {
    case .words(let words):
      if rule.kind == .bug, let named = corruption { return named }
      return (located(words), rule.kind)
    case .sanitizer: return (sanitizerTitle, rule.kind)
    case .undefined: return (located(Self.before(" in ", in: headline)), rule.kind)
    case .warning: return warningTitle
    case .oops: return (located(oopsWords), rule.kind)
    case .message: return (located(messageWords), rule.kind)
    case .panic: return (panicTitle, rule.kind)
    case .killed: return (killedTitle, rule.kind)
    }
  }

  // MARK: - Where

  /// The function to blame: the innermost that is not a helper. If a stack has only helpers, the outermost one is
  /// nearest to the caller.
  private var guilty: String? {
    var places: [String] = []
    switch rule.ending {
    case .heldLocks: places = heldAt.map { [$0] } ?? []
    // The instruction pointer of a waiting or stalled processor is in the report's own code or in the loop's.
    case .endTrace, .traces, .backtrace: places = (instruction.map { [$0] } ?? []) + frames
    case .rule, .locks, .panic, .killed: places = frames
    }
    if rule.title == .warning, let function = Self.warningFunction(headline) { places.insert(function, at: 0) }
    // The trace of an exiting task says nothing about who took the lock.
    if rule.title == .words(ReportRule.heldAtExit), let heldAt { places = [heldAt] }
    if rule.title == .sanitizer, places.isEmpty, let function = sanitizerFunction { places = [function] }
    return places.first { !StackFrame.isHelper($0) } ?? places.last
  }

  private func located(_ words: some StringProtocol) -> String {
    guard let guilty else { return String(words) }
    return "\(words) in \(guilty)"
  }

  // MARK: - What

  /// `KASAN: slab-use-after-free Read in dma_buf_mmap`
  private var sanitizerTitle: String {
    let words = Self.before(" in ", in: headline.dropFirst("BUG: ".count))
    return located(access.map { "\(words) \($0)" } ?? String(words))
  }

  private var sanitizerFunction: String? {
    headline.firstRange(of: " in ").flatMap { StackFrame.symbol(headline[$0.upperBound...]) }
  }

  /// A corrupted list gets the same title whether the kernel goes on (WARN) or not (BUG).
  private var corruption: (String, KernelReport.Kind)? {
    guard let line = preface.first(where: { $0.hasPrefix("list_add") || $0.hasPrefix("list_del") }) else { return nil }
    return (located("\(Self.before(" ", in: line)) corruption"), .listCorruption)
  }

  private var warningTitle: (String, KernelReport.Kind) {
    if let corruption { return corruption }
    if let line = preface.first(where: { $0.hasPrefix("refcount_t: ") }) {
      let words = line.hasSuffix(".") ? line.dropLast() : line[...]
      return (located(SteadyText.steady(words)), .refcount)
    }
    if let line = preface.first(where: { $0.hasPrefix("DEBUG_LOCKS_WARN_ON(") }) { return (located(line), .lockdep) }
    if preface.contains(where: { $0.hasPrefix("ODEBUG: ") }) { return (located("WARNING: ODEBUG bug"), .warning) }
    return (located("WARNING"), .warning)
  }

  /// Returns the function in `WARNING: CPU: 0 PID: 38 at lib/refcount.c:28 refcount_warn_saturate+0xfd/0x110`, or
  /// before the comma in `WARNING: lib/refcount.c:28 at refcount_warn_saturate+0xfd/0x110, CPU#0: init/38`.
  private static func warningFunction(_ headline: String) -> String? {
    headline.split(separator: " ").lazy.compactMap { StackFrame.symbol($0) }.first
  }

  /// `Oops: general protection fault, probably for …` and `divide error: 0000 [#1] SMP`, without the variable parts.
  private var oopsWords: String {
    var rest = Substring(headline)
    for prefix in ["Internal error: ", "Oops: ", "Oops - "] where rest.hasPrefix(prefix) {
      rest = rest.dropFirst(prefix.count)
    }
    let words = rest.prefix { $0 != "," && $0 != ":" && $0 != "[" }
    let first = words.split(separator: " ").first ?? ""
    // If the first line of `Oops: 0002 [#1] SMP` was lost, only a number is left.
    let isNumber = first.utf8.allSatisfy(\.isHexDigit)
    return isNumber ? "Oops" : SteadyText.steady(words)
  }

  /// The kernel's words up to the first variable part.
  private var messageWords: String {
    var rest = Substring(headline)
    var start = ""
    for prefix in ["WARNING: ", "INFO: ", "[ BUG: "] where rest.hasPrefix(prefix) {
      rest = rest.dropFirst(prefix.count)
    }
    if rest.hasPrefix("BUG: ") {
      start = "BUG: "
      rest = rest.dropFirst(5)
    } else if rest.hasPrefix("BUG "), let close = rest.firstRange(of: "): ") {
      // SLUB: the cache, then the taint, then the problem.
      let cache = rest.dropFirst(4).prefix { $0 != " " }
      start = "BUG \(cache): "
      rest = rest[close.upperBound...].prefix { $0 != "@" }
      if let name = rest.firstRange(of: " in \(cache) ") { rest = rest[..<name.lowerBound] }
    }
    // `on CPU#0`, `in preemptible [00000000]`, `: init/38`: the words end where the numbers begin.
    var words = rest.prefix { !",;:[<#!".contains($0) }
    if words.hasSuffix(" detected") { words = words.dropLast(" detected".count) }
    if words.hasSuffix(" on CPU") { words = words.dropLast(" on CPU".count) }
    while words.last == " " || words.last == "]" { words = words.dropLast() }
    return start + SteadyText.steady(words)
  }

  private var panicTitle: String {
    let words = headline.dropFirst("Kernel panic - not syncing".count).drop { $0 == ":" || $0 == " " }
    // As in `Kernel panic - not syncing: kernel: panic_on_warn set ...`.
    var reason = SteadyText.steady(words.hasPrefix("kernel: ") ? words.dropFirst("kernel: ".count) : words)
    while reason.last == " " || reason.last == "." { reason.removeLast() }
    return reason.isEmpty ? "kernel panic" : "kernel panic: \(reason)"
  }

  /// `Out of memory: Killed process 38 (init) total-vm:…`
  private var killedTitle: String {
    guard let victim, let open = victim.firstIndex(of: "("), let close = victim[open...].firstIndex(of: ")") else {
      return "out of memory"
    }
    return "out of memory: killed \(SteadyText.steady(victim[open...].dropFirst().prefix(upTo: close)))"
  }

  private static func before(_ separator: String, in text: some StringProtocol) -> Substring {
    let text = Substring(text)
    return text.firstRange(of: separator).map { text[..<$0.lowerBound] } ?? text
  }
}
