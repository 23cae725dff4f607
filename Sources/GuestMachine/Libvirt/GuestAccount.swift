// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Glibc
import SystemPackage

/// The account that guests run as when patchbench is root: the one that libvirt's package creates for QEMU. An ordinary
/// user's guests run as that user, because the kernel does not let that user become another.
struct GuestAccount: Sendable, Hashable {
  var user: uid_t
  /// The group of the account's own name, not its primary group, which is that of all users of KVM.
  var group: gid_t

  static let name = "libvirt-qemu"

  /// - Throws: ``StageError`` if this is root and the account does not exist. libvirt's driver would not start either.
  /// - Returns: `nil` for an ordinary user.
  static func find() throws -> GuestAccount? {
    if getuid() != 0 { return nil }
    guard let user = getpwnam(name)?.pointee else {
      throw StageError.fault(
        .boot, "there is no account \(name), and guests are not run as root",
        advice: "apt-get install libvirt-daemon-system")
    }
    return GuestAccount(user: user.pw_uid, group: getgrnam(name)?.pointee.gr_gid ?? user.pw_gid)
  }

  /// Lets the account traverse a directory of root's, but not list it.
  /// - Throws: `Errno`
  func passThrough(_ directory: FilePath) throws { try give(directory, 0o710) }

  /// - Throws: `Errno`
  func give(_ path: FilePath, _ mode: mode_t) throws {
    // The owner first: changing it may clear mode bits.
    guard chown(path.string, 0, group) == 0, chmod(path.string, mode) == 0 else { throw Errno(rawValue: errno) }
  }
}
