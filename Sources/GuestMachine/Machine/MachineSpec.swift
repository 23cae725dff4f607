// SPDX-License-Identifier: Apache-2.0

public import BenchModel
public import GuestProtocol
public import SystemPackage
import Toolbox

/// A guest as a value: everything that decides how it starts and nothing about what it does.
public struct MachineSpec: Sendable, Hashable {
  /// Unique on this host.
  public var name: String
  public var accelerator: Accelerator
  public var kernel: FilePath
  public var initramfs: FilePath
  public var commandLine: KernelCommandLine
  public var processors = 2
  /// In MiB.
  public var memory = MachineSpec.standardMemory
  /// A file of kernel text, from the first byte the firmware lets through.
  public var console: FilePath
  /// A file of KTAP, written by PID 1 of the guest.
  public var results: FilePath
  /// The most bytes that are kept and read of either; the others are counted.
  public var mostConsole = GuestOutput.console.most
  public var mostResults = GuestOutput.results.most
  /// Its serial line is a terminal of the host's, for somebody to sit at, and not a file.
  public var hasTerminal = false
  /// With what the guest signs its results; one that waits to be saved gets none. Nobody chooses it: it is another one for
  /// each guest.
  public var secret: GuestSecret?
  /// What a guest that holds has besides; `nil` for one that goes on by itself.
  public var hold: Hold?

  /// What makes a guest one that waits for orders, at a point where it can be saved.
  public struct Hold: Sendable, Hashable {
    /// libvirt restores a state only under the name and the UUID that it was saved under.
    public var uuid: String
    /// What the guest will find on its port; nothing for one that is to be saved where it waits.
    public var orders: String

    public init(uuid: String, orders: String = "") {
      self.uuid = uuid
      self.orders = orders
    }
  }

  public init(
    name: String, accelerator: Accelerator, kernel: FilePath, initramfs: FilePath, commandLine: KernelCommandLine,
    console: FilePath, results: FilePath
  ) {
    self.name = name
    self.accelerator = accelerator
    self.kernel = kernel
    self.initramfs = initramfs
    self.commandLine = commandLine
    self.console = console
    self.results = results
    secret = .random()
  }

  /// The same guest, made to hold.
  public func holding(_ hold: Hold) -> MachineSpec {
    var spec = self
    spec.hold = hold
    spec.secret = nil
    spec.commandLine.parameters.append("patchbench.hold")
    return spec
  }

  /// In MiB: enough for KASAN's shadow and what the tests map.
  public static let standardMemory = 512
  /// The name by which the guest finds its results port under /sys/class/virtio-ports.
  public static let resultsPort = "org.patchbench.results.0"
}

/// The kernel's command line.
public struct KernelCommandLine: Sendable, Hashable {
  public var parameters: [String]

  /// For a guest that somebody sits at: its init is busybox, with a script to begin with.
  public static let shell: KernelCommandLine = {
    var line = KernelCommandLine(GuestOptions())
    line.parameters = line.parameters.filter { !$0.hasPrefix("patchbench.") && $0 != "unknown_nmi_panic" }
    line.parameters += ["rdinit=/bin/busybox", "--", "sh", "/rc"]
    return line
  }()

  /// What every guest gets: kernel text on the serial line, an end of the machine on a panic instead of a wait, all
  /// KASAN reports instead of the first alone. And a clock without ACPI to tell of one: QEMU's processors share their
  /// TSC, whose rate they are told (``TimeStampCounter``). An NMI
  /// is what ``Machine/interrupt()`` sends to a guest that hangs: it panics then, and shows with it the locks that are
  /// held, all processors' backtraces and the tasks that are blocked (`kernel/panic.c`, `panic_print_sys_info()`).
  public init(_ options: GuestOptions) {
    parameters =
      [
        "console=\(Architecture.host.boot.console)", "panic=-1", "kasan_multi_shot", "log_buf_len=4M",
        "random.trust_cpu=on", "unknown_nmi_panic", "panic_print=0xc8",
      ] + Architecture.host.boot.parameters + Self.clock + options.parameters
  }

  private static var clock: [String] {
    guard let name = Architecture.host.boot.clockParameter, let rate = TimeStampCounter.kilohertz else { return [] }
    return ["\(name)=\(rate)"]
  }

  /// The same, of a kernel that stays where it panicked, so that its memory can be looked at.
  public var staying: KernelCommandLine {
    var line = self
    line.parameters = parameters.map { $0 == "panic=-1" ? "panic=0" : $0 }
    return line
  }

  public var text: String { parameters.joined(separator: " ") }
}
