// SPDX-License-Identifier: Apache-2.0

internal import CLibc
internal import GuestProtocol

/// The point at which a guest waits to be saved, and from which it continues each time it is restored.
enum Hold {
  /// Reports on the results port that the guest holds, and waits for its orders without a timeout: the host that
  /// started this guest has the clock.
  /// - Returns: what to do and who signs the results; `nil` if there is no source of orders, or if what came is not a
  ///   line of orders.
  static func wait(saying results: OpenFile) -> (GuestOptions, Signer?)? {
    guard let port = HostPort.open(GuestHold.ordersPort, flags: O_RDONLY) else {
      Kmsg.say("no port \(GuestHold.ordersPort): cannot receive orders")
      return nil
    }
    defer { port.close() }
    // Initialized on first use, which would otherwise be after the hold and again in every restored guest.
    _ = Suite.tests
    results.write(GuestHold.line + "\n")
    guard var line = line(from: port, most: GuestHold.longestOrders, looks: HostPort.looks) else {
      Kmsg.say("received something that is not a line of orders")
      return nil
    }
    // Marks the place where the console continues after that of the boot.
    Kmsg.say("holds no longer")
    let (options, secret) = GuestSecret.cut(off: line)
    let words = String(decoding: options, as: UTF8.self)
    let signer = secret.map(Signer.init)
    line.withUnsafeMutableBytes { explicit_bzero($0.baseAddress!, $0.count) }
    return (GuestOptions(commandLine: words), signer)
  }

  /// Returns one line without its newline, or nil if the file ends before the newline or the line is longer than `most`
  /// bytes, newline included. What follows the newline is read and discarded.
  /// - Parameter looks: how often to look, 50 ms apart, for a first byte. The device says in a separate message, after
  ///   the port's name, that the host has opened the port. Until then a read finds the end of the file
  ///   (`port_fops_read()` in `drivers/char/virtio_console.c`).
  static func line(from file: OpenFile, most: Int, looks: Int = 1) -> [UInt8]? {
    var line: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 4096)
    var looks = looks
    while line.count < most {
      let count = read(file.number, &piece, min(piece.count, most - line.count))
      if count < 0, errno == EINTR { continue }
      if count == 0, line.isEmpty, looks > 1 {
        looks -= 1
        usleep(50_000)
        continue
      }
      if count <= 0 { return nil }
      line += piece[..<count]
      if let end = line.firstIndex(of: 0x0a) { return Array(line[..<end]) }
    }
    return nil
  }
}
