// SPDX-License-Identifier: Apache-2.0

import KernelCode
import Testing

@Suite struct ObjectRulesTests {
  private static let makefile = """
    # SPDX-License-Identifier: GPL-2.0-only
    obj-y := dma-buf.o dma-fence.o \\
    \t dma-resv.o
    obj-$(CONFIG_DMABUF_HEAPS)\t+= heaps/
    obj-$(CONFIG_UDMABUF)\t\t+= udmabuf.o # the driver
    lib-$(CONFIG_LIB) += part.o
    dmabuf_selftests-y := selftest.o \\
    \tst-dma-fence.o
    dmabuf_selftests-$(CONFIG_MORE) += more.o
    obj-$(CONFIG_DMABUF_SELFTESTS)\t+= dmabuf_selftests.o
    old-objs := a.o
    obj-m += old.o
    ccflags-y := -DX=y.o
    loop-y := loop.o
    """

  @Test(arguments: [
    ("dma-buf.o", []), ("dma-resv.o", []), ("heaps/", ["CONFIG_DMABUF_HEAPS"]), ("udmabuf.o", ["CONFIG_UDMABUF"]),
    ("part.o", ["CONFIG_LIB"]), ("st-dma-fence.o", ["CONFIG_DMABUF_SELFTESTS"]),
    ("more.o", ["CONFIG_MORE", "CONFIG_DMABUF_SELFTESTS"]), ("a.o", []), ("maplog.o", nil), ("driver", nil),
    ("loop.o", nil),
  ])
  func theOptionsOfAnObjectAreFound(member: String, options: [String]?) {
    #expect(ObjectRules(Self.makefile.utf8).options(of: member) == options)
  }

  @Test func definedOptionsAreFound() {
    let text = "config A\n\tbool \"config B\"\n\tdepends on C\nmenuconfig D_2\nconfig $(x)\n# config E\n"
    #expect(KconfigOptions.defined(in: text.utf8) == ["CONFIG_A", "CONFIG_D_2"])
  }

  @Test func movedFilesAreFoundByTheirText() {
    func text(_ words: String...) -> [UInt8] { Array(words.joined(separator: "\n").utf8) }
    let found = MovedFiles.pairs(
      removed: ["a.c": text("1", "2", "3", "4"), "b.c": text("1", "2", "3", "9"), "c.h": text("h"), "d.c": text("x")],
      added: [
        "new.c": text("1", "2", "3", "9"), "other.c": text("1", "2", "3", "5"), "h.c": text("h"), "e.c": text("y"),
        "empty.c": [],
      ])
    #expect(found == ["new.c": "b.c", "other.c": "a.c"])
  }
}
