// SPDX-License-Identifier: Apache-2.0

import SystemPackage

/// Reads the kernel's own files, `/proc` and `/sys`, whose size is unknown before they are read.
///
/// Foundation's readers leak a page for each such file (swift-foundation of Swift 6 reads a file of size 0 into a
/// buffer that is never freed). A loop that polls twenty times a second would leak hundreds of MiB.
public enum ProcFile {
  /// - Returns: the whole text, with invalid UTF-8 replaced; `nil` if it cannot be read, for example because the
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
