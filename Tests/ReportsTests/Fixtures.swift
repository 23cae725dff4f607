// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import GuestProtocol
import Testing

@testable import Reports

let cell = Cell(
  kernel: "linux-6.12", profile: "kasan", architecture: "x86_64", toolchain: "gcc", extent: .boot, guest: "q35")
let unbind = "invalidate/virtio_gpu-to-vgem/unbind"

func header(_ series: [PatchSeries], reason: String = "KVM: a probe boot never reached init within 15 s") -> RunHeader {
  var header = RunHeader(
    cell: cell,
    versions: RunHeader.Versions(
      source: "Debian linux-source-6.12 6.12.117-1~deb12u1", toolchain: "gcc (Debian 12.2.0-14) 12.2.0",
      emulator: "QEMU emulator version 7.2.22", patchbench: "0.1.0"),
    accelerator: .tcg, reason: reason, processors: 2, series: series,
    questions: [unbind: "Does an unplug find <every> alias?"])
  header.sandbox = "bubblewrap 0.8.0"
  return header
}

func series(_ name: String, subject: String = "drm/virtio: share the device's address space") -> PatchSeries {
  var series = PatchSeries(
    name: name, cover: CoverLetter(subject: "One mapping, three files", body: ""),
    patches: [
      Patch(
        subject: subject, author: "Ada Example <ada@example.org>", file: "0001-share.patch",
        paths: ["drivers/gpu/drm/virtio/virtgpu_drv.c"])
    ], path: "series/\(name)")
  series.patches[0].trailers = [
    Trailer(key: "Fixes", value: "0123456789ab (\"drm/virtio: swap\")"),
    Trailer(key: "Signed-off-by", value: "Ada Example <ada@example.org>"),
    Trailer(key: "Reviewed-by", value: "Bob Example <bob@example.org>", isFromReply: true),
  ]
  return series
}

/// The invalidation test with its three aliases, and which of them still hold the page after the unbind.
func aliases(_ status: TestStatus, dmaBuf: Bool, forwarded: Bool) -> TestResult {
  func check(_ name: String, _ passed: Bool) -> Check {
    Check(name: name, passed: passed, detail: passed ? "1" : "0, expected 1")
  }
  return TestResult(
    name: unbind, status: status,
    checks: [
      check("chardev: faults after unbind", true), check("dma-buf: faults after unbind", dmaBuf),
      check("vgem: faults after unbind", forwarded),
    ])
}

let plain = TestResult(name: "access/vgem/no-handle", status: .ok, checks: [Check(name: "mmap", passed: true)])
let skipped = TestResult(name: "forward/udmabuf/pgoff", status: .skip, reason: "no /dev/udmabuf")

func report(
  _ title: String, _ kind: KernelReport.Kind = .warning, test: String? = nil,
  trace: [String] = ["WARNING: CPU: 0", "Call Trace:"]
) -> KernelReport {
  KernelReport(title: title, kind: kind, trace: trace, test: test)
}

/// The changes of the made-up series: a function that ran, one that ran where it was inlined, one that no test ran, and
/// one that cannot be counted.
let changed = CodeChange(
  pieces: [
    CodeChange.Piece(
      kind: .function, name: "virtio_gpu_mmap", file: "drivers/gpu/drm/virtio/virtgpu_drv.c",
      carriers: ["virtio_gpu_mmap"]),
    CodeChange.Piece(kind: .function, name: "vma_set_file", file: "include/linux/mm.h", carriers: ["dma_buf_mmap"]),
    CodeChange.Piece(kind: .declarations, name: "", file: "include/linux/mm.h", carriers: ["dma_buf_mmap"]),
  ],
  functions: [
    CodeChange.Function(name: "virtio_gpu_mmap", file: "drivers/gpu/drm/virtio/virtgpu_drv.c"),
    CodeChange.Function(name: "dma_buf_mmap", file: "drivers/dma-buf/dma-buf.c"),
  ])
let unreached = withLines(
  CodeChange(
    pieces: changed.pieces + [
      CodeChange.Piece(kind: .function, name: "rare", file: "mm/util.c", carriers: ["rare"]),
      CodeChange.Piece(kind: .function, name: "quiet", file: "mm/util.c", carriers: ["quiet"]),
    ], functions: changed.functions, notCompiled: ["drivers/gpu/drm/i915/i915_gem.c"], unexamined: ["mm/slub.o"]))
let counted = {
  var execution = Execution(
    runs: ["virtio_gpu_mmap": [plain.name: 12, unbind: 3], "dma_buf_mmap": [unbind: 1]], untraceable: ["quiet"])
  execution.probes = [
    0: [plain.name: ProbeCount(hits: 4), unbind: ProbeCount(hits: 2)], 1: [plain.name: ProbeCount(hits: 6, taken: 6)],
  ]
  execution.refused = [3: "the kernel lets nobody stop there (EINVAL)"]
  return execution
}()

/// Adds a diff in which every line has a different fate.
private func withLines(_ change: CodeChange) -> CodeChange {
  typealias Sight = LineWatch.Sight
  let places: [(String, ChangedLine.Place)] = [
    ("int ret;", .noCode), ("ret = check(vma);", .watched(LineWatch(ran: [Sight(probe: 0)]))),
    (
      "if (ret < 0 && vma->vm_file)",
      .watched(
        LineWatch(
          ran: [Sight(probe: 1)],
          ways: [
            LineWatch.Way(words: "to line 325", sights: [Sight(probe: 1, taken: true)]),
            LineWatch.Way(words: "to line 327", sights: [Sight(probe: 1, taken: false)]),
          ]))
    ), ("return ret;", .watched(LineWatch(ran: [Sight(probe: 2)]))),
    ("raw_spin_lock(&lock);", .watched(LineWatch(ran: [Sight(probe: 3)]))),
    ("check_dma_api(vma);", .notCompiled("#ifdef CONFIG_DMA_API_DEBUG")), ("moved(vma);", .sameCode),
    ("MACRO(vma)", .declaration), ("} while (0);", .unseen("the compiler left no branch for its condition")),
  ]
  var lines = places.enumerated().map {
    ChangedLine(
      file: "mm/util.c", number: 322 + $0.offset, text: "\t" + $0.element.0, function: "vma_set_file",
      place: $0.element.1)
  }
  lines.append(
    ChangedLine(
      file: "mm/util.c", number: 331, text: "\tfput(old);", follows: true, function: "vma_set_file",
      place: .watched(LineWatch(ran: [Sight(probe: 0)]))))
  let added = lines.dropLast().map { DiffLine(kind: .added, number: $0.number, text: $0.text) }
  var change = change
  change.lines = ChangedLines(
    files: [
      DiffFile(
        path: "mm/util.c",
        hunks: [
          DiffHunk(
            heading: "@@ -320,4 +320,12 @@ void vma_set_file(struct vm_area_struct *vma, struct file *file)",
            lines: [DiffLine(kind: .context, number: 321, text: "{")] + added + [
              DiffLine(kind: .removed, number: 331, text: "\tget_file(file);"),
              DiffLine(kind: .context, number: 331, text: "\tfput(old);"),
            ])
        ])
    ], lines: lines)
  return change
}

func guest(
  _ tests: [TestResult], reports: [KernelReport] = [], ending: GuestEnding = .completed, booted: Bool = true,
  deaths: [GuestDeath] = [], anomalies: [String] = [], lastLines: [String] = [], hang: GuestHang? = nil,
  logs: [String: [String]]? = nil
) -> TrialResult {
  var run = GuestRun(
    release: "6.12.117", accelerator: .tcg, ending: ending, booted: booted, tests: tests, reports: reports,
    anomalies: anomalies, lastLines: lastLines)
  run.deaths = deaths
  run.execution = counted
  run.hang = hang
  run.logs = logs
  return .ran(run)
}

let lost = TestResult(name: skipped.name, status: .missing)

let allSeconds = StageSeconds([
  .apply: 0.25, .configure: 3.5, .compile: 41.4, .link: 6.75, .examine: 0.4, .start: 0.5, .boot: 2.125, .tests: 9,
  .collect: 0.04, .base: 4.75, .blame: 12.5,
])

private func isRun(_ result: TrialResult) -> Bool { if case .ran = result { true } else { false } }

func record(
  _ header: RunHeader, base: TrialResult?, reused: Bool = true, results: [(TrialResult, StageSeconds)],
  works: [String: BuildWork] = [:], changes: [String: CodeChange] = [:], reusedSeries: Set<String> = [],
  states: [String: [StateEvidence]] = [:], interrupted: Bool? = false, reportSeconds: Double? = nil
) -> RunRecord {
  var kinds: [BenchEvent.Kind] = [.runStarted(header)]
  if let base {
    kinds.append(
      .trialFinished(Trial(series: nil, cell: cell, seconds: allSeconds, reused: reused, result: base)))
  }
  for (series, (result, seconds)) in zip(header.series, results) {
    kinds.append(
      .trialFinished(
        Trial(
          series: series.name, cell: cell, seconds: seconds, work: works[series.name],
          change: changes[series.name] ?? (isRun(result) ? changed : nil), reused: reusedSeries.contains(series.name),
          result: result)))
  }
  for series in header.series {
    kinds += (states[series.name] ?? []).map { .stateRead(series: series.name, $0) }
  }
  if let interrupted { kinds.append(.runFinished(interrupted: interrupted)) }
  if let reportSeconds { kinds.append(.reported(seconds: reportSeconds)) }
  let start = Date(timeIntervalSince1970: 1_772_366_400)
  let events = kinds.enumerated().map { BenchEvent(at: start.addingTimeInterval(Double($0) * 60), kind: $1) }
  return RunRecord(events)!
}

/// A run with every verdict.
func everyVerdict() -> RunRecord {
  let base = guest(
    [plain, aliases(.notOk, dmaBuf: false, forwarded: false), skipped],
    reports: [report("WARNING in vgem_fault", test: unbind)])
  let patch = series("x").patches[0]
  let results: [(String, TrialResult, StageSeconds)] = [
    (
      "leave", guest([plain, aliases(.notOk, dmaBuf: false, forwarded: false), skipped]),
      allSeconds
    ),
    (
      "share",
      guest(
        [plain, aliases(.ok, dmaBuf: true, forwarded: true), skipped],
        reports: [report("WARNING in vgem_fault", test: unbind)]),
      allSeconds
    ),
    (
      "swap",
      guest(
        [
          TestResult(name: plain.name, status: .crash, reason: "killed by SIGBUS"),
          aliases(.notOk, dmaBuf: false, forwarded: true), lost,
        ],
        reports: [
          report("WARNING in vgem_fault", test: unbind),
          report(
            "KASAN: slab-use-after-free Read in dma_buf_mmap", .kasan, test: plain.name,
            trace: ["BUG: KASAN: slab-use-after-free in dma_buf_mmap+0x12/0x80", "Read of size 8 at addr ffff888"]),
        ], ending: .panicked("Kernel panic - not syncing: Fatal exception"),
        deaths: [
          GuestDeath(test: unbind, ending: .panicked("Kernel panic - not syncing: Fatal exception")),
          GuestDeath(test: skipped.name, ending: .silent(seconds: 75)),
        ], anomalies: ["the end marker is missing"],
        lastLines: ["[    9.1] Kernel panic - not syncing: Fatal exception"],
        hang: GuestHang(
          place: .inTest(skipped.name), state: .busy, busyIn: ["dma_buf_mmap"], blocked: [],
          answer: ["RIP: 0010:dma_buf_mmap+0x1/0x2"]),
        logs: [plain.name: ["[    8.1] vgem: a page is missing"]]),
      allSeconds
    ),
    (
      "stale",
      .doesNotApply(ApplyFailure(patch: patch, file: patch.paths[0], hunk: 3, message: "patch does not apply")),
      StageSeconds([.apply: 0.1])
    ),
    (
      "typo",
      .doesNotBuild(
        BuildFailure(
          diagnostics: [
            Diagnostic(file: patch.paths[0], line: 12, message: "'vma' undeclared", patch: patch.file),
            Diagnostic(file: nil, line: nil, message: "recipe failed"),
          ], tail: ["make: *** Error 2"])),
      StageSeconds([.apply: 0.1, .configure: 3.5, .compile: 12])
    ),
    (
      "dead",
      guest(
        [], ending: .bootDeadline(seconds: 60), booted: false, lastLines: ["[    0.4] Mounting root"],
        hang: GuestHang(
          place: .beforeInit, state: .asleep, busyIn: [], blocked: ["swapper/0 in dma_buf_init"],
          answer: ["[   60.1] Kernel panic - not syncing: NMI: Not continuing", "[   60.2] task:swapper/0 state:D"])),
      StageSeconds([.apply: 0.1, .configure: 3.5, .compile: 50, .link: 6.75, .start: 0.5, .boot: 60])
    ),
    (
      "lost", guest([plain, aliases(.ok, dmaBuf: true, forwarded: true), lost], ending: .machineDied("signal 9")),
      StageSeconds([.apply: 0.25, .configure: 0.01, .start: 0.5, .boot: 2.125, .tests: 9, .collect: 0.04])
    ),
    ("fault", .fault(HarnessFault(stage: .build, message: "no space left", advice: "free 2 GB")), StageSeconds()),
    ("never", .interrupted, StageSeconds([.apply: 0.1])),
    ("comment", .sameCode, StageSeconds([.apply: 0.1, .configure: 0.6, .compile: 1, .link: 2])),
    (
      "untested", guest([plain, aliases(.notOk, dmaBuf: false, forwarded: false), skipped]), allSeconds
    ),
  ]
  var run = record(
    header(results.map { series($0.0) }), base: base, results: results.map { ($0.1, $0.2) },
    works: [
      "leave": BuildWork(method: .replay, objects: 12, cached: 0),
      "share": BuildWork(method: .replay, objects: 12, cached: 9, sharedPatches: 2),
      "swap": BuildWork(method: .kbuild, objects: 412, cached: 400),
      "typo": BuildWork(method: .replay, objects: 1, cached: 0, sharedPatches: 1),
      "dead": BuildWork(method: .kbuild, objects: 412, cached: 0),
      "lost": BuildWork(method: .unchanged, objects: 0, cached: 0),
    ], changes: ["comment": CodeChange(), "untested": unreached], reusedSeries: ["leave"],
    states: [
      "swap": [
        StateEvidence(image: "series/swap/state.img", files: ["series/swap/state-results", "series/swap/state-kmsg"]),
        StateEvidence(image: "series/swap/state-2.img", files: []),
      ],
      "lost": [StateEvidence(image: "series/lost/state.img", files: [], failure: "guestfs_mount: bad superblock")],
    ], reportSeconds: 0.042)
  run.trials["swap"]?.warnings = [
    Diagnostic(file: patch.paths[0], line: 40, message: "unused variable 'x' [-Wunused-variable]", patch: patch.file),
    Diagnostic(file: nil, line: nil, message: "modpost: missing MODULE_DESCRIPTION()"),
  ]
  run.trials["leave"]?.eachPatch = true
  run.trials["share"]?.eachPatch = false
  run.trials["leave"]?.patchTests = broken("does not build: 'vma' undeclared", report: "WARNING in vgem_fault")
  if case .doesNotBuild(var failure)? = run.trials["typo"]?.result {
    failure.after = BuildFailure.Place(number: 1, count: 2, subject: patch.subject, patch: patch.file)
    run.trials["typo"]?.result = .doesNotBuild(failure)
  }
  run.trials["stale"]?.result = .doesNotApply(diagnosed(patch))
  run.tellBase()
  run.header.rangeDiffs = [
    RangeDiff(
      older: "leave", newer: "share",
      lines: [
        "1:  1d0b8b5 ! 1:  6a9e9a1 drm/virtio: share the device's address space", "    @@ drivers/gpu/drm/virtio/x.c",
        "    -+\tleave();", "    ++\tshare();",
      ]),
    RangeDiff(older: "share", newer: "stale", remark: "patch 1 of stale does not apply to the base"),
  ]
  return run
}

/// A patch that does not apply, with everything that can be known about it.
func diagnosed(_ patch: Patch, _ text: String? = nil) -> ApplyFailure {
  var diagnosis = ApplyDiagnosis()
  diagnosis.takers = ["git apply -C2", "patch with fuzz 2"]
  diagnosis.mismatch = HunkMismatch(
    file: text ?? patch.paths[0], line: 12, expected: ["{", text ?? "\t/* does it? */"], found: ["{", "\t/* is it? */"])
  diagnosis.baseCommit = text ?? "401ae99111859c05a0e06eb8ddc2e4667ac71c7e"
  diagnosis.triedKernels = ["linux-6.1"]
  diagnosis.kernels = ["linux-6.1"]
  diagnosis.warnings = [text ?? "x.c has type 100755, expected 100644"]
  return ApplyFailure(
    patch: patch, file: text ?? patch.paths[0], hunk: 3, message: text ?? "patch does not apply", diagnosis: diagnosis)
}

/// A run whose record contains one valid time and every kind of invalid one.
func oddTimes() -> RunRecord {
  let odd = StageSeconds([
    .apply: .nan, .configure: -.infinity, .compile: .infinity, .link: -3, .examine: -0.5, .start: 1e300, .boot: 1e-9,
    .tests: 1e308, .collect: 0,
  ])
  return record(
    header([series("odd"), series("again"), series("sound")]), base: guest([plain]),
    results: [(guest([plain]), odd), (guest([plain]), odd), (guest([plain]), StageSeconds([.apply: 2]))],
    works: ["odd": BuildWork(method: .replay, objects: -1, cached: .min, sharedPatches: -1)], reusedSeries: ["again"],
    reportSeconds: -.infinity)
}

/// A run that was resumed twice.
func resumed() -> RunRecord {
  var run = everyVerdict()
  run.resumed = [run.started + 60, run.started + 120]
  return run
}

/// A run of a series that links the forwarded mapping elsewhere, so that an unbind does not find it.
func forwardedElsewhere() -> RunRecord {
  func linked(_ isElsewhere: Bool) -> TestResult {
    TestResult(
      name: "forward/virtio_gpu-to-vgem/vm-file", status: isElsewhere ? .notOk : .ok,
      checks: [
        Check(name: "dma-buf: vm_file", passed: true, detail: "/dmabuf:", design: .file),
        Check(name: "dma-buf: vm_pgoff", passed: true, detail: "0x100000000", design: .offset),
        Check(
          name: "forwarded: vm_file", passed: !isElsewhere,
          detail: isElsewhere ? "/dev/dri/card1, expected /dmabuf:" : "/dmabuf:", design: .file),
        Check(
          name: "forwarded: vm_pgoff", passed: !isElsewhere,
          detail: isElsewhere ? "0x1000, expected 0x100000000" : "0x100000000", design: .offset),
      ])
  }
  func unbound(_ pair: String, _ isMissed: Bool) -> TestResult {
    func check(_ alias: String, _ passed: Bool) -> Check {
      Check(
        name: "\(alias): faults on touch after unbind, first page, middle and last", passed: passed,
        detail: passed ? "1, 1, 1" : "0, 0, 0")
    }
    return TestResult(
      name: "invalidate/\(pair)/unbind", status: isMissed ? .notOk : .ok,
      checks: [check("dma-buf", true), check("forwarded", !isMissed)])
  }
  func tests(_ isElsewhere: Bool) -> [TestResult] {
    [linked(isElsewhere), unbound("virtio_gpu-to-vgem", isElsewhere), unbound("vgem-to-vkms", isElsewhere), plain]
  }
  var header = header([series("elsewhere")])
  header.causes = [
    CauseRule(
      kind: .invalidation, words: "when a device is unplugged, an alias stays mapped",
      tests: [NamePattern("invalidate/*")])
  ]
  return record(header, base: guest(tests(false)), results: [(guest(tests(true)), allSeconds)])
}
