// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
public import GuestProtocol
public import SystemPackage
import Toolbox

/// The guest's file system: the guest binary as /init, empty directories as mount points, and the test driver.
public enum Initramfs {
  /// One of our modules, as the guest gets it.
  public enum Module: Sendable, Hashable {
    /// Stored as /NAME.ko.
    case module(FilePath)
    /// Why there is none, stored as /NAME.txt, so that the tests which need it can report it.
    case none(String)
  }

  /// Writes an uncompressed newc archive. It is uncompressed because the guest unpacks it, and the guest is
  /// the slower side.
  /// - Parameters:
  ///   - binary: the static guest binary, without symbols.
  ///   - file: where the archive goes.
  ///   - scratch: a directory of the caller's.
  public static func write(binary: FilePath, to file: FilePath, scratch: FilePath) async throws {
    let root = scratch.appending("initramfs")
    let manager = FileManager.default
    let directories = ["dev", "proc", "sys", "tmp"]
    for name in directories {
      try manager.createDirectory(atPath: root.appending(name).string, withIntermediateDirectories: true)
    }
    let initPath = root.appending("init").string
    if manager.fileExists(atPath: initPath) { try manager.removeItem(atPath: initPath) }
    try manager.copyItem(atPath: binary.string, toPath: initPath)
    try await archive(directories + ["init"], of: root, to: file)
  }

  /// What a guest gets besides the binary.
  public struct Extras: Sendable, Hashable {
    /// The test driver, pbtest.
    public var driver: Module
    /// The counting module, pbcount; needed only if something is to be counted.
    public var counter: Module
    /// What it should count.
    public var trace: TraceRequest
    /// Options that may be too long for the kernel command line.
    public var orders: GuestOptions?

    /// Makes extras without anything to count.
    public init(driver: Module, orders: GuestOptions? = nil) {
      self.init(driver: driver, counter: .none("nothing is counted"), trace: TraceRequest(), orders: orders)
    }

    public init(driver: Module, counter: Module, trace: TraceRequest, orders: GuestOptions? = nil) {
      self.driver = driver
      self.counter = counter
      self.trace = trace
      self.orders = orders
    }
  }

  /// Writes an archive that begins with another one and adds files: the kernel unpacks concatenated archives.
  /// - Parameter scratch: a directory of the caller's; concurrent callers need one each.
  public static func write(_ extras: Extras, behind first: FilePath, to file: FilePath, scratch: FilePath) async throws
  {
    let root = scratch.appending("initramfs-extras")
    let manager = FileManager.default
    try? manager.removeItem(atPath: root.string)
    try manager.createDirectory(atPath: root.string, withIntermediateDirectories: true)
    var names: [String] = []
    func add(_ path: String, _ text: String) throws {
      let name = String(path.drop { $0 == "/" })
      try Data(text.utf8).write(to: URL(filePath: root.appending(name).string))
      names.append(name)
    }
    func add(_ module: Module, _ name: String) throws {
      switch module {
      case .module(let module):
        names.append("\(name).ko")
        try manager.copyItem(atPath: module.string, toPath: root.appending("\(name).ko").string)
      case .none(let reason): try add("\(name).txt", reason)
      }
    }
    try add(extras.driver, "pbtest")
    if !extras.trace.isEmpty {
      try add(extras.counter, "pbcount")
      try add(TraceRequest.path, extras.trace.text)
    }
    if let orders = extras.orders { try add(GuestOptions.path, orders.orders()) }
    let second = scratch.appending("extras.cpio")
    try await archive(names, of: root, to: second)
    // cpio pads an archive to 512 bytes, and the kernel requires the next one to begin at a multiple of four.
    var whole = try Data(contentsOf: URL(filePath: first.string))
    whole.append(try Data(contentsOf: URL(filePath: second.string)))
    try whole.write(to: URL(filePath: file.string))
  }

  /// Writes an archive for interactive use: busybox, the guest binary, the test driver, and a short greeting.
  /// - Parameters:
  ///   - busybox: a static one.
  ///   - console: the kernel's name for the serial line.
  ///   - scratch: a directory of the caller's.
  public static func writeShell(
    busybox: FilePath, guestBinary: FilePath, driver: Module, console: String, to file: FilePath, scratch: FilePath
  ) async throws {
    let root = scratch.appending("initramfs-shell")
    let manager = FileManager.default
    var names = ["bin", "dev", "proc", "sys", "tmp"]
    for name in names {
      try manager.createDirectory(atPath: root.appending(name).string, withIntermediateDirectories: true)
    }
    func add(_ source: FilePath, as name: String) throws {
      try manager.copyItem(atPath: source.string, toPath: root.appending(name).string)
      names.append(name)
    }
    try add(busybox, as: "bin/busybox")
    try add(guestBinary, as: "patchbench-guest")
    if case .module(let module) = driver { try add(module, as: "pbtest.ko") }
    try Data(script(console).utf8).write(to: URL(filePath: root.appending("rc").string))
    names.append("rc")
    try await archive(names, of: root, to: file)
  }

  /// The prompt, which shows that the shell reads input.
  public static let shellPrompt = "guest# "

  /// busybox's first script. The machine ends with the shell, so that the user cannot get stuck in it.
  private static func script(_ console: String) -> String {
    """
    B=/bin/busybox
    $B mount -t devtmpfs dev /dev
    exec </dev/\(console) >/dev/\(console) 2>&1
    $B --install -s /bin
    export PATH=/bin HOME=/tmp TERM=linux PS1='\(shellPrompt)'
    mount -t proc proc /proc
    mount -t sysfs sys /sys
    mount -t debugfs debug /sys/kernel/debug
    mount -t tracefs trace /sys/kernel/tracing 2>/dev/null
    mount -t tmpfs tmp /tmp
    [ -e /pbtest.ko ] && insmod /pbtest.ko
    cat <<'END'

    This guest runs your kernel. `patchbench-guest --run [TEST …]` runs tests, `dmesg` prints the kernel log,
    and /sys/kernel/tracing has the tracer. `exit` stops the machine.
    END
    cd /tmp
    ln -s /patchbench-guest /bin/patchbench-guest
    setsid -c sh -i
    reboot -f

    """
  }

  /// Returns an archive of one file, to follow another of `length` bytes: the kernel requires it to begin at a
  /// multiple of four.
  static func archive(_ path: String, _ text: String, behind length: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: -length & 3)
    let start = bytes.count
    func add(_ name: String, mode: Int, _ text: String) {
      // newc: inode, mode, owner, group, links, time, size, four device numbers, the name's length, a checksum.
      let fields = [1, mode, 0, 0, 1, 0, text.utf8.count, 0, 0, 0, 0, name.utf8.count + 1, 0]
      bytes += "070701".utf8
      for field in fields {
        let digits = String(field, radix: 16)
        bytes += (String(repeating: "0", count: 8 - digits.count) + digits).utf8
      }
      for part in [Array(name.utf8) + [0], Array(text.utf8)] {
        bytes += part
        while (bytes.count - start) & 3 != 0 { bytes.append(0) }
      }
    }
    add(String(path.drop { $0 == "/" }), mode: 0o100400, text)
    add("TRAILER!!!", mode: 0, "")
    return bytes
  }

  private static func archive(_ names: [String], of root: FilePath, to file: FilePath) async throws {
    let result = try await Tool(
      "cpio", ["--create", "--format=newc", "--reproducible", "--owner=0:0", "--quiet", "-F", file.string], in: root
    ).run(input: Array((names.joined(separator: "\n") + "\n").utf8))
    guard result.status.isSuccess else {
      throw ToolError.failed("cpio", status: result.status, output: result.errors)
    }
  }
}
