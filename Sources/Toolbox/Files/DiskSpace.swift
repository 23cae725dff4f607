// SPDX-License-Identifier: Apache-2.0

import Glibc
public import SystemPackage

/// What a file system has left.
public enum DiskSpace {
  /// In bytes, for this user: the superuser may use what is held back from others. What cannot be told counts as plenty.
  public static func free(at path: FilePath) -> Int64 {
    var status = statvfs()
    guard statvfs(path.string, &status) == 0 else { return .max }
    return bytes(UInt64(geteuid() == 0 ? status.f_bfree : status.f_bavail), of: UInt64(status.f_frsize))
  }

  /// Some file systems that have no end report as many blocks as there are numbers.
  static func bytes(_ blocks: UInt64, of size: UInt64) -> Int64 {
    let (bytes, isTooMuch) = blocks.multipliedReportingOverflow(by: size)
    return isTooMuch ? .max : Int64(clamping: bytes)
  }
}
