// SPDX-License-Identifier: Apache-2.0

import Glibc
public import SystemPackage

/// What lies below a directory that a stranger's build has written to.
///
/// A build may leave a link where a file was, or where a directory was that leads to one; what stands at its end is
/// anybody's, and a named pipe there would be waited on for ever. To be asked while nothing writes there any more.
public struct UntrustedTree: Sendable, Hashable {
  public var root: FilePath

  public init(_ root: FilePath) { self.root = root }

  public enum Kind: Sendable, Hashable {
    /// With its size in bytes.
    case file(size: Int64)
    case directory
    /// A link, or what is reached by one; a pipe, a device, overlayfs' stand-in for what was removed.
    case other
    case missing
  }

  /// What is at a path relative to the root, reached by directories alone.
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
