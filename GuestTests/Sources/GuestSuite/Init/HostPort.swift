// SPDX-License-Identifier: Apache-2.0

internal import CLibc

/// The virtio-serial ports between guest and host, which the guest finds by their names.
enum HostPort {
  /// The port through which results leave the guest.
  static let results = "org.patchbench.results.0"
  private static let folder = "/sys/class/virtio-ports"
  /// How often to look for a port, or for what it brings, 50 ms apart. A busy host may keep its emulator from running for
  /// seconds. The host ends a guest that waits in vain for longer than a boot may take.
  static let looks = 1200

  /// Opens a port, or returns nil if the guest has none of this name. The device sends a port's name in a separate
  /// message after the probe, possibly later than the start of PID 1; hence the wait.
  static func open(_ name: String, flags: Int32) -> OpenFile? {
    for _ in 0..<looks {
      for port in names(in: folder) {
        guard let text = try? readText("\(folder)/\(port)/name"), text.split(separator: "\n").first == name[...] else {
          continue
        }
        if let file = try? OpenFile("/dev/\(port)", flags: flags) { return file }
      }
      usleep(50_000)
    }
    return nil
  }
}
