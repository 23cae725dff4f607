// SPDX-License-Identifier: Apache-2.0

import BenchModel
import GuestProtocol

@testable import Reports

/// The run with every verdict, with something in it for each line that a form tells of.
func formRun() -> RunRecord {
  var run = inThread()
  let file = "drivers/gpu/drm/virtio/virtgpu_drv.c"
  if case .ran(var guest)? = run.trials["swap"]?.result {
    for index in guest.reports.indices where guest.reports[index].kind == .kasan {
      guest.reports[index].trace.append(" virtio_gpu_mmap+0x10/0x20 (\(file):40)")
    }
    guest.seconds = [plain.name: 0.0512, unbind: 1.5]
    run.trials["swap"]?.result = .ran(guest)
  }
  run.trials["swap"]?.warnings?.append(
    Diagnostic(file: file, line: 41, message: "symbol 'f' was not declared. Should it be static?", tool: "sparse"))
  return run
}

/// Two kernels that boot, one that is only built, and one that was not run.
func formMatrix() -> Matrix {
  var older = formRun()
  older.header.cell.kernel = "linux-6.1"
  older.trials["untested"]?.change = changed
  var built = formRun()
  built.header.cell.profile = "nommu"
  built.header.cell.extent = .build
  built.base?.result = .built
  for name in built.trials.keys {
    built.trials[name]?.result = .built
    built.trials[name]?.change = unreached
    built.trials[name]?.warnings = nil
  }
  let runs = [formRun(), older, built].map { ($0.header.cell.name.replacing("/", with: "-"), Report(record: $0)) }
  let gap = CellGap(kernel: "linux-7.3", profile: "kasan", reason: "stopped before anything was tested")
  return Matrix(runs, gaps: [gap]).only(["share", "untested", "stale"])
}

/// A hostile run beside a hostile gap.
func hostileForms() -> Matrix {
  let gap = CellGap(
    kernel: hostile, profile: "\u{fffe}\u{1}]]>", reason: "]]>&amp;\u{b}\u{ffff}%0A::error::\n::error::x")
  return Matrix([("a", Report(record: hostileRun()))], gaps: [gap])
}

/// The forms that CI systems read, with the name of the file that they are kept in.
let formReporters: [(reporter: any Reporter, file: String)] = [
  (JUnitReporter(), "junit.xml"), (KCIDBReporter(), "kcidb.json"), (CodeQualityReporter(), "codequality.json"),
  (GitHubReporter(), "github.txt"), (JobSummaryReporter(), "summary.md"),
]
