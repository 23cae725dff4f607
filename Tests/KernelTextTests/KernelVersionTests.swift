// SPDX-License-Identifier: Apache-2.0

import KernelText
import Testing

@Suite struct KernelVersionTests {
  @Test(
    arguments: [
      ("6.12.117-1~deb12u1", KernelVersion(6, 12)), ("7.3.4-1~bpo13+1", KernelVersion(7, 3)),
      ("v6.12-rc3", KernelVersion(6, 12)), ("6.1", KernelVersion(6, 1)), ("6", nil), ("six.one", nil), ("", nil),
    ])
  func packagesAndTagsBeginWithIt(text: String, version: KernelVersion?) {
    #expect(KernelVersion(text) == version)
  }

  @Test func makefilesHaveItInTheirFirstLines() {
    let text =
      "# SPDX-License-Identifier: GPL-2.0\nVERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 117\nEXTRAVERSION =\nNAME = x\n"
    #expect(KernelVersion(makefile: text) == KernelVersion(6, 12))
    #expect(KernelVersion.release(makefile: text) == "6.12.117")
    #expect(
      KernelVersion.release(makefile: "VERSION = 7\nPATCHLEVEL = 0\nSUBLEVEL = 0\nEXTRAVERSION = -rc3\n") == "7.0.0-rc3"
    )
    #expect(KernelVersion.release(makefile: "all:\n") == nil)
    #expect(KernelVersion(makefile: "all:\n\techo\n") == nil)
  }

  @Test func numbersAreNotDigits() {
    #expect(KernelVersion(6, 9) < KernelVersion(6, 12))
    #expect(KernelVersion(6, 12) < KernelVersion(7, 0))
  }
}

@Suite struct VersionedSettingsTests {
  private let fragment = """
    # since then: nothing
    CONFIG_A=y
    # before 7.0: CONFIG_B=y
    # since 7.0: CONFIG_C=y
    # since 7.0: # CONFIG_B is not set
    """

  private func settings(_ version: KernelVersion) throws -> [String: KConfigSetting.Value] {
    let text = try VersionedSettings.resolve(fragment, for: version, file: "x.config")
    let parsed = try KConfig.parse(text.utf8, file: "x.config")
    return Dictionary(uniqueKeysWithValues: parsed.map { ($0.symbol, $0.value) })
  }

  @Test func settingsHoldFromAVersionOnOrBeforeIt() throws {
    #expect(try settings(KernelVersion(6, 12)) == ["CONFIG_A": .yes, "CONFIG_B": .yes])
    #expect(try settings(KernelVersion(7, 0)) == ["CONFIG_A": .yes, "CONFIG_B": .unset, "CONFIG_C": .yes])
    #expect(try settings(KernelVersion(7, 3)) == settings(KernelVersion(7, 0)))
  }

  @Test func settingsKeepTheirLines() throws {
    let text = try VersionedSettings.resolve(fragment, for: KernelVersion(7, 0), file: "x.config")
    #expect(try KConfig.parse(text.utf8, file: "x.config").map(\.origin) == ["x.config:2", "x.config:4", "x.config:5"])
  }

  @Test(
    arguments: ["# since 7: CONFIG_A=y", "# before 6.4.1: CONFIG_A=y", "# since 7.0: A=y", "# since 7.0:"])
  func aSlipIsAnErrorThatNamesTheLine(line: String) {
    #expect(throws: KConfigError(file: "x.config", line: 2, text: line)) {
      try VersionedSettings.resolve("CONFIG_Z=y\n\(line)\n", for: KernelVersion(7, 0), file: "x.config")
    }
  }
}
