// SPDX-License-Identifier: Apache-2.0

import CLibvirt
import Glibc
import SystemPackage

/// The device through which QEMU uses KVM.
public enum KVMDevice {
  static let path = "/dev/kvm"

  /// Returns why a guest lacks permission to open it; `nil` if it has it. Only a boot can tell whether KVM then works.
  public static func refusal() -> String? { finding()?.words }

  /// Returns the command that gives a guest the permission it lacks; `nil` if it has it, or if no command can help.
  public static func remedy() -> String? {
    guard let finding = finding() else { return nil }
    if finding.failure == .noSuchFileOrDirectory {
      return "modprobe kvm_intel, or kvm_amd; in a virtual machine, its host must allow nested virtualization"
    }
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    return command(
      for: finding.user, status, group: getgrgid(status.st_gid).map { String(cString: $0.pointee.gr_name) })
  }

  private struct Finding {
    var words: String
    var failure: Errno
    /// Who cannot open it.
    var user: String
  }

  private static func finding() -> Finding? {
    if access(path, R_OK | W_OK) != 0 {
      let failure = Errno(rawValue: errno)
      let user = getpwuid(getuid()).map { String(cString: $0.pointee.pw_name) } ?? "$USER"
      return Finding(words: "\(path) cannot be opened (\(failure))", failure: failure, user: user)
    }
    // Guests do not run as root, and libvirt gives them the groups of their account.
    guard let account = try? GuestAccount.find(), let failure = account.opening(path) else { return nil }
    return Finding(
      words: "\(path) cannot be opened by \(GuestAccount.name), as whom guests run (\(failure))", failure: failure,
      user: GuestAccount.name)
  }

  /// Returns the command that lets a user open the device: by way of its group, if that is one for KVM.
  /// - Parameters:
  ///   - status: the device's.
  ///   - group: the name of its group; `nil` if it has none.
  static func command(for user: String, _ status: stat, group: String?) -> String {
    let join = { (group: String) in "usermod --append --groups \(group) \(user)" }
    // The group of root and the like would give the user much more.
    guard let group, status.st_gid != 0, group != "nogroup" else {
      return "chgrp kvm \(path) && chmod 660 \(path) && \(join("kvm"))"
    }
    let isOpen = status.st_mode & (S_IRGRP | S_IWGRP) == S_IRGRP | S_IWGRP
    return (isOpen ? "" : "chmod 660 \(path) && ") + join(group)
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
