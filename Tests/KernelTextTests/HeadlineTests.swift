// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Testing

@testable import KernelText

/// Headlines of kernels other than the one that the fixtures come from.
@Suite struct HeadlineTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var line: String
    var kind: KernelReport.Kind
    var title: String
    var testDescription: String { line }
  }

  private func titles(of lines: [String]) -> [String] {
    var scanner = ConsoleScanner()
    scanner.read(Array((lines.map { "[    1.000000][   T35] \($0)\n" }.joined()).utf8))
    scanner.finish()
    return scanner.reports.map(\.title)
  }

  /// As linux-6.1 prints it: the trace contains one more frame of its allocator.
  @Test func theAllocatorsOwnFramesAreNotToBlame() {
    let lines = [
      "BUG: sleeping function called from invalid context at include/linux/sched/mm.h:274", "Call Trace:", " <TASK>",
      " __might_sleep+0xa2/0x170", " __kmem_cache_alloc_node+0x137/0x200", " kmalloc_trace+0x2a/0xd0",
      " vma_node_allow+0xe5/0x310", " </TASK>",
    ]
    #expect(titles(of: lines) == ["BUG: sleeping function called from invalid context in vma_node_allow"])
  }

  /// As a kernel with DEBUG_PREEMPT prints it.
  @Test func whatAsksWhetherItMayBePreemptedIsNotToBlame() {
    let lines = [
      "BUG: using smp_processor_id() in preemptible [00000000] code: patchbench-test/41",
      "caller is debug_smp_processor_id+0x17/0x20",
      "CPU: 1 UID: 0 PID: 41 Comm: patchbench-test Tainted: G           O       6.12.117 #1 ",
      "Tainted: [O]=OOT_MODULE", "Call Trace:", " <TASK>", " dump_stack_lvl+0x8a/0xa0", " dump_stack+0x10/0x20",
      " check_preemption_disabled+0xce/0xe0", " debug_smp_processor_id+0x17/0x20", " dma_buf_mmap+0xff/0x280",
      " drm_gem_shmem_mmap+0x370/0x560", " </TASK>",
    ]
    #expect(titles(of: lines) == ["BUG: using smp_processor_id() in preemptible in dma_buf_mmap"])
  }

  @Test(arguments: [
    Case(line: "BUG: KASAN: use-after-free in f+0x1/0x2 [vgem]", kind: .kasan, title: "KASAN: use-after-free in f"),
    Case(line: "BUG: KFENCE: out-of-bounds read in f+0x1/0x2", kind: .kfence, title: "KFENCE: out-of-bounds read in f"),
    Case(
      line: "BUG: unable to handle kernel NULL pointer dereference at 0000000000000010", kind: .oops,
      title: "BUG: kernel NULL pointer dereference"),
    Case(
      line: "BUG: unable to handle kernel paging request at ffffc90000a7e000", kind: .oops,
      title: "BUG: unable to handle page fault"),
    Case(
      line: "Unable to handle kernel NULL pointer dereference at virtual address 0000000000000010", kind: .oops,
      title: "BUG: kernel NULL pointer dereference"),
    Case(
      line: "Unable to handle kernel paging request at virtual address dfffffc000000002", kind: .oops,
      title: "BUG: unable to handle page fault"),
    Case(
      line: "general protection fault, probably for non-canonical address 0xdffffc0000000000: 0000 [#1] SMP KASAN",
      kind: .oops, title: "general protection fault"),
    Case(line: "divide error: 0000 [#1] PREEMPT SMP", kind: .oops, title: "divide error"),
    Case(line: "Oops: divide error: 0000 [#1] SMP", kind: .oops, title: "divide error"),
    Case(line: "Internal error: Oops - BUG: 00000000f2000800 [#1] SMP", kind: .oops, title: "BUG"),
    Case(
      line: "WARNING: drivers/dma-buf/dma-buf.c:12 at dma_buf_put+0x1/0x2, CPU#0: init/38", kind: .warning,
      title: "WARNING in dma_buf_put"),
    Case(
      line: "WARNING: CPU: 0 PID: 38 at drivers/dma-buf/dma-buf.c:12 dma_buf_put.cold+0x1/0x2 [x]", kind: .warning,
      title: "WARNING in dma_buf_put"),
    Case(line: "BUG: Bad page map in process init  pte:8000000 pmd:1", kind: .pageState, title: "BUG: Bad page map"),
    Case(
      line: "BUG: Bad rss-counter state mm:00000000a type:MM_ANONPAGES val:3", kind: .bug,
      title: "BUG: Bad rss-counter state mm"),
    Case(line: "BUG: spinlock bad magic on CPU#0, init/38", kind: .lockdep, title: "BUG: spinlock bad magic"),
    Case(
      line: "BUG: using smp_processor_id() in preemptible [00000000] code: init/38", kind: .bug,
      title: "BUG: using smp_processor_id() in preemptible"),
    Case(line: "BUG: workqueue lockup - pool cpus=0 node=0 stuck for 30s!", kind: .bug, title: "BUG: workqueue lockup"),
    Case(
      line: "BUG kmalloc-64 (Tainted: G    B  ): Poison overwritten", kind: .bug,
      title: "BUG kmalloc-64: Poison overwritten"),
    Case(line: "[ BUG: Invalid wait context ]", kind: .lockdep, title: "Invalid wait context"),
    Case(
      line: "watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [kworker/1:2:55]", kind: .softLockup,
      title: "BUG: soft lockup"),
    Case(line: "NMI watchdog: Watchdog detected hard LOCKUP on cpu 1", kind: .hardLockup, title: "hard lockup"),
    Case(
      line: "rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:", kind: .rcuStall, title: "INFO: rcu detected stall"),
    Case(
      line: "INFO: task kworker/u8:3:55 blocked for more than 122 seconds.", kind: .hungTask, title: "INFO: task hung"),
    Case(
      line: "WARNING: possible irq lock inversion dependency detected", kind: .lockdep,
      title: "possible irq lock inversion dependency"),
    Case(
      line: "WARNING: SOFTIRQ-safe -> SOFTIRQ-unsafe lock order detected", kind: .lockdep,
      title: "possible irq lock inversion dependency"),
    Case(
      line: "kworker/u8:3 invoked oom-killer: gfp_mask=0x140dca, order=0", kind: .outOfMemory, title: "out of memory"),
    Case(
      line: "Memory cgroup out of memory: Killed process 38 (patchbench-gues) total-vm:370660kB", kind: .outOfMemory,
      title: "out of memory: killed patchbench-gues"),
    Case(
      line: "Kernel panic - not syncing: Attempted to kill init! exitcode=0x0000000b", kind: .panic,
      title: "kernel panic: Attempted to kill init! exitcode=ADDR"),
    Case(line: "Kernel panic - not syncing", kind: .panic, title: "kernel panic"),
  ])
  func isRecognised(_ one: Case) {
    let reports = ConsoleScanner.reports(in: "[    5.000000] \(one.line)\r\n".utf8)
    #expect(reports.map(\.title) == [one.title])
    #expect(reports.map(\.kind) == [one.kind])
  }

  @Test(arguments: [
    "Oops I did it again", "note: BUG: quoted", "splat: WARNING: CPU: 0 PID: 1 at x", "INFO: lockdep is turned off.",
    "rcu: INFO: nothing", "BUG", "Oops", "WARNING: ", "WARNING: something else", "general protection fault ip:401000",
    "UBSAN", "==================================================================", "list_add", "watchdog: CPU1 is fine",
  ])
  func isNoReport(_ line: String) {
    let reports = ConsoleScanner.reports(in: "[    5.000000] \(line)\n".utf8)
    #expect(reports.isEmpty)
  }

  @Test func unknownWordsBelowALineOfEqualSignsAreLockdeps() {
    let rule = String(repeating: "=", count: 40)
    let reports = ConsoleScanner.reports(in: "\(rule)\nWARNING: a new kind of trouble detected!\n6.12 #1\n".utf8)
    #expect(reports.map(\.title) == ["a new kind of trouble"])
    #expect(reports.map(\.kind) == [.lockdep])
  }
}

@Suite struct StackFrameTests {
  @Test(arguments: [
    (" dma_buf_mmap+0x49/0x50", "dma_buf_mmap"), (" f.isra.0+0x1/0x2 [vgem]", "f"), ("       g.cold+0x1/0x2", "g"),
    (" [<ffffffff81200000>] h+0x1/0x2", "h"), (" i (mm/mmap.c:12)", "i"), (" ? j+0x1/0x2", nil), (" <TASK>", nil),
    (" 0x401000", nil), ("k", nil), ("", nil), (" #0: ffff (l){+.+.}, at: m+0x1/0x2", nil),
  ])
  func function(_ line: String, _ expected: String?) {
    #expect(StackFrame.function(line) == expected)
  }
}

@Suite struct SteadyTextTests {
  @Test(arguments: [
    ("init/38 at 0xffff888003c8cf80", "init/NUM at ADDR"), ("stuck for 22s", "stuck for NUMs"),
    ("ffff888003c8cf80", "ADDR"), ("x86_64 do_syscall_64", "x86_64 do_syscall_64"), ("deadbeef", "deadbeef"),
    ("é12 34", "éNUM NUM"), ("", ""),
  ])
  func steady(_ text: String, _ expected: String) {
    #expect(SteadyText.steady(text) == expected)
    #expect(SteadyText.steady(expected) == expected)
  }
}
