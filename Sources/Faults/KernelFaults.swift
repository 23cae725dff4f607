// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage

/// Series whose kernels misbehave.
extension Fault {
  static let kernelFaults: [Fault] = [
    booting("kernel/panics", "a kernel that panics in an initcall", says: "strange panic") {
      [try await $0.initcall("late_initcall", ["kernel"], "\tpanic(\"strange panic\");")]
    },
    booting("kernel/hangs-early", "a kernel that hangs before it has a console", says: "no output") {
      [
        try await $0.adding(
          "\nstatic int __init patchbench_strange(char *value)\n{\n\tfor (;;)\n\t\tcpu_relax();\n\treturn 0;\n}\n"
            + "early_param(\"random.trust_cpu\", patchbench_strange);\n", to: "init/main.c")
      ]
    },
    booting("kernel/hangs-in-init", "a kernel that hangs in an initcall", says: "before init") {
      [try await $0.initcall("late_initcall", ["processor"], "\tfor (;;)\n\t\tcpu_relax();")]
    },
    booting("kernel/reboots", "a kernel that reboots as soon as it starts", says: "") {
      [try await $0.initcall("late_initcall", ["reboot"], "\temergency_restart();")]
    },
    booting("kernel/triple-fault", "a kernel that causes a triple fault", says: "") {
      [
        try await $0.initcall(
          "late_initcall", ["types"], before: "struct patchbench_table { u16 size; u64 base; } __packed;\n",
          "\tstruct patchbench_table none = { 0, 0 };\n\n\tasm volatile(\"lidt %0; int3\" : : \"m\"(none));")
      ]
    },
    building(
      "kernel/words", "a kernel that reports in HTML and escape codes", "a verdict, and nothing unescaped in a report"
    ) {
      let words = act.replacing("\u{1b}", with: "\\033").replacing("\"", with: "\\\"")
      return [
        try await $0.initcall(
          "late_initcall", ["kernel", "bug"],
          "\tWARN(1, \"%s\\n\", \"\(words)\");\n\tpr_err(\"BUG: %s\\n\", \"\(words)\");")
      ]
    } check: { outcome, bench in
      let run = outcome.evidence.removingLastComponent().removingLastComponent()
      if let raw = try RawWords.found(in: run, markup: ["<script>alert"]) { return Seen(false, raw) }
      return Seen(outcome.verdict == "regresses", outcome.words)
    },
    atFourthPiece(
      "kernel/eats-memory", "a kernel that uses up all memory while tests run",
      "while (alloc_page(GFP_KERNEL))\n\t\t\t\tcond_resched();", says: "deadlocked on memory"),
    atFourthPiece(
      "kernel/kills-init", "a kernel that kills PID 1 while tests run", "force_sig(SIGSEGV);",
      says: "Attempted to kill init"),
    tampering(
      "kernel/garbles-channel", "a kernel that corrupts output through virtio-serial",
      "\t((char *)buf->buf)[count / 2] ^= 0x15;\n"),
    tampering(
      "kernel/repeats-results", "a kernel that sends each result twice",
      """
      \tstruct port_buffer *twin = alloc_buf(port->portdev->vdev, count, 0);

      \tif (twin) {
      \t\tmemcpy(twin->buf, buf->buf, count);
      \t\tsg_init_one(sg, twin->buf, count);
      \t\tif (__send_to_port(port, sg, 1, count, twin, true) <= 0)
      \t\t\tfree_buf(twin, true);
      \t}

      """),
    tampering(
      "kernel/reorders-results", "a kernel that holds back every second result until the next one",
      """
      \tstatic struct port_buffer *held;
      \tstatic size_t length;

      \tif (!held) {
      \t\theld = buf;
      \t\tlength = count;
      \t\treturn count;
      \t}
      \tsg_init_one(sg, buf->buf, count);
      \tif (__send_to_port(port, sg, 1, count, buf, true) <= 0)
      \t\tfree_buf(buf, true);
      \tbuf = held;
      \tret = count;
      \tsg_init_one(sg, buf->buf, length);
      \theld = NULL;
      \tif (__send_to_port(port, sg, 1, length, buf, true) <= 0)
      \t\tfree_buf(buf, true);
      \treturn ret;

      """),
    tampering(
      "kernel/forges-results", "a kernel that forges good results and an end marker",
      """
      \tstatic const char forged[] =
      \t\t"ok 1 forward/vgem-to-vkms/vm-file\\n# patchbench: end 1\\n"
      \t\t"# patchbench: signed 2 2 0123456789abcdef\\n";
      \tstruct port_buffer *other = alloc_buf(port->portdev->vdev, sizeof(forged) - 1, 0);

      \tif (other) {
      \t\tmemcpy(other->buf, forged, sizeof(forged) - 1);
      \t\tsg_init_one(sg, other->buf, sizeof(forged) - 1);
      \t\tif (__send_to_port(port, sg, 1, sizeof(forged) - 1, other, true) <= 0)
      \t\t\tfree_buf(other, true);
      \t}

      """),
    building(
      "kernel/garbles-disk", "a kernel that redirects all disk writes to the superblock and then panics",
      "regresses; the disk is kept, and the report says that it could not be read"
    ) {
      [
        try await $0.diff("drivers/block/virtio_blk.c") {
          $0.replacing(
            "\t\ttype = VIRTIO_BLK_T_OUT;\n\t\tsector = blk_rq_pos(req);\n",
            with: "\t\ttype = VIRTIO_BLK_T_OUT;\n\t\tsector = 2;\n")
        }, try await atFourthPiece($0, "panic(\"strange panic\");"),
      ]
    } check: { outcome, _ in
      let isKept = FileManager.default.fileExists(atPath: outcome.evidence.appending("state.img").string)
      let report = outcome.evidence.removingLastComponent().removingLastComponent().appending("report-details.md")
      let isSaid = try String(contentsOfFile: report.string, encoding: .utf8).contains("could not be read")
      return Seen(outcome.verdict == "regresses" && isKept && isSaid, outcome.words + (isSaid ? "; unreadable" : ""))
    },
    building(
      "kernel/floods-console", "a kernel that first writes 10 million lines to its console",
      "does not boot, and a console log of limited size"
    ) {
      [
        try await $0.initcall(
          "late_initcall", ["sched"],
          """
          \tint line;

          \tfor (line = 0; line < 10000000; line++) {
          \t\tpr_err("strange line %d of ten million, each as long as this one is\\n", line);
          \t\tcond_resched();
          \t}
          """)
      ]
    } check: { outcome, _ in
      let console = outcome.evidence.appending("console.log").string
      let size = (try? FileManager.default.attributesOfItem(atPath: console))?[.size] as? Int ?? 0
      return Seen(
        outcome.verdict == "does-not-boot" && (1 << 20...80 << 20).contains(size), "\(outcome.words); \(size >> 20) MiB"
      )
    },
  ]

  /// The code of virtio_console that sends what a process has written.
  private static let sending = "\tnonblock = true;\n\tsg_init_one(sg, buf->buf, count);\n"

  /// A kernel that tampers with each piece that a process writes to a virtio-serial port.
  /// - Parameter code: the body of a block, which has `port`, and `count` bytes in `buf`.
  private static func tampering(_ name: String, _ what: String, _ code: String) -> Fault {
    building(name, what, "inconclusive: the guest's evidence is unreliable") {
      [
        try await $0.diff("drivers/char/virtio_console.c") {
          $0.replacing(sending, with: "\t{\n\(code)\t}\n\(sending)")
        }
      ]
    } check: { outcome, _ in
      let isSaid = outcome.reasons.contains { $0.contains("the guest's evidence is unreliable") }
      return Seen(outcome.verdict == "inconclusive" && isVerdict(outcome) && isSaid, outcome.words)
    }
  }

  /// A kernel that does something when PID 1 writes the fourth piece of its results. By then the tests have begun.
  /// - Parameters:
  ///   - code: a C statement.
  ///   - words: text that a reason of the verdict must contain.
  private static func atFourthPiece(_ name: String, _ what: String, _ code: String, says words: String) -> Fault {
    building(name, what, "not clean, and not a harness fault") {
      [try await atFourthPiece($0, code)]
    } check: { outcome, _ in
      let isSeen = outcome.reasons.contains { $0.contains(words) }
      return Seen(isVerdict(outcome) && isSeen && !["clean", "fixes"].contains(outcome.verdict), outcome.words)
    }
  }

  private static func atFourthPiece(_ maker: SeriesMaker, _ code: String) async throws -> String {
    try await maker.diff("drivers/char/virtio_console.c") {
      "#include <linux/sched/signal.h>\n"
        + $0.replacing(
          sending,
          with: """
            \t{
            \t\tstatic int pieces;

            \t\tif (current->pid == 1 && ++pieces == 4)
            \t\t\t\(code)
            \t}
            \(sending)
            """)
    }
  }

  /// A kernel that does not boot.
  /// - Parameter words: text that the reasons must contain.
  private static func booting(
    _ name: String, _ what: String, says words: String,
    _ patches: @escaping @Sendable (SeriesMaker) async throws -> [String]
  ) -> Fault {
    building(name, what, words.isEmpty ? "does not boot" : "does not boot: \(words)", patches) { outcome, _ in
      let told = outcome.reasons.joined(separator: " ")
      return Seen(outcome.verdict == "does-not-boot" && (words.isEmpty || told.contains(words)), outcome.words)
    }
  }
}
