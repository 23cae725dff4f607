// SPDX-License-Identifier: Apache-2.0

import Glibc
public import SystemPackage

/// The free space of a file system.
public enum DiskSpace {
  /// Returns the bytes that are free for this user: the superuser may also use the reserved blocks. If it is unknown,
  /// the space counts as plenty.
  public static func free(at path: FilePath) -> Int64 {
    var status = statvfs()
    guard statvfs(path.string, &status) == 0 else { return .max }
    return bytes(UInt64(geteuid() == 0 ? status.f_bfree : status.f_bavail), of: UInt64(status.f_frsize))
  }

  /// Some file systems without a size limit report the largest possible number of blocks.
  static func bytes(_ blocks: UInt64, of size: UInt64) -> Int64 {
    let (bytes, isTooMuch) = blocks.multipliedReportingOverflow(by: size)
    return isTooMuch ? .max : Int64(clamping: bytes)
  }
}
