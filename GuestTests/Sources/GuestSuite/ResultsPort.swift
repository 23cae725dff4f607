internal import Glibc

/// The virtio-serial port on which results leave the guest.
enum ResultsPort {
  static let name = "org.patchbench.results.0"
  private static let folder = "/sys/class/virtio-ports"

  /// Opens the port, or nil if the guest has none. The device tells a port's name in a message of its own after it
  /// was probed, which may be later than the start of PID 1; hence the wait.
  static func open() -> OpenFile? {
    for _ in 0..<100 {
      for port in names(in: folder) {
        guard let text = try? readText("\(folder)/\(port)/name"), text.split(separator: "\n").first == name[...] else {
          continue
        }
        if let file = try? OpenFile("/dev/\(port)", flags: O_WRONLY) { return file }
      }
      usleep(50_000)
    }
    return nil
  }
}
