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
    /// QEMU's firmware file.
    public var firmware: String
    public var processor: Processor
    /// The PCI bus that devices are attached to.
    public var bus: String
    /// libvirt's name for the device of the serial line.
    public var serial: String
  }

  /// The processor of an emulated guest, in QEMU's words.
  public struct Processor: Sendable, Hashable {
    public var model: String
    public var features: [String]
  }

  /// What the kernel's build makes, and how it is started.
  public struct Boot: Sendable, Hashable {
    /// The compressed image, relative to the tree's root.
    public var compressedImage: String
    /// The kernel's name for the serial line of its console.
    public var console: String
    /// Kernel command line parameters that guests need.
    public var parameters: [String]
    /// The parameter that gives a guest its clock frequency, in kHz; `nil` if the guest does not need it.
    public var clockParameter: String?
  }

  /// How the kernel shows the registers in a splat.
  public struct RegisterDump: Sendable, Hashable {
    /// The text before the instruction pointer in the kernel's register dumps, for kernel-mode pointers only.
    public var instructionPointers: [String]
    /// The prefixes of the lines of a register dump.
    public var lines: [String]
  }

  /// As `uname -m` prints it.
  public var name: String
  public var emulation: Emulation
  public var boot: Boot
  public var registers: RegisterDump
  /// How to read its machine code.
  public var instructions: InstructionSet

  /// The architecture of the guests and of the kernels that are built.
  public static let host = x86
}
