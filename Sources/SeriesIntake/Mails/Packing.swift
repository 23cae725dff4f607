// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage
import Toolbox

/// A way in which a file is compressed, by its first bytes.
enum Packing: String, CaseIterable {
  case gzip
  case xz

  private var signature: [UInt8] {
    switch self {
    case .gzip: [0x1f, 0x8b]
    case .xz: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]
    }
  }

  init?(_ head: some Collection<UInt8>) {
    guard let packing = Self.allCases.first(where: { head.starts(with: $0.signature) }) else { return nil }
    self = packing
  }

  private var ending: String { self == .gzip ? "gz" : "xz" }

  /// Unpacks a file to `place`.
  /// - Parameters:
  ///   - label: the file's name in messages.
  ///   - place: a directory of its own, writable.
  ///   - most: the largest size, in bytes. A small file may hold endless zeros.
  func unpack(_ file: FilePath, label: String, in place: FilePath, most: Int, _ cage: Cage?) async throws -> FilePath {
    // Both tools need their own ending.
    let packed = place.appending("packed.\(ending)")
    try FileManager.default.copyItem(atPath: file.string, toPath: packed.string)
    let tool = Tool("prlimit", ["--fsize=\(most)", "--core=0", "--", rawValue, "-d", "--", packed.string], in: place)
    let answer = try await (cage?.wrap(tool, in: place) ?? tool).run()
    if answer.status.isSuccess { return place.appending("packed") }
    // SIGXFSZ, or what the tool says of it.
    let isTooLarge = answer.errors.contains("File too large") || [.exited(153), .signaled(25)].contains(answer.status)
    if isTooLarge { throw IntakeError.tooMuch(label, "more than \(most >> 20) MiB when unpacked") }
    throw IntakeError.unreadable(label, reason: "\(rawValue) cannot unpack it")
  }
}
