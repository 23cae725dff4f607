// SPDX-License-Identifier: Apache-2.0

import Glibc
public import SystemPackage

/// Inspects a directory that an untrusted build has written to.
///
/// A build may replace a file, or a directory on the way to one, with a symbolic link, whose target may be anything.
/// Opening a named pipe there would block for ever. To be used only while nothing writes there.
public struct UntrustedTree: Sendable, Hashable {
  public var root: FilePath

  public init(_ root: FilePath) { self.root = root }

  public enum Kind: Sendable, Hashable {
    /// A file of this size, in bytes.
    case file(size: Int64)
    case directory
    /// A link, or a path through one; a pipe, a device, overlayfs' whiteout for a removed file.
    case other
    case missing
  }

  /// Returns what is at a path relative to the root, reached only through directories.
  public func kind(of relative: FilePath) -> Kind {
    var status = stat()
    var path = root
    var rest = relative.components[...]
    guard !relative.isAbsolute, !rest.isEmpty, !rest.contains(where: { $0.kind != .regular }) else { return .other }
    while let next = rest.popFirst() {
      path.append(next)
      guard lstat(path.string, &status) == 0 else { return errno == ENOENT ? .missing : .other }
      switch status.st_mode & S_IFMT {
      case S_IFDIR: continue
      case S_IFREG where rest.isEmpty: return .file(size: Int64(status.st_size))
      default: return .other
      }
    }
    return .directory
  }
}
