// SPDX-License-Identifier: Apache-2.0

import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import GuestMachine

@Suite struct KVMDeviceTests {
  /// What root alone may open is nothing to the account that guests run as; its groups count as well as itself.
  @Test(.enabled(if: getuid() == 0, "nobody but root runs guests as somebody else"))
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
}
