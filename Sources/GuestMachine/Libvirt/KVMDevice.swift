// SPDX-License-Identifier: Apache-2.0

import CLibvirt
import Glibc
import SystemPackage

/// The device through which QEMU uses KVM.
public enum KVMDevice {
  static let path = "/dev/kvm"

  /// Returns why a guest lacks permission to open it; `nil` if it has it. Only a boot can tell whether KVM then works.
  public static func refusal() -> String? {
    if access(path, R_OK | W_OK) != 0 { return "\(path) cannot be opened (\(Errno(rawValue: errno)))" }
    // Guests do not run as root, and libvirt gives them the groups of their account.
    guard let account = try? GuestAccount.find() else { return nil }
    let failure = account.opening(path)
    return failure.map { "\(path) cannot be opened by \(GuestAccount.name), as whom guests run (\($0))" }
  }
}

extension GuestAccount {
  /// Returns why the account may not read and write a file; `nil` if it may.
  func opening(_ path: String) -> Errno? {
    var groups = [gid_t](repeating: 0, count: 64)
    var count = Int32(groups.count)
    if getgrouplist(Self.name, group, &groups, &count) < 0 { count = 0 }
    let failure = clibvirt_may_open(path, user, group, groups, count)
    return failure == 0 ? nil : Errno(rawValue: failure)
  }
}
