// SPDX-License-Identifier: Apache-2.0

import SystemPackage

/// The kernel's own files, `/proc` and `/sys`, which have no size before they are read.
///
/// Foundation's readers lose a page for each such file (swift-foundation of Swift 6: a file of size 0 is read into a
/// buffer that nobody frees), which a loop that looks twenty times a second makes hundreds of MiB of.
public enum ProcFile {
  /// - Returns: the whole text, with what is no UTF-8 replaced; `nil` where it cannot be read, for instance because the
  ///   process has ended.
  public static func text(_ path: String) -> String? {
    guard let file = try? FileDescriptor.open(path, .readOnly, options: .closeOnExec) else { return nil }
    defer { try? file.close() }
    var bytes: [UInt8] = []
    while true {
      let part = try? [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
        count = try file.read(into: UnsafeMutableRawBufferPointer(buffer))
      }
      guard let part else { return nil }
      if part.isEmpty { return String(decoding: bytes, as: UTF8.self) }
      bytes += part
    }
  }
}
