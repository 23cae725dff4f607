// SPDX-License-Identifier: Apache-2.0

extension Architecture {
  /// aarch64 guests on QEMU's virt machine.
  /// - The CPU is a Cortex-A57. Later ones authenticate pointers and have vectors of any length, which an emulator pays
  ///   for and no test here needs.
  /// - The kernel is started without firmware: it finds the machine in the device tree that QEMU makes, which has a
  ///   seed for random numbers as well.
  /// - libvirt allows ACPI only with UEFI there. Version 3 of the interrupt controller has its processors' part in
  ///   registers of the processors; KVM has the version of the machine's own.
  /// - The virt machine has no non-maskable interrupts (QEMU 7.2: it is no `TYPE_NMI`).
  public static let arm64 = Architecture(
    name: "aarch64", kbuild: "arm64", sourceDirectory: "arm64",
    emulation: Emulation(
      program: "qemu-system-aarch64", package: "qemu-system-arm", machine: "virt", firmware: nil,
      processor: Processor(model: "cortex-a57", features: []), bus: "pcie.0", serial: "system-serial",
      features: [.tcg: "<gic version='3'/>", .kvm: "<gic version='host'/>"], interrupt: .serialBreak(letter: "c")),
    boot: Boot(
      image: "Image", images: ["Image": "arch/arm64/boot/Image"], console: "ttyAMA0",
      parameters: ["random.trust_bootloader=on"], hangParameters: [], clockParameter: nil),
    registers: RegisterDump(
      instructionPointers: ["pc : "],
      lines: [
        "pstate: ", "pc : ", "lr : ", "sp : ", "pmr_save: ", "x29: ", "x26: ", "x23: ", "x20: ", "x17: ", "x14: ",
        "x11: ", "x8 : ", "x5 : ", "x2 : ", "Code: ",
      ], idle: ["default_idle_call", "cpu_do_idle", "arch_cpu_idle", "do_idle"],
      interruptEntries: ["el1h_64_irq", "el1h_64_fiq"],
      helpers: [
        "dump_backtrace", "el0_", "el0t_64_", "el1_", "el1h_64_", "do_mem_abort", "do_translation_fault",
        "do_alignment_fault", "do_sea", "__do_kernel_fault", "die_kernel_fault", "do_debug_exception", "brk_handler",
        "call_break_hook", "bug_handler", "kasan_handler", "gic_handle_irq", "call_on_irq_stack",
        "do_interrupt_handler", "handle_percpu_devid_", "generic_handle_domain_irq", "ipi_handler", "do_handle_IPI",
        "arch_timer_", "arch_local_irq_", "__arch_copy_", "__arch_clear_user", "__pi_",
      ]),
    instructions: .arm64)
}

extension InstructionSet {
  /// A64, as GNU objdump writes it: the target of a jump is its last operand, and aliases are preferred (`cset`).
  /// - A call has no bias: the processor adds the distance to the address of the instruction itself.
  /// - gcc keeps no-ops at the head of each function for the tracer, and with CONFIG_DYNAMIC_FTRACE_WITH_CALL_OPS
  ///   eight bytes before it (`arch/arm64/Makefile`).
  /// - All instructions that the kernel replaces are listed: for static keys, and for what it replaces while it boots
  ///   (`struct alt_instr`, `arch/arm64/include/asm/alternative.h`). Another no-op only aligns a loop.
  /// - Section anchors would put the offset of a variable among its neighbours into the functions that use it.
  /// - Where two conditions may be decided at once, gcc compares twice (`ccmp`) and branches once: it would not be seen
  ///   which of them decided. With the parameter, each has its branch, as in the source.
  public static let arm64 = InstructionSet(
    prefixes: [], comment: "//",
    rules: [
      Rule("b", .jump, isWhole: true), Rule("b.", .branch), Rule("bl", .call), Rule("brk", .trap), Rule("br", .jump),
      Rule("cbz", .branch), Rule("cbnz", .branch), Rule("tbz", .branch), Rule("tbnz", .branch), Rule("ret", .return),
      Rule("eret", .halt), Rule("udf", .trap),
    ],
    conditions: conditions,
    conditional: [
      "csel", "csinc", "csinv", "csneg", "cset", "csetm", "cinc", "cinv", "cneg", "ccmp", "ccmn",
    ],
    comparing: ["ccmp", "ccmn"],
    registerRules: ["cbz": .zero(true), "cbnz": .zero(false), "tbz": .bit(false), "tbnz": .bit(true)],
    retried: ["stxr", "stlxr", "stxp", "stlxp"], lastByteCheck: nil,
    relocations: ["CALL26", "JUMP26", "CONDBR19", "TSTBR14"], relocationBias: 0,
    traceSite: .entry(before: 8),
    wayTables: [
      WayTable("__jump_table", entry: 16), WayTable("__ex_table", entry: 12),
      WayTable(".altinstructions", entry: 12, replaces: true),
    ], comparingOptions: ["-fno-section-anchors"], branchingOptions: ["--param=logical-op-non-short-circuit=0"])

  /// The condition codes (Arm ARM, C1.2.4), by name and as branches. The flags are where the processor's saved state
  /// has them, and so has `pt_regs`.
  private static let conditions: [Substring: BranchTest] = {
    let (overflow, carry, zero, negative) = (28, 29, 30, 31)
    let tests: [(codes: [Substring], test: BranchTest)] = [
      (["eq"], BranchTest([zero]) { $0[0] }), (["ne"], BranchTest([zero]) { !$0[0] }),
      (["cs", "hs"], BranchTest([carry]) { $0[0] }), (["cc", "lo"], BranchTest([carry]) { !$0[0] }),
      (["mi"], BranchTest([negative]) { $0[0] }), (["pl"], BranchTest([negative]) { !$0[0] }),
      (["vs"], BranchTest([overflow]) { $0[0] }), (["vc"], BranchTest([overflow]) { !$0[0] }),
      (["hi"], BranchTest([carry, zero]) { $0[0] && !$0[1] }), (["ls"], BranchTest([carry, zero]) { !$0[0] || $0[1] }),
      (["ge"], BranchTest([negative, overflow]) { $0[0] == $0[1] }),
      (["lt"], BranchTest([negative, overflow]) { $0[0] != $0[1] }),
      (["gt"], BranchTest([zero, negative, overflow]) { !$0[0] && $0[1] == $0[2] }),
      (["le"], BranchTest([zero, negative, overflow]) { $0[0] || $0[1] != $0[2] }),
    ]
    var found: [Substring: BranchTest] = [:]
    for (codes, test) in tests {
      for code in codes {
        found[code] = test
        found["b.\(code)"] = test
      }
    }
    return found
  }()
}
