// SPDX-License-Identifier: Apache-2.0

/// Everything specific to one architecture, except decoding its machine code. Each architecture is one value.
public struct Architecture: Sendable, Hashable {
  /// The processor of an emulated guest, in QEMU's words.
  public struct Processor: Sendable, Hashable {
    public var model: String
    public var features: [String]
  }

  /// As `uname -m` prints it.
  public var name: String
  /// QEMU's executable, looked up in PATH.
  public var emulator: String
  /// The Debian package that provides it.
  public var emulatorPackage: String
  /// QEMU's machine type, which names the guest in reports.
  public var machine: String
  /// QEMU's firmware file.
  public var firmware: String
  public var processor: Processor
  /// The kernel's name for the serial line of its console.
  public var console: String
  /// libvirt's name for that line's device.
  public var serial: String
  /// The PCI bus that devices are attached to.
  public var bus: String
  /// The compressed image, relative to the tree's root.
  public var compressedImage: String
  /// The directory of objects that are not part of the uncompressed image.
  public var bootDirectory: String
  /// Kernel command line parameters that guests need.
  public var parameters: [String]
  /// The parameter that gives a guest its clock frequency, in kHz; `nil` if the guest does not need it.
  public var clockParameter: String?
  /// The text before the instruction pointer in the kernel's register dumps, for kernel-mode pointers only.
  public var instructionPointers: [String]
  /// The prefixes of the lines of the kernel's register dumps.
  public var registers: [String]

  /// x86_64 guests on QEMU's q35 machine.
  /// - The CPU is qemu64, because an emulated processor with fewer features spends less time on them.
  /// - It has rdrand, because without it the guest's first random number, which the Swift runtime requests, waits
  ///   seconds for the kernel to gather entropy.
  /// - The firmware is qboot, QEMU's own for guests that only need their kernel started. SeaBIOS would do the same here
  ///   in twice the time.
  /// - `pmtmr` is the port of the timer that q35 has and that the kernel calibrates its clock against. These guests
  ///   have no ACPI to find it by.
  public static let x86 = Architecture(
    name: "x86_64", emulator: "qemu-system-x86_64", emulatorPackage: "qemu-system-x86", machine: "q35",
    firmware: "qboot.rom", processor: Processor(model: "qemu64", features: ["rdrand"]), console: "ttyS0",
    serial: "isa-serial", bus: "pcie.0", compressedImage: "arch/x86/boot/bzImage", bootDirectory: "arch/x86/boot/",
    parameters: ["no_timer_check", "tsc=reliable", "pmtmr=0x608"], clockParameter: "tsc_early_khz",
    instructionPointers: ["RIP: 0010:", "RIP: e030:"],
    registers: [
      "RIP: ", "Code: ", "RSP: ", "RAX: ", "RDX: ", "RBP: ", "R10: ", "R13: ", "FS:  ", "CS:  ", "CR2: ", "ORIG_RAX",
    ])

  /// The architecture of the guests and kernels here.
  public static let host = x86
}
