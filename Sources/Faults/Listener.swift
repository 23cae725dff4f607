// SPDX-License-Identifier: Apache-2.0

import Glibc
import SystemPackage

/// A listening socket on the host that nothing has a reason to connect to.
final class Listener: Sendable {
  let port: UInt16
  private let socket: Int32

  /// - Throws: `Errno`
  init() throws {
    socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let (socket, length) = (socket, size)
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        bind(socket, address, length) == 0 && listen(socket, 8) == 0 && getsockname(socket, address, &size) == 0
      }
    }
    guard isBound else { throw Errno(rawValue: errno) }
    port = UInt16(bigEndian: address.sin_port)
  }

  /// Whether anything has connected.
  var wasReached: Bool {
    var polled = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
    return poll(&polled, 1, 0) > 0
  }

  deinit { close(socket) }
}
