// SPDX-License-Identifier: Apache-2.0

import BenchModel

/// How the kernel begins and ends one kind of report.
struct ReportRule: Sendable {
  /// The beginning of the line.
  var prefix: String
  /// Text that the line must also contain.
  var contains: String?
  var kind: KernelReport.Kind
  var title: Title
  var ending: Ending

  init(
    _ prefix: String, contains: String? = nil, _ kind: KernelReport.Kind, _ title: Title, _ ending: Ending = .backtrace
  ) {
    self.prefix = prefix
    self.contains = contains
    self.kind = kind
    self.title = title
    self.ending = ending
  }

  enum Title: Sendable, Hashable {
    /// These words, followed by ` in ` and the function to blame.
    case words(String)
    /// `BUG: KASAN: slab-use-after-free in …`, plus whether it was a read or a write.
    case sanitizer
    /// `UBSAN: shift-out-of-bounds in file:line:column`: the text before ` in `.
    case undefined
    /// A WARN, whose own text decides.
    case warning
    /// An oops, named by the text before the comma or the error code.
    case oops
    /// The kernel's words up to the first variable part.
    case message
    /// The text after `Kernel panic - not syncing: `.
    case panic
    /// The process that was killed.
    case killed
  }

  enum Ending: Sendable, Hashable {
    /// `---[ end trace`
    case endTrace
    /// A line of `=`.
    case rule
    /// The end of its call trace.
    case backtrace
    /// The end of its call trace, or of the list of held locks after it, which a line of `=` ends.
    case locks
    /// A list of held locks, with nothing after it.
    case heldLocks
    /// The call traces of several processors.
    case traces
    /// `---[ end Kernel panic`, or the text before a reboot.
    case panic
    /// `Out of memory: Killed process`
    case killed
  }

  /// Returns the rule for a line that begins a report.
  static func opening(_ text: String) -> ReportRule? {
    if let first = text.utf8.first, first < 128,
      let rule = byFirstByte[Int(first)].first(where: { $0.matches(text) })
    {
      return rule
    }
    return invokesOOMKiller(text) ? memory : nil
  }

  /// Returns the rule for a headline below a line of `=`. All lockdep headlines are below one, including those not
  /// listed here.
  static func openingBelowRule(_ text: String) -> ReportRule? {
    if let rule = opening(text) { return rule }
    guard ["WARNING: ", "INFO: "].contains(where: text.hasPrefix) else { return nil }
    return ReportRule("", .lockdep, .message)
  }

  private func matches(_ text: String) -> Bool {
    text.hasPrefix(prefix) && (contains.map { text.contains($0) } ?? true)
  }

  /// Returns whether this line continues the open report instead of beginning another one.
  func continues(_ open: ReportRule) -> Bool {
    switch open.title {
    case .words, .oops:
      // The BUG, page fault or trap comes first; then `Oops: 0002 [#1] SMP` and KASAN's guess about the address.
      open.ending == .endTrace && title == .oops
    case .killed: title == .killed
    default: false
    }
  }

  // MARK: - The table

  static let heldAtExit = "locks held at exit"

  private static let memory = ReportRule("", .outOfMemory, .killed, .killed)

  private static let invocation = Array(" invoked oom-killer: ".utf8)

  /// Matches `NAME invoked oom-killer: …`. The name has at most 15 bytes. This runs on every line, so it first looks
  /// for a space followed by an `i` in that range.
  private static func invokesOOMKiller(_ text: String) -> Bool {
    let found = text.utf8.withContiguousStorageIfAvailable { bytes in
      let last = min(16, bytes.count - invocation.count)
      guard last > 0 else { return false }
      for start in 1...last where bytes[start] == .space && bytes[start + 1] == UInt8(ascii: "i") {
        if bytes[start...].starts(with: invocation) { return true }
      }
      return false
    }
    return found ?? false
  }

  private static let all: [ReportRule] = [
    ReportRule("BUG: KASAN: ", .kasan, .sanitizer, .rule),
    ReportRule("BUG: KFENCE: ", .kfence, .sanitizer, .rule),
    ReportRule("BUG: KMSAN: ", .kmsan, .sanitizer, .rule),
    ReportRule("BUG: KCSAN: ", .kcsan, .sanitizer, .rule),
    ReportRule("kmemleak: ", contains: " new suspected memory leaks", .kmemleak, .words("memory leak"), .killed),
    ReportRule("UBSAN: ", .ubsan, .undefined, .endTrace),

    ReportRule("kernel BUG at ", .bug, .words("kernel BUG"), .endTrace),
    ReportRule(
      "BUG: kernel NULL pointer dereference", .oops, .words("BUG: kernel NULL pointer dereference"), .endTrace),
    ReportRule(
      "BUG: unable to handle kernel NULL pointer dereference", .oops,
      .words("BUG: kernel NULL pointer dereference"), .endTrace),
    ReportRule("BUG: unable to handle ", .oops, .words("BUG: unable to handle page fault"), .endTrace),
    // arm64's words for the same, of which `Internal error: Oops` is a part.
    ReportRule(
      "Unable to handle kernel NULL pointer dereference", .oops, .words("BUG: kernel NULL pointer dereference"),
      .endTrace),
    ReportRule("Unable to handle kernel ", .oops, .words("BUG: unable to handle page fault"), .endTrace),
    ReportRule("Oops: ", .oops, .oops, .endTrace),
    ReportRule("Oops ", contains: "[#", .oops, .oops, .endTrace),
    ReportRule("Internal error: ", .oops, .oops, .endTrace),
    ReportRule("general protection fault", contains: "[#", .oops, .oops, .endTrace),
    ReportRule("divide error", contains: "[#", .oops, .oops, .endTrace),
    ReportRule("invalid opcode", contains: "[#", .oops, .oops, .endTrace),
    ReportRule("stack segment", contains: "[#", .oops, .oops, .endTrace),
    ReportRule("int3", contains: "[#", .oops, .oops, .endTrace),
    ReportRule("traps: PANIC: double fault", .oops, .words("double fault"), .endTrace),
    ReportRule("PANIC: double fault", .oops, .words("double fault"), .endTrace),
    ReportRule("BUG: stack guard page was hit", .oops, .words("BUG: stack guard page was hit"), .endTrace),

    ReportRule(
      "BUG: sleeping function called from invalid context", .atomicSleep,
      .words("BUG: sleeping function called from invalid context")),
    ReportRule("BUG: scheduling while atomic", .atomicSleep, .words("BUG: scheduling while atomic")),
    ReportRule("BUG: Bad page state", .pageState, .words("BUG: Bad page state")),
    ReportRule("BUG: Bad page map", .pageState, .words("BUG: Bad page map")),
    ReportRule("BUG: Bad page cache", .pageState, .words("BUG: Bad page cache")),
    ReportRule("BUG: spinlock ", .lockdep, .message),
    ReportRule("BUG: rwlock ", .lockdep, .message),
    ReportRule("BUG: MAX_", .lockdep, .message),
    ReportRule("BUG: workqueue lockup", .bug, .words("BUG: workqueue lockup")),
    ReportRule("watchdog: BUG: soft lockup", .softLockup, .words("BUG: soft lockup")),
    ReportRule("NMI watchdog: BUG: soft lockup", .softLockup, .words("BUG: soft lockup")),
    ReportRule("BUG: soft lockup", .softLockup, .words("BUG: soft lockup")),
    ReportRule("BUG: ", .bug, .message),
    // SLUB: `BUG kmalloc-64 (Not tainted): Poison overwritten`.
    ReportRule("BUG ", contains: "): ", .bug, .message),

    ReportRule("watchdog: CPU", contains: "hard LOCKUP", .hardLockup, .words("hard lockup"), .traces),
    ReportRule("watchdog: Watchdog detected hard LOCKUP", .hardLockup, .words("hard lockup"), .traces),
    ReportRule("NMI watchdog: Watchdog detected hard LOCKUP", .hardLockup, .words("hard lockup"), .traces),
    ReportRule("rcu: INFO: ", contains: "stall", .rcuStall, .words("INFO: rcu detected stall"), .traces),
    ReportRule("INFO: rcu", contains: "stall", .rcuStall, .words("INFO: rcu detected stall"), .traces),
    ReportRule("INFO: task ", contains: " for more than ", .hungTask, .words("INFO: task hung"), .locks),
    ReportRule("INFO: trying to register non-static key", .lockdep, .words("INFO: trying to register non-static key")),

    lockdep("WARNING: possible circular locking dependency detected", "possible circular locking dependency"),
    lockdep("WARNING: possible recursive locking detected", "possible recursive locking"),
    lockdep("WARNING: possible irq lock inversion dependency detected", "possible irq lock inversion dependency"),
    lockdep("WARNING: inconsistent lock state", "inconsistent lock state"),
    lockdep("WARNING: suspicious RCU usage", "suspicious RCU usage"),
    lockdep("WARNING: bad unlock balance detected", "bad unlock balance"),
    lockdep("WARNING: bad contention detected", "bad contention"),
    lockdep("WARNING: held lock freed", "held lock freed"),
    lockdep("WARNING: Nested lock was not taken", "nested lock was not taken"),
    ReportRule(
      "WARNING: lock held when returning to user space", .lockdep,
      .words("lock held when returning to user space"), .heldLocks),
    ReportRule("WARNING: ", contains: " still has locks held!", .lockdep, .words(heldAtExit)),
    ReportRule("WARNING: ", contains: "IRQ-safe -> ", .lockdep, .words("possible irq lock inversion dependency")),
    ReportRule("[ BUG: ", .lockdep, .message),
    ReportRule("WARNING: CPU: ", contains: " at ", .warning, .warning, .endTrace),
    // 6.18 and later: `WARNING: drivers/x.c:12 at x_probe+0x1/0x2, CPU#0: modprobe/12`.
    ReportRule("WARNING: ", contains: ", CPU#", .warning, .warning, .endTrace),

    ReportRule("Kernel panic - not syncing", .panic, .panic, .panic),
    ReportRule("Out of memory: Killed process", .outOfMemory, .killed, .killed),
    ReportRule("Memory cgroup out of memory: Killed process", .outOfMemory, .killed, .killed),
  ]

  private static func lockdep(_ prefix: String, _ title: String) -> ReportRule {
    ReportRule(prefix, .lockdep, .words(title))
  }

  /// The rules by the first byte of their prefix, in table order. Nearly every console line begins no report and should
  /// cost no more than this look-up.
  private static let byFirstByte: [[ReportRule]] = {
    var table = [[ReportRule]](repeating: [], count: 128)
    for rule in all { table[Int(rule.prefix.utf8.first!)].append(rule) }
    return table
  }()
}
