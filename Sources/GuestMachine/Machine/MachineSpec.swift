// SPDX-License-Identifier: Apache-2.0

public import BenchModel
public import GuestProtocol
public import SystemPackage
import Toolbox

/// A guest as a value: everything that decides how it starts, and nothing about what it does.
public struct MachineSpec: Sendable, Hashable {
  /// Unique on this host.
  public var name: String
  public var architecture: Architecture
  public var accelerator: Accelerator
  public var kernel: FilePath
  public var initramfs: FilePath
  public var commandLine: KernelCommandLine
  public var processors = 2
  /// QEMU's names of the devices next to those that every guest has, from the first PCI slot on.
  public var devices: [String] = []
  /// In MiB.
  public var memory = MachineSpec.standardMemory
  /// A file of kernel text, from the first byte that the firmware lets through.
  public var console: FilePath
  /// A file of KTAP, written by PID 1 of the guest.
  public var results: FilePath
  /// The maximum number of bytes that are kept and read of each; the excess is only counted.
  public var mostConsole = GuestOutput.console.most
  public var mostResults = GuestOutput.results.most
  /// The serial line is a terminal on the host for interactive use, not a file.
  public var hasTerminal = false
  /// The key with which the guest signs its results; a guest that waits to be saved gets none. It is random, and
  /// different for each guest.
  public var secret: GuestSecret?
  /// The additional settings of a guest that holds; `nil` for one that continues by itself.
  public var hold: Hold?

  /// Makes a guest wait for orders, at a point where it can be saved.
  public struct Hold: Sendable, Hashable {
    /// libvirt restores a state only under the name and UUID that it was saved under.
    public var uuid: String
    /// The orders that the guest will find on its port; empty for a guest to be saved at its hold.
    public var orders: String

    public init(uuid: String, orders: String = "") {
      self.uuid = uuid
      self.orders = orders
    }
  }

  public init(
    name: String, _ architecture: Architecture, accelerator: Accelerator, kernel: FilePath, initramfs: FilePath,
    commandLine: KernelCommandLine, console: FilePath, results: FilePath
  ) {
    self.name = name
    self.architecture = architecture
    self.accelerator = accelerator
    self.kernel = kernel
    self.initramfs = initramfs
    self.commandLine = commandLine
    self.console = console
    self.results = results
    secret = .random()
  }

  /// Returns the same guest, made to hold.
  public func holding(_ hold: Hold) -> MachineSpec {
    var spec = self
    spec.hold = hold
    spec.secret = nil
    spec.commandLine.parameters.append("patchbench.hold")
    return spec
  }

  /// The arguments for QEMU's command line that add ``devices``. libvirt cannot add all of them itself.
  public var deviceArguments: [String] {
    devices.enumerated().flatMap { number, device in
      ["-device", "\(device),bus=\(architecture.emulation.bus),addr=0x\(String(0x10 + number, radix: 16))"]
    }
  }

  /// In MiB: enough for KASAN's shadow and for what the tests map.
  public static let standardMemory = 512
  /// The name under /sys/class/virtio-ports by which the guest finds its results port.
  public static let resultsPort = "org.patchbench.results.0"
}

/// The kernel's command line.
public struct KernelCommandLine: Sendable, Hashable {
  public var parameters: [String]

  /// For an interactive guest: its init is busybox, which starts with a script.
  public static func shell(for architecture: Architecture) -> KernelCommandLine {
    var line = KernelCommandLine(GuestOptions(), for: architecture)
    line.parameters.removeAll { $0.hasPrefix("patchbench.") || architecture.boot.hangParameters.contains($0) }
    line.parameters += ["rdinit=/bin/busybox", "--", "sh", "/rc"]
    return line
  }

  /// Makes the command line that every guest gets:
  /// - Kernel text goes to the serial line.
  /// - A panic ends the machine instead of waiting.
  /// - KASAN reports every bug instead of only the first.
  /// - The clock needs no ACPI to describe it: QEMU's processors share their TSC and are given its rate
  ///   (``TimeStampCounter``).
  /// - ``Machine/interrupt()``, which is sent to a guest that hangs, makes it panic. The panic also prints the held
  ///   locks, all processors' backtraces and the blocked tasks (`kernel/panic.c`, `panic_print_sys_info()`).
  public init(_ options: GuestOptions, for architecture: Architecture) {
    let boot = architecture.boot
    parameters =
      [
        "console=\(boot.console)", "panic=-1", "kasan_multi_shot", "log_buf_len=4M", "random.trust_cpu=on",
        "panic_print=0xc8",
      ] + boot.hangParameters + boot.parameters + Self.clock(boot) + options.parameters
  }

  private static func clock(_ boot: Architecture.Boot) -> [String] {
    guard let name = boot.clockParameter, let rate = TimeStampCounter.kilohertz else { return [] }
    return ["\(name)=\(rate)"]
  }

  /// The same command line, but the kernel halts after a panic, so that its memory can be inspected.
  public var staying: KernelCommandLine {
    var line = self
    line.parameters = parameters.map { $0 == "panic=-1" ? "panic=0" : $0 }
    return line
  }

  public var text: String { parameters.joined(separator: " ") }
}
