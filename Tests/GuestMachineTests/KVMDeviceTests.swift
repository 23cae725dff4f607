// SPDX-License-Identifier: Apache-2.0

import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import GuestMachine

@Suite struct KVMDeviceTests {
  /// A device that only root may open is unusable for the account that guests run as; the account's groups count too.
  @Test(.enabled(if: getuid() == 0, "only root runs guests as another user"))
  func theGuestsAccountIsAskedAndNotRoot() throws {
    let scratch = try Scratch()
    let account = try #require(try GuestAccount.find())
    let file = try scratch.write("device", "")
    chmod(scratch.path.string, 0o755)
    chmod(file.string, 0o600)
    #expect(account.opening(file.string) == .permissionDenied)
    #expect(chown(file.string, 0, account.group) == 0)
    #expect(account.opening(file.string) == .permissionDenied)
    chmod(file.string, 0o660)
    #expect(account.opening(file.string) == nil)
    #expect(account.opening("/nonexistent") == .noSuchFileOrDirectory)
  }

  @Test(
    "a command opens the device to a user by way of its group, but never by way of root's",
    arguments: [
      (107, 0o660, "kvm", "usermod --append --groups kvm libvirt-qemu"),
      (107, 0o600, "kvm", "chmod 660 /dev/kvm && usermod --append --groups kvm libvirt-qemu"),
      (
        0, 0o660, "root", "chgrp kvm /dev/kvm && chmod 660 /dev/kvm && usermod --append --groups kvm libvirt-qemu"
      ),
      (993, 0o660, nil, "chgrp kvm /dev/kvm && chmod 660 /dev/kvm && usermod --append --groups kvm libvirt-qemu"),
    ] as [(gid_t, mode_t, String?, String)])
  func remedies(group: gid_t, mode: mode_t, name: String?, expected: String) {
    var status = stat()
    status.st_gid = group
    status.st_mode = S_IFCHR | mode
    #expect(KVMDevice.command(for: GuestAccount.name, status, group: name) == expected)
  }
}
