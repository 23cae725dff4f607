// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Glibc
import SystemPackage

/// Who guests run as where patchbench itself is root: the account that libvirt's package makes for QEMU. An ordinary
/// user's guests run as that user, whom the kernel lets become nobody else.
struct GuestAccount: Sendable, Hashable {
  var user: uid_t
  /// Its own, and not its first one, which is that of all who may use KVM.
  var group: gid_t

  static let name = "libvirt-qemu"

  /// - Throws: ``StageError`` if this is root and there is no such account. libvirt's driver would not start either.
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

  /// Lets the account through a directory of root's and see nothing there whose name it does not know.
  /// - Throws: `Errno`
  func passThrough(_ directory: FilePath) throws { try give(directory, 0o710) }

  /// - Throws: `Errno`
  func give(_ path: FilePath, _ mode: mode_t) throws {
    // The owner first: a change of owner may take bits of the mode away.
    guard chown(path.string, 0, group) == 0, chmod(path.string, mode) == 0 else { throw Errno(rawValue: errno) }
  }
}
