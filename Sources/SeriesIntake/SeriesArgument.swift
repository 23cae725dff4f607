// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
public import SystemPackage

/// What the user named, and what is there. Forms are told apart by it, not by the endings of names.
public struct SeriesArgument: Sendable, Hashable {
  enum Kind: Sendable, Hashable {
    case nothing
    case directory
    /// A regular file, with its first bytes.
    case file(head: [UInt8])
    /// A device, a pipe or a socket.
    case other
  }

  /// As the user wrote it. ``path`` is normalized, which would change a URL.
  public let text: String
  public let path: FilePath
  let kind: Kind

  public init(_ text: String) {
    self.text = text
    path = FilePath(text)
    var status = stat()
    guard !text.isEmpty, stat(text, &status) == 0 else {
      kind = .nothing
      return
    }
    switch status.st_mode & S_IFMT {
    case S_IFDIR: kind = .directory
    case S_IFREG:
      let head = try? FileHandle(forReadingFrom: URL(filePath: text)).read(upToCount: Self.headSize)
      kind = .file(head: Array(head ?? Data()))
    default: kind = .other
    }
  }

  /// Enough for any file's signature.
  private static let headSize = 64

  var isDirectory: Bool { kind == .directory }

  /// Whether there is a regular file.
  var isFile: Bool { if case .file = kind { true } else { false } }

  /// The name of the directory or file itself: neither `series/.` nor the name of a link is useful in a report.
  var lastName: String { URL(filePath: path.string).resolvingSymlinksInPath().lastPathComponent }
}
