// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import GuestProtocol

/// The point at which a guest waits to be saved, and from which it goes on each time it is restored.
enum Hold {
  /// Says on the results port that the guest holds, and waits for its orders for as long as it takes: whoever started
  /// this guest has the clock.
  /// - Returns: what it is to do and who signs its results; `nil` if there is nothing to get orders from, or what came is no
  ///   line of orders.
  static func wait(saying results: OpenFile) -> (GuestOptions, Signer?)? {
    guard let port = HostPort.open(GuestHold.ordersPort, flags: O_RDONLY) else {
      Kmsg.say("no port \(GuestHold.ordersPort): nowhere to get orders from")
      return nil
    }
    defer { port.close() }
    // Made at its first use, which would otherwise be after the hold and again in every restored guest.
    _ = Suite.tests
    results.write(GuestHold.line + "\n")
    guard var line = line(from: port, most: GuestHold.longestOrders) else {
      Kmsg.say("what came was no line of orders")
      return nil
    }
    // Stands in the console where it goes on after the one of the boot.
    Kmsg.say("holds no longer")
    let (options, secret) = GuestSecret.cut(off: line)
    let words = String(decoding: options, as: UTF8.self)
    let signer = secret.map(Signer.init)
    line.withUnsafeMutableBytes { explicit_bzero($0.baseAddress!, $0.count) }
    return (GuestOptions(commandLine: words), signer)
  }

  /// One line without its newline, or nil if the file ends before it does or it is longer than `most` bytes, newline
  /// included. What stands behind the newline is read and lost.
  static func line(from file: OpenFile, most: Int) -> [UInt8]? {
    var line: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 4096)
    while line.count < most {
      let count = read(file.number, &piece, min(piece.count, most - line.count))
      if count < 0, errno == EINTR { continue }
      if count <= 0 { return nil }
      line += piece[..<count]
      if let end = line.firstIndex(of: 0x0a) { return Array(line[..<end]) }
    }
    return nil
  }
}
