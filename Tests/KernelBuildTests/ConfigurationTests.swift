// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import SystemPackage
import TestBench
import TestSupport
import Testing
import Toolbox

@testable import KernelBuild

/// Series that change what can be configured, and files that the configuration leaves out.
@Suite struct ConfigurationTests {
  /// Applies a diff to a small tree and returns what the body finds in it.
  private func tree<Result: Sendable>(
    _ diff: String, paths: [String], sources: [String: String] = [:],
    _ body: @Sendable (SeriesTree, PatchSeries, FilePath) async throws -> Result
  ) async throws -> Result {
    let small = try SmallTree()
    for (path, text) in sources { try small.scratch.write("source/\(path)", text) }
    let base = try await small.base()
    let file = try small.scratch.write("1.diff", diff)
    let series = PatchSeries(
      name: "s", patches: [Patch(subject: "s", author: "a", file: "1.diff", paths: paths)])
    let log = small.scratch.path.appending("build.log")
    return try await small.cache.withScratch { scratch in
      let cage = try await SmallTree.cage()
      let tree = try await SeriesTree.make(
        base, method: SeriesTree.method(scratch: scratch, cage: cage), cage: cage, scratch: scratch)
      try #require(try await tree.apply(series, diffs: [file]) == nil)
      return try await body(tree, series, log)
    }
  }

  /// As with a Kconfig that renames its only option.
  private static let renamed = """
    diff --git a/Makefile b/Makefile
    --- a/Makefile
    +++ b/Makefile
    @@ -6,3 +6,3 @@
     allnoconfig:
    -\t@grep -v DROPPED $(KCONFIG_ALLCONFIG) > .config || true
    +\t@grep -v KEPT $(KCONFIG_ALLCONFIG) > .config || true
     mrproper:
    diff --git a/Kconfig b/Kconfig
    --- a/Kconfig
    +++ b/Kconfig
    @@ -1 +1 @@
    -config KEPT
    +config OTHER

    """

  @Test func aProfileThatDoesNotFitASeriesIsNotTheSeriesFault() async throws {
    let error = await #expect(throws: StageError.self) {
      try await tree(Self.renamed, paths: ["Makefile", "Kconfig"]) { tree, series, log in
        _ = try await tree.build(series, jobs: 2, log: log) { _ in }
      }
    }
    guard case .fault(let fault) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(
      fault.message
        == "the profile needs a change for this series: the kernel builds, but its Kconfig no longer has CONFIG_KEPT=y")
    #expect(
      fault.advice
        == "the series adds CONFIG_OTHER: run it with --series-config CONFIG_KEPT=n --series-config CONFIG_OTHER=y")
  }

  @Test func theAdviceWorks() async throws {
    let config = try await tree(Self.renamed, paths: ["Makefile", "Kconfig"]) { tree, series, log in
      let settings = ["CONFIG_KEPT=n", "CONFIG_OTHER=y"]
      let built = try await tree.build(series, settings: settings, jobs: 2, log: log) { _ in }
      #expect(built.failure == nil)
      return tree.contents(".config")
    }
    #expect(String(decoding: try #require(config), as: UTF8.self).contains("CONFIG_OTHER=y"))
  }

  @Test func aSeriesThatDoesNotBuildEitherIsToBlame() async throws {
    let broken =
      Self.renamed + """
        diff --git a/main.c b/main.c
        --- a/main.c
        +++ b/main.c
        @@ -1,4 +1,4 @@
         int first(void)
         {
        -\treturn 1;
        +\treturn undeclared_thing;
         }

        """
    let failure = try await tree(broken, paths: ["Makefile", "Kconfig", "main.c"]) { tree, series, log in
      try await tree.build(series, jobs: 2, log: log) { _ in }.failure
    }
    #expect(failure?.diagnostics.first?.message.contains("undeclared_thing") == true)
  }

  @Test func aFileThatIsNotCompiledHasItsReason() async throws {
    let sources = [
      "Kbuild": "obj-y += drivers/\n", "drivers/Makefile": "obj-y += dma-buf/ misc/\nobj-$(CONFIG_GPU) += gpu/\n",
      "drivers/dma-buf/Makefile": "obj-y := dma-buf.o\n",
      "drivers/gpu/Makefile": "gpu-y := a.o sub/b.o\nobj-y += gpu.o\n",
      "drivers/gpu/a.c": "", "drivers/gpu/sub/b.c": "", "drivers/misc/Makefile": "obj-$(CONFIG_KEPT) += on.o\n",
      "drivers/misc/on.c": "", "arch/arm64/mm/x.c": "", "arch/x86/mm/x.c": "", "include/x.h": "",
    ]
    let diff = """
      diff --git a/drivers/dma-buf/Kconfig b/drivers/dma-buf/Kconfig
      new file mode 100644
      --- /dev/null
      +++ b/drivers/dma-buf/Kconfig
      @@ -0,0 +1,3 @@
      +config DMABUF_MAPLOG
      +\tbool "log of mappings"
      +\tdefault y
      diff --git a/drivers/dma-buf/Makefile b/drivers/dma-buf/Makefile
      --- a/drivers/dma-buf/Makefile
      +++ b/drivers/dma-buf/Makefile
      @@ -1 +1,2 @@
       obj-y := dma-buf.o
      +obj-$(CONFIG_DMABUF_MAPLOG)\t+= maplog.o
      diff --git a/drivers/dma-buf/maplog.c b/drivers/dma-buf/maplog.c
      new file mode 100644
      --- /dev/null
      +++ b/drivers/dma-buf/maplog.c
      @@ -0,0 +1 @@
      +int maplog;
      diff --git a/drivers/dma-buf/nobody.c b/drivers/dma-buf/nobody.c
      new file mode 100644
      --- /dev/null
      +++ b/drivers/dma-buf/nobody.c
      @@ -0,0 +1 @@
      +int nobody;

      """
    let paths = [
      "drivers/dma-buf/Kconfig", "drivers/dma-buf/Makefile", "drivers/dma-buf/maplog.c", "drivers/dma-buf/nobody.c",
    ]
    let found = try await tree(diff, paths: paths, sources: sources) { tree, series, _ in
      #expect(tree.addedOptions(Set(paths)) == ["CONFIG_DMABUF_MAPLOG"])
      return tree.causes(
        of: paths.suffix(2) + [
          "drivers/gpu/a.c", "drivers/gpu/sub/b.c", "drivers/misc/on.c", "arch/arm64/mm/x.c", "arch/x86/mm/x.c",
          "include/x.h", "drivers/gone.c",
        ], touched: Set(paths))
    }
    #expect(
      found == [
        "drivers/dma-buf/maplog.c": .option("CONFIG_DMABUF_MAPLOG", isNew: true),
        "drivers/dma-buf/nobody.c": .noMakefile, "drivers/gpu/a.c": .option("CONFIG_GPU", isNew: false),
        "drivers/gpu/sub/b.c": .option("CONFIG_GPU", isNew: false), "arch/arm64/mm/x.c": .architecture("arm64"),
        "arch/x86/mm/x.c": .noMakefile, "include/x.h": .notIncluded,
      ])
  }

  @Test func aMovedFileIsTheSameFileAndTheSameLayout() async throws {
    let map =
      "ffffffff81000000 T _stext\nffffffff81000010 t udmabuf_mmap\nffffffff81000020 d __initcall__kmod_udmabuf__291_7_udmabuf_dev_init6\n"
    let diff = """
      diff --git a/drivers/udmabuf.c b/drivers/user-dma-buf.c
      similarity index 100%
      rename from drivers/udmabuf.c
      rename to drivers/user-dma-buf.c
      diff --git a/System.map b/System.map
      --- a/System.map
      +++ b/System.map
      @@ -1,3 +1,3 @@
       ffffffff81000000 T _stext
      -ffffffff81000010 t udmabuf_mmap
      -ffffffff81000020 d __initcall__kmod_udmabuf__291_7_udmabuf_dev_init6
      +ffffffff81000018 t udmabuf_mmap
      +ffffffff81000028 d __initcall__kmod_user_dma_buf__292_9_udmabuf_dev_init6

      """
    let paths: Set = ["drivers/udmabuf.c", "drivers/user-dma-buf.c", "System.map"]
    try await tree(
      diff, paths: paths.sorted(),
      sources: ["drivers/udmabuf.c": "int a;\nint b;\n", "drivers/Makefile": "", "System.map": map]
    ) { tree, _, _ in
      let moved = tree.movedFiles(paths)
      #expect(moved == ["drivers/user-dma-buf.c": "drivers/udmabuf.c"])
      #expect(tree.isSameLayout(moved))
      #expect(!tree.isSameLayout([:]))
    }
  }

  @Test func aMovedObjectNamesItsNewSource() {
    let old =
      "\t.string\t\"drivers/udmabuf.c\"\n\t.string \"udmabuf.license=GPL\"\n__initcall__kmod_udmabuf__1\nudmabuf_mmap\n"
    let new = MovedObject(from: "drivers/udmabuf.o", to: "drivers/user-dma-buf.o").renamed(Array(old.utf8))
    #expect(
      String(decoding: new, as: UTF8.self)
        == "\t.string\t\"drivers/user-dma-buf.c\"\n\t.string \"user_dma_buf.license=GPL\"\n__initcall__kmod_user_dma_buf__1\nudmabuf_mmap\n"
    )
    let string = Array("\t.string \"user_dma_buf\"\n".utf8)
    var moved = MovedObject(from: "drivers/udmabuf.o", to: "drivers/user-dma-buf.o")
    #expect(moved.withOldStrings(string) == string, "the series may have changed it")
    moved.isSameText = true
    #expect(String(decoding: moved.withOldStrings(string), as: UTF8.self) == "\t.string \"udmabuf\"\n")
    let padded = "\t.string \"a\"\n\t.zero 62\n\t.zero 9\n\t.long 1\n\t.zero 4\n"
    #expect(
      String(decoding: moved.renamed(Array(padded.utf8)), as: UTF8.self) == "\t.string \"a\"\n\t.long 1\n\t.zero 4\n")
  }
}
