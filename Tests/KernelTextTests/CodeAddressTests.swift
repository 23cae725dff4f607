// SPDX-License-Identifier: Apache-2.0

import BenchModel
import KernelText
import Testing

@Suite("Addresses in the kernel's code")
struct CodeAddressTests {
  @Test(
    "a frame means the call before it, an instruction pointer itself",
    arguments: [
      (" dma_buf_mmap+0x49/0x50", "dma_buf_mmap", 0x48, 0x50),
      ("RIP: 0010:drm_mm_takedown+0x20/0x30", "drm_mm_takedown", 0x20, 0x30),
      ("pc : drm_mm_takedown+0x20/0x30", "drm_mm_takedown", 0x20, 0x30),
      ("lr : drm_mm_takedown+0x20/0x30", "drm_mm_takedown", 0x1f, 0x30),
      (" dma_buf_mmap+0x49/0x50 (P)", "dma_buf_mmap", 0x48, 0x50),
      ("BUG: KASAN: slab-use-after-free in f.isra.0+0x1/0x2", "f.isra.0", 0, 2),
      (" #0: ffff888001 (&mm->mmap_lock){++++}-{3:3}, at: vm_mmap_pgoff+0x98/0x1b0", "vm_mmap_pgoff", 0x97, 0x1b0),
      ("[    2.000000][   T40]  f.cold+0x0/0xc ", "f.cold", 0, 12),
    ] as [(String, String, Int, Int)])
  func address(line: String, function: String, offset: Int, size: Int) {
    #expect(CodeAddress(endOf: line) == CodeAddress(function: function, offset: offset, size: size))
  }

  @Test(
    "there is none in other lines",
    arguments: [
      " ? vfs_write+0x10/0x20", "? vfs_write+0x10/0x20", " pbtest_move+0x1/0x2 [pbtest]", "RIP: 0033:0x7f0000000000",
      "pc : 0000000000400b48",
      " f+0x1/0x2 (a.c:3)",
      "WARNING: CPU: 0 PID: 38 at lib/refcount.c:28 refcount_warn_saturate+0xfd/0x110", "", " +0x1/0x2", " f+0x3/0x2",
      " f+0x/0x2", " f+0x1/0x", " 1f+0x1/0x2", " f+0x1", " f+0x-1/0x2", " f+0xffffffffffffffffff/0x2",
      " <b>+0x1/0x2", " f+0x1/0xffffffff", "a:",
    ])
  func none(line: String) { #expect(CodeAddress(endOf: line) == nil) }

  @Test("each frame is followed by its source line; the title and the fingerprint do not change")
  func located() {
    let lines = ["WARNING: CPU: 0 PID: 1 at a.c:3 f+0x1/0x9", "RIP: 0010:f+0x1/0x9", " g+0x5/0x9", " h+0x1/0x9"]
    let report = KernelReport(title: "WARNING in f", kind: .warning, trace: lines, test: nil)
    let hang = GuestHang(place: .beforeInit, state: .busy, busyIn: ["g"], blocked: [], answer: ["RIP: 0010:g+0x5/0x9"])
    var run = GuestRun(
      release: nil, accelerator: .tcg, ending: .completed, booted: true, tests: [], reports: [report], anomalies: [],
      lastLines: [])
    run.hang = hang
    let f = CodeAddress(function: "f", offset: 1, size: 9)
    let call = CodeAddress(function: "g", offset: 4, size: 9)
    let exact = CodeAddress(function: "g", offset: 5, size: 9)
    #expect(run.addresses == [f, call, exact, CodeAddress(function: "h", offset: 0, size: 9)])
    let told = run.located([f: "a.c:3", call: "a.h:1 b.c:7", exact: "b.c:8"])
    #expect(
      told.reports[0].trace == [
        lines[0], "RIP: 0010:f+0x1/0x9 (a.c:3)", " g+0x5/0x9 (a.h:1 b.c:7)", " h+0x1/0x9",
      ])
    #expect(told.hang?.answer == ["RIP: 0010:g+0x5/0x9 (b.c:8)"])
    #expect(told.reports[0].fingerprint == report.fingerprint)
    // A frame that already has its line stays unchanged.
    #expect(told.located([f: "other.c:1"]) == told)
  }
}
