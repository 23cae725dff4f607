// SPDX-License-Identifier: Apache-2.0

extension Architecture {
  /// x86_64 guests on QEMU's q35 machine.
  /// - The CPU is qemu64, because an emulated processor with fewer features spends less time on them.
  /// - It has rdrand, because without it the guest's first random number, which Swift requests, waits
  ///   seconds for the kernel to gather entropy.
  /// - The firmware is qboot, QEMU's own for guests that only need their kernel started. SeaBIOS would do the same here
  ///   in twice the time.
  /// - `pmtmr` is the port of the timer that q35 has and that the kernel calibrates its clock against. These guests
  ///   have no ACPI to find it by.
  public static let x86 = Architecture(
    name: "x86_64", kbuild: "x86_64", sourceDirectory: "x86",
    emulation: Emulation(
      program: "qemu-system-x86_64", package: "qemu-system-x86", machine: "q35", firmware: "qboot.rom",
      processor: Processor(model: "qemu64", features: ["rdrand"]), bus: "pcie.0", serial: "isa-serial",
      features: [.tcg: "<acpi/>", .kvm: "<acpi/>"], interrupt: .nonMaskable),
    boot: Boot(
      image: "vmlinux", images: ["vmlinux": "vmlinux", "bzImage": "arch/x86/boot/bzImage"], console: "ttyS0",
      parameters: ["no_timer_check", "tsc=reliable", "pmtmr=0x608"], hangParameters: ["unknown_nmi_panic"],
      clockParameter: "tsc_early_khz"),
    registers: RegisterDump(
      instructionPointers: ["RIP: 0010:", "RIP: e030:"],
      lines: [
        "RIP: ", "Code: ", "RSP: ", "RAX: ", "RDX: ", "RBP: ", "R10: ", "R13: ", "FS:  ", "CS:  ", "CR2: ", "ORIG_RAX",
      ],
      idle: [
        "default_idle", "native_safe_halt", "pv_native_safe_halt", "amd_e400_idle", "mwait_idle", "acpi_idle_do_entry",
        "intel_idle",
      ], interruptEntries: [], helpers: []),
    instructions: .x86)
}

extension InstructionSet {
  /// x86-64 in AT&T's syntax. objdump writes the two-byte no-op as `xchg %ax,%ax`.
  public static let x86 = InstructionSet(
    prefixes: ["lock", "rep", "repz", "repnz", "notrack", "bnd", "cs", "ds"], comment: "#",
    rules: [
      Rule("jmp", .jump), Rule("j", .branch), Rule("call", .call), Rule("ret", .return), Rule("hlt", .halt),
      Rule("ud", .trap), Rule("nop", .padding), Rule("xchg", .padding),
    ],
    conditions: conditions, conditional: [], comparing: [], registerRules: [:], retried: [],
    lastByteCheck: LastByteCheck(branch: "jl", test: "test"), relocations: ["PC32", "PLT32"], relocationBias: 4,
    traceSite: .listed,
    wayTables: [WayTable("__jump_table", entry: 16), WayTable("__ex_table", entry: 12)], comparingOptions: [],
    branchingOptions: [])

  /// The conditional jumps, moves and sets (Intel SDM, volume 1, appendix B).
  private static let conditions: [Substring: BranchTest] = {
    let (carry, parity, zero, sign, overflow) = (0, 2, 6, 7, 11)
    let tests: [(codes: [Substring], test: BranchTest)] = [
      (["o"], BranchTest([overflow]) { $0[0] }), (["no"], BranchTest([overflow]) { !$0[0] }),
      (["b", "c", "nae"], BranchTest([carry]) { $0[0] }), (["ae", "nc", "nb"], BranchTest([carry]) { !$0[0] }),
      (["e", "z"], BranchTest([zero]) { $0[0] }), (["ne", "nz"], BranchTest([zero]) { !$0[0] }),
      (["be", "na"], BranchTest([carry, zero]) { $0[0] || $0[1] }),
      (["a", "nbe"], BranchTest([carry, zero]) { !$0[0] && !$0[1] }),
      (["s"], BranchTest([sign]) { $0[0] }), (["ns"], BranchTest([sign]) { !$0[0] }),
      (["p", "pe"], BranchTest([parity]) { $0[0] }), (["np", "po"], BranchTest([parity]) { !$0[0] }),
      (["l", "nge"], BranchTest([sign, overflow]) { $0[0] != $0[1] }),
      (["ge", "nl"], BranchTest([sign, overflow]) { $0[0] == $0[1] }),
      (["le", "ng"], BranchTest([zero, sign, overflow]) { $0[0] || $0[1] != $0[2] }),
      (["g", "nle"], BranchTest([zero, sign, overflow]) { !$0[0] && $0[1] == $0[2] }),
    ]
    var found: [Substring: BranchTest] = [:]
    for (codes, test) in tests {
      for code in codes {
        for prefix in ["j", "cmov", "set"] { found["\(prefix)\(code)"] = test }
      }
    }
    return found
  }()
}
