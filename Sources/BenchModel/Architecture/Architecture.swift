// SPDX-License-Identifier: Apache-2.0

/// All that is true of one architecture alone, outside the reading of its machine code. Another one is another value.
public struct Architecture: Sendable, Hashable {
  /// What an emulated guest has for a processor, in QEMU's words.
  public struct Processor: Sendable, Hashable {
    public var model: String
    public var features: [String]
  }

  /// As `uname -m` has it.
  public var name: String
  /// QEMU's program, as it is found in the PATH.
  public var emulator: String
  /// The Debian package that has it.
  public var emulatorPackage: String
  /// QEMU's machine type, which names the guest in reports.
  public var machine: String
  /// QEMU's file of firmware.
  public var firmware: String
  public var processor: Processor
  /// The kernel's name of the serial line that it writes to.
  public var console: String
  /// What libvirt calls that line's device.
  public var serial: String
  /// The PCI bus that devices are put on.
  public var bus: String
  /// The compressed image, relative to the tree's root.
  public var compressedImage: String
  /// Where objects lie that are no part of the uncompressed image.
  public var bootDirectory: String
  /// What guests need on their kernel's command line.
  public var parameters: [String]
  /// The parameter that tells a guest how fast its clock runs, in kHz; `nil` where it knows.
  public var clockParameter: String?
  /// What stands before the instruction pointer where the kernel shows its registers, as far as it is the kernel's own.
  public var instructionPointers: [String]
  /// What begins the lines on which the kernel shows registers.
  public var registers: [String]

  /// qemu64, because an emulated processor with fewer features spends less on them. Without rdrand the guest's first random
  /// number, which the Swift runtime asks for, waits seconds for the kernel to gather noise. qboot is QEMU's own firmware
  /// for guests that need nothing but their kernel started, which is all that SeaBIOS would do here in twice the time.
  /// `pmtmr` is where a q35 has the timer by which the kernel refines its clock: its guests have no ACPI to tell them.
  public static let x86 = Architecture(
    name: "x86_64", emulator: "qemu-system-x86_64", emulatorPackage: "qemu-system-x86", machine: "q35",
    firmware: "qboot.rom", processor: Processor(model: "qemu64", features: ["rdrand"]), console: "ttyS0",
    serial: "isa-serial", bus: "pcie.0", compressedImage: "arch/x86/boot/bzImage", bootDirectory: "arch/x86/boot/",
    parameters: ["no_timer_check", "tsc=reliable", "pmtmr=0x608"], clockParameter: "tsc_early_khz",
    instructionPointers: ["RIP: 0010:", "RIP: e030:"],
    registers: [
      "RIP: ", "Code: ", "RSP: ", "RAX: ", "RDX: ", "RBP: ", "R10: ", "R13: ", "FS:  ", "CS:  ", "CR2: ", "ORIG_RAX",
    ])

  /// That of guests and kernels here.
  public static let host = x86
}
