// SPDX-License-Identifier: Apache-2.0

internal import CGuest
internal import Glibc

/// A process besides the test's own: it shows what another process can do with what was passed to it.
enum Child {
  /// Runs a body in a fork of this process and returns its answer: the body's result, the call that failed in it, or
  /// the signal that killed it.
  static func answer(_ body: () throws -> String) throws(CallFailed) -> String {
    var ends: [Int32] = [-1, -1]
    if pipe(&ends) != 0 { throw CallFailed("pipe") }
    let child = cguest_fork_child()
    if child == 0 {
      // The fork has no other threads, so it can continue in Swift, like the test itself.
      let text =
        switch Result(catching: body) {
        case .success(let text): text
        case .failure(let failed as CallFailed): "\(failed.call): \(errnoName(failed.code))"
        case .failure(let other): "\(other)"
        }
      OpenFile(number: ends[1]).write(text)
      _exit(0)
    }
    let code = errno
    close(ends[1])
    defer { close(ends[0]) }
    if child < 0 { throw CallFailed("fork", code: code) }
    let text = OpenFile(number: ends[0]).readAll()
    var status: Int32 = 0
    if waitpid(child, &status, 0) != child { throw CallFailed("waitpid") }
    return status == 0 ? text : "killed by \(signalName(status & 0x7f))"
  }

  /// Runs a body while a child holds copies of this process's mappings and descriptors.
  static func withHolder(_ body: (pid_t) throws -> Void) throws {
    var control: Int32 = -1
    let holder = cguest_fork_holder(&control)
    if holder < 0 { throw CallFailed("fork") }
    defer { _ = cguest_release_holder(holder, control) }
    try body(holder)
  }
}

extension OpenFile {
  /// Reads a pipe to its end.
  func readAll() -> String {
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 512)
    while true {
      let count = read(number, &piece, piece.count)
      if count < 0, errno == EINTR { continue }
      if count <= 0 { return String(decoding: bytes, as: UTF8.self) }
      bytes += piece[..<count]
    }
  }
}
