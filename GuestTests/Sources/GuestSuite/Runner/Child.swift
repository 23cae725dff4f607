// SPDX-License-Identifier: Apache-2.0

internal import CGuest
internal import CLibc

/// A process besides the test's own: it shows what another process can do with what was passed to it.
enum Child {
  /// Runs a body in a fork of this process and returns its answer: the body's result, the call that failed in it, or
  /// the signal that killed it.
  static func answer(_ body: () throws(Failure) -> String) throws(Failure) -> String {
    var ends: [Int32] = [-1, -1]
    if pipe(&ends) != 0 { throw .call("pipe") }
    let child = cguest_fork_child()
    if child == 0 {
      // The fork has no other threads, so it can continue in Swift, like the test itself.
      let text =
        switch Result(catching: body) {
        case .success(let text): text
        case .failure(let failure): "\(failure)"
        }
      OpenFile(number: ends[1]).write(text)
      _exit(0)
    }
    let code = errno
    close(ends[1])
    defer { close(ends[0]) }
    if child < 0 { throw .call("fork", code: code) }
    let text = OpenFile(number: ends[0]).readAll()
    var status: Int32 = 0
    if waitpid(child, &status, 0) != child { throw .call("waitpid") }
    return status == 0 ? text : "killed by \(signalName(status & 0x7f))"
  }

  /// Runs a body while a child holds copies of this process's mappings and descriptors.
  static func withHolder(_ body: (pid_t) throws(Failure) -> Void) throws(Failure) {
    var control: Int32 = -1
    let holder = cguest_fork_holder(&control)
    if holder < 0 { throw .call("fork") }
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
