// SPDX-License-Identifier: Apache-2.0

import KernelText
import Testing

@Suite struct KConfigTests {
  @Test func readsEveryForm() throws {
    let text = """
      #
      # Comment
      CONFIG_A=y
      CONFIG_B=m\r
      # CONFIG_C is not set
      CONFIG_D=n
      CONFIG_E="a \\"b\\" # c"
      CONFIG_F=-12
      CONFIG_G=0xDEAD

      """
    let settings = try KConfig.parse(text.utf8, file: "x.config")
    #expect(settings.map(\.symbol) == ["A", "B", "C", "D", "E", "F", "G"].map { "CONFIG_\($0)" })
    #expect(
      settings.map(\.value) == [
        .yes, .module, .unset, .unset, .literal("\"a \\\"b\\\" # c\""), .literal("-12"), .literal("0xDEAD"),
      ])
    #expect(settings.last?.origin == "x.config:9")
  }

  @Test(arguments: [
    "KASAN=y", "CONFIG_A", "CONFIG_A = y", "CONFIG_A=", "CONFIG_A=yes", "CONFIG_A=Y", "CONFIG_=y", "CONFIG_A=\"x",
    "CONFIG_A=\"x\" y", "CONFIG_A=1x", "CONFIG_A=y # why", "CONFIG_A-B=y", "CONFIG_A=\"x\\\"", "<<<<<<< HEAD",
  ])
  func refusesWithFileAndLine(_ line: String) {
    #expect(throws: KConfigError(file: "x.config", line: 2, text: line)) {
      try KConfig.parse("CONFIG_OK=y\n\(line)\n".utf8, file: "x.config")
    }
  }

  @Test func laterFragmentsOverride() throws {
    let a = try KConfig.parse("CONFIG_A=y\nCONFIG_B=y\n".utf8, file: "a")
    let b = try KConfig.parse("# CONFIG_A is not set\nCONFIG_C=m\n".utf8, file: "b")
    let merged = KConfig.merge([a, b])
    #expect(merged.map(\.symbol) == ["CONFIG_A", "CONFIG_B", "CONFIG_C"])
    #expect(merged.map(\.origin) == ["b:1", "a:2", "b:2"])
    #expect(merged.map(\.value) == [.unset, .yes, .module])
  }

  @Test(
    arguments: [
      ("CONFIG_A=y", "CONFIG_A=y", nil), ("CONFIG_A=y", "# CONFIG_A is not set", "n"), ("CONFIG_A=y", "", "n"),
      ("CONFIG_A=y", "CONFIG_A=m", "m"), ("CONFIG_A=m", "CONFIG_A=y", "y"), ("# CONFIG_A is not set", "", nil),
      ("CONFIG_A=n", "CONFIG_A=y", "y"), ("CONFIG_A=n", "# CONFIG_A is not set", nil),
      ("CONFIG_A=17", "CONFIG_A=18", "18"),
      ("CONFIG_A=\"x\"", "CONFIG_A=\"x\"", nil), ("CONFIG_A=\"x\"", "CONFIG_A=\"\"", "\"\""),
      ("CONFIG_A=0xAB", "CONFIG_A=0xab", nil), ("CONFIG_A=0xAB", "CONFIG_A=0xac", "0xac"), ("CONFIG_A=7", "", "n"),
      ("CONFIG_A=y\nCONFIG_A=n", "", nil), ("CONFIG_A=n\nCONFIG_A=y", "", "n"),
    ] as [(String, String, String?)])
  func lost(_ request: String, _ config: String, _ found: String?) throws {
    let lost = KConfig.lost(
      requested: try KConfig.parse(request.utf8, file: "f"), resolved: try KConfig.parse(config.utf8, file: ".config"))
    #expect(lost.map(\.resolved.description) == (found.map { [$0] } ?? []))
  }
}
