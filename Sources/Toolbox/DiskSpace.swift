import Glibc
public import SystemPackage

/// What a file system has left.
public enum DiskSpace {
  /// In bytes, for this user: the superuser may use what is held back from others. What cannot be told counts as plenty.
  public static func free(at path: FilePath) -> Int64 {
    var status = statvfs()
    guard statvfs(path.string, &status) == 0 else { return .max }
    return Int64(clamping: UInt64(geteuid() == 0 ? status.f_bfree : status.f_bavail) * UInt64(status.f_frsize))
  }
}
