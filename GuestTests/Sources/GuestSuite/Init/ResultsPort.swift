// SPDX-License-Identifier: Apache-2.0

internal import CLibc
internal import GuestProtocol

/// The port through which results leave the guest, signed if the guest was given a secret.
struct ResultsPort {
  let file: OpenFile
  let signer: Signer?
  /// The disk that keeps a copy of the results.
  let state: StateDisk?

  init(_ file: OpenFile, _ signer: Signer?, state: StateDisk? = nil) {
    self.file = file
    self.signer = signer
    self.state = state
  }

  /// Writes a piece of the stream with its signature, in one call, so that no other writer comes between. The disk
  /// comes first: the port blocks until the host reads.
  func write(_ piece: String) {
    if piece.isEmpty { return }
    let whole = signer.map { piece + $0.sign(piece) } ?? piece
    state?.write(whole)
    file.write(whole)
  }
}

/// Keeps the guest's secret in one place in memory, so that a process that must not have it can overwrite its copy.
final class Signer {
  private let key = UnsafeMutablePointer<UInt64>.allocate(capacity: 2)
  private var number = 0

  init(_ secret: GuestSecret) {
    key[0] = secret.low
    key[1] = secret.high
  }

  deinit {
    forget()
    key.deallocate()
  }

  /// Takes the secret out of the guest's file system, so that no test finds it there.
  /// - Returns: `nil` if there is none.
  static func take(_ path: String = GuestSecret.path) -> Signer? {
    guard let file = try? OpenFile(path, flags: O_RDONLY) else { return nil }
    defer { file.close() }
    unlink(path)
    return withUnsafeTemporaryAllocation(byteCount: 64, alignment: 8) { space in
      defer { explicit_bzero(space.baseAddress!, space.count) }
      let count = read(file.number, space.baseAddress, space.count)
      return GuestSecret(text: UnsafeRawBufferPointer(space).prefix(max(0, count))).map(Signer.init)
    }
  }

  /// Returns the signature of the next piece.
  func sign(_ piece: String) -> String {
    number += 1
    return KTAPWriter.signature(piece, number: number, GuestSecret(low: key[0], high: key[1]))
  }

  /// Overwrites the secret. The host rejects everything that is signed from then on.
  func forget() { explicit_bzero(key, 2 * MemoryLayout<UInt64>.size) }

  var hasForgotten: Bool { key[0] == 0 && key[1] == 0 }
}
