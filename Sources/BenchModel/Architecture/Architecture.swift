// SPDX-License-Identifier: Apache-2.0

/// Everything that is true of one architecture only. Each has a file with its value beside this one.
public struct Architecture: Sendable, Hashable {
  /// The machine that QEMU makes.
  public struct Emulation: Sendable, Hashable {
    /// QEMU's program, as it is found in the PATH.
    public var program: String
    /// The Debian package that has it.
    public var package: String
    /// QEMU's machine type, which names the guest in reports.
    public var machine: String
    /// QEMU's file of firmware.
    public var firmware: String
    public var processor: Processor
    /// The PCI bus that devices are put on.
    public var bus: String
    /// What libvirt calls the device of the serial line.
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
    /// Where objects lie that are no part of the uncompressed image.
    public var directory: String
    /// The kernel's name of the serial line that it writes to.
    public var console: String
    /// What guests need on their kernel's command line.
    public var parameters: [String]
    /// The parameter that tells a guest how fast its clock runs, in kHz; `nil` where it knows.
    public var clockParameter: String?
  }

  /// How the kernel shows the registers in a splat.
  public struct RegisterDump: Sendable, Hashable {
    /// What stands before the instruction pointer, where that is the kernel's own.
    public var instructionPointers: [String]
    /// What the lines of a register dump begin with.
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
