// SPDX-License-Identifier: Apache-2.0

import CLibvirt
import Glibc
import SystemPackage

/// The device by which QEMU comes to KVM.
public enum KVMDevice {
  static let path = "/dev/kvm"

  /// Why a guest cannot have it, as far as rights go; `nil` if it can. Whether KVM then works only a boot can tell.
  public static func refusal() -> String? {
    if access(path, R_OK | W_OK) != 0 { return "\(path) cannot be opened (\(Errno(rawValue: errno)))" }
    // Guests are not root, and libvirt gives them the groups that their account has.
    guard let account = try? GuestAccount.find() else { return nil }
    let failure = account.opening(path)
    return failure.map { "\(path) cannot be opened by \(GuestAccount.name), as whom guests run (\($0))" }
  }
}

extension GuestAccount {
  /// Why the account may not read and write a file; `nil` if it may.
  func opening(_ path: String) -> Errno? {
    var groups = [gid_t](repeating: 0, count: 64)
    var count = Int32(groups.count)
    if getgrouplist(Self.name, group, &groups, &count) < 0 { count = 0 }
    let failure = clibvirt_may_open(path, user, group, groups, count)
    return failure == 0 ? nil : Errno(rawValue: failure)
  }
}
