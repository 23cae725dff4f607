// SPDX-License-Identifier: Apache-2.0

/// Everything that is true of one architecture only. Each has a file with its value beside this one.
public struct Architecture: Sendable, Hashable {
  /// The machine that QEMU makes.
  public struct Emulation: Sendable, Hashable {
    /// QEMU's executable, looked up in PATH.
    public var program: String
    /// The Debian package that provides it.
    public var package: String
    /// QEMU's machine type, which names the guest in reports.
    public var machine: String
    /// QEMU's firmware file; `nil` if the machine starts a kernel without any.
    public var firmware: String?
    public var processor: Processor
    /// The PCI bus that devices are attached to.
    public var bus: String
    /// libvirt's name for the device of the serial line.
    public var serial: String
    /// libvirt's features of the machine, in its XML.
    public var features: [Accelerator: String]
    /// How a guest that hangs is made to panic.
    public var interrupt: Interrupt
  }

  /// How a guest that hangs is made to panic.
  public enum Interrupt: Sendable, Hashable {
    /// By a non-maskable interrupt, which is handled whatever the processor does.
    case nonMaskable
    /// By a break on the serial line, followed by a letter (Documentation/admin-guide/sysrq.rst). The line's interrupt
    /// is handled only where interrupts are enabled.
    case serialBreak(letter: String)
  }

  /// The processor of an emulated guest, in QEMU's words.
  public struct Processor: Sendable, Hashable {
    public var model: String
    public var features: [String]
  }

  /// What the kernel's build makes, and how it is started.
  public struct Boot: Sendable, Hashable {
    /// The image that is booted if a profile names none: a target of make.
    public var image: String
    /// By target of make: the images that can be booted, relative to the tree's root.
    public var images: [String: String]
    /// The kernel's name for the serial line of its console.
    public var console: String
    /// Kernel command line parameters that guests need.
    public var parameters: [String]
    /// The parameters that make a kernel panic at ``Emulation/interrupt``.
    public var hangParameters: [String]
    /// The parameter that gives a guest its clock frequency, in kHz; `nil` if the guest does not need it.
    public var clockParameter: String?
  }

  /// How the kernel shows the registers in a splat.
  public struct RegisterDump: Sendable, Hashable {
    /// The text before the instruction pointer in the kernel's register dumps, for kernel-mode pointers only.
    public var instructionPointers: [String]
    /// The prefixes of the lines of a register dump.
    public var lines: [String]
    /// The functions in which an idle processor waits for an interrupt.
    public var idle: Set<String>
    /// The functions in which an interrupt of the kernel begins. If a processor says by a call trace alone where it was,
    /// that is the frame behind.
    public var interruptEntries: Set<String>
    /// Beginnings of the names of functions that a call trace has between a fault and the code that caused it, besides
    /// those that all architectures share.
    public var helpers: [String]
  }

  /// As `uname -m` prints it.
  public var name: String
  /// kbuild's `ARCH`.
  public var kbuild: String
  /// Its directory under `arch/` (`SRCARCH` in the kernel's top Makefile).
  public var sourceDirectory: String
  public var emulation: Emulation
  public var boot: Boot
  public var registers: RegisterDump
  /// How to read its machine code.
  public var instructions: InstructionSet

  /// Those that guests can have.
  public static let all = [x86, arm64]

  /// The machine's own.
  #if arch(arm64)
    public static let host = arm64
  #else
    public static let host = x86
  #endif

  /// Returns the architecture that guests can have by this name, `uname -m`'s or kbuild's; `nil` if none can.
  public static func named(_ name: String) -> Architecture? {
    all.first { $0.name == name || $0.kbuild == name }
  }

  /// Whether a guest of this architecture can run on the machine's own processors.
  public var isHost: Bool { name == Self.host.name }
}

extension Architecture.RegisterDump {
  /// How the kernels of all architectures show them. No line of one means something else in a log of another.
  public static let any = Architecture.RegisterDump(
    instructionPointers: Architecture.all.flatMap(\.registers.instructionPointers),
    lines: Architecture.all.flatMap(\.registers.lines),
    idle: Architecture.all.reduce(into: []) { $0.formUnion($1.registers.idle) },
    interruptEntries: Architecture.all.reduce(into: []) { $0.formUnion($1.registers.interruptEntries) },
    helpers: Architecture.all.flatMap(\.registers.helpers))
}
