// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage
import TestSupport
import Testing
import Toolbox

@testable import KernelBuild

/// A build with two objects in a nested archive, one object in a library, a host program and a vDSO, as kbuild 6.12
/// records it; commands are shortened.
private let records = [
  """
  savedcmd_drivers/a/one.o := ccache gcc -Wp,-MMD,drivers/a/.one.o.d -D"X(x)=$(pound)x" -c -o drivers/a/one.o drivers/a/one.c ; ./tools/objtool/objtool --orc drivers/a/one.o

  source_drivers/a/one.o := drivers/a/one.c

  deps_drivers/a/one.o := \\
      $(wildcard include/config/DEBUG_FS) \\
    include/linux/a.h \\
    ./include/linux/both.h \\

  drivers/a/one.o: $(deps_drivers/a/one.o)

  $(deps_drivers/a/one.o):
  """,
  """
  savedcmd_drivers/a/two.o := gcc -c -o drivers/a/two.o drivers/a/two.c

  source_drivers/a/two.o := drivers/a/two.c

  deps_drivers/a/two.o := \\
    include/linux/both.h \\
    drivers/a/../a.h \\
  """,
  """
  savedcmd_lib/three.o := gcc -c -o lib/three.o lib/three.c

  source_lib/three.o := lib/three.c
  """,
  """
  savedcmd_arch/x86/entry/vdso/vclock.o := gcc -c -o arch/x86/entry/vdso/vclock.o arch/x86/entry/vdso/vclock.c

  source_arch/x86/entry/vdso/vclock.o := arch/x86/entry/vdso/vclock.c

  deps_arch/x86/entry/vdso/vclock.o := \\
    include/linux/time.h \\
  """,
  #"savedcmd_drivers/a/built-in.a := rm -f drivers/a/built-in.a;  printf "drivers/a/%s " one.o two.o | xargs ar cDPrST drivers/a/built-in.a"#,
  #"savedcmd_drivers/built-in.a := rm -f drivers/built-in.a;  printf "drivers/%s " a/built-in.a | xargs ar cDPrST drivers/built-in.a"#,
  #"savedcmd_built-in.a := rm -f built-in.a;  printf "./%s " drivers/built-in.a | xargs ar cDPrST built-in.a"#,
  "savedcmd_vmlinux.a := rm -f vmlinux.a; ar cDPrST vmlinux.a ./built-in.a; ar mPiT $$(ar t vmlinux.a | sed -n 1p)",
  "savedcmd_lib/lib.a := rm -f lib/lib.a; ar cDPrsT lib/lib.a lib/three.o lib/vsprintf.o",
  "savedcmd_drivers/empty/built-in.a := rm -f drivers/empty/built-in.a;  ar cDPrST drivers/empty/built-in.a",
]

private func recorded() -> RecordedBuild {
  var build = RecordedBuild()
  build.take(records.compactMap { RecordedBuild.Command(Data($0.utf8)) })
  return build
}

private func reach(_ paths: String..., new: Set<String> = [], compiled: Set<String> = []) -> Reach {
  recorded().reach(of: Set(paths), isPlain: { !new.contains($0) }, hasObject: compiled.contains)
}

@Suite struct RecordedBuildTests {
  @Test func aCommandIsReadAsItStands() throws {
    let command = try #require(RecordedBuild.Command(Data(records[0].utf8)))
    #expect(command.target == "drivers/a/one.o")
    #expect(command.command.hasPrefix("ccache gcc -Wp,-MMD"))
    #expect(command.command.contains("$(pound)x"), "make's own escapes stay, because make reads it again")
    #expect(command.command.hasSuffix("objtool --orc drivers/a/one.o"))
    #expect(command.files == ["drivers/a/one.c", "include/linux/a.h", "include/linux/both.h"])
  }

  @Test func aSourceReachesItsObjectAndTheArchivesAboveIt() {
    #expect(
      reach("drivers/a/one.c")
        == .objects(
          ["drivers/a/one.o"],
          archives: [
            Reach.Archive(path: "built-in.a", members: ["drivers/built-in.a"]),
            Reach.Archive(path: "drivers/a/built-in.a", members: ["drivers/a/one.o"]),
            Reach.Archive(path: "drivers/built-in.a", members: ["drivers/a/built-in.a"]),
            Reach.Archive(path: "vmlinux.a", members: ["built-in.a"]),
          ]))
  }

  @Test func aHeaderReachesAllThatReadIt() {
    guard case .objects(let objects, let archives) = reach("include/linux/both.h") else {
      Issue.record("\(reach("include/linux/both.h"))")
      return
    }
    #expect(objects == ["drivers/a/one.o", "drivers/a/two.o"])
    #expect(archives.first { $0.path == "drivers/a/built-in.a" }?.members == objects)
  }

  @Test func aHeaderIsTheSameByEveryWayToIt() {
    guard case .objects(let objects, _) = reach("drivers/a.h") else {
      Issue.record("two.o read it as drivers/a/../a.h, and would not be rebuilt")
      return
    }
    #expect(objects == ["drivers/a/two.o"])
  }

  @Test func aLibraryIsAnArchiveOfTheImages() {
    #expect(
      reach("lib/three.c")
        == .objects(["lib/three.o"], archives: [Reach.Archive(path: "lib/lib.a", members: ["lib/three.o"])]))
  }

  @Test(arguments: ["drivers/net/other.c", "include/linux/unread.h", "Documentation/a.rst", "MAINTAINERS"])
  func whatNothingReadsReachesNothing(_ path: String) { #expect(reach(path) == .nothing) }

  /// If one of these were not left to kbuild, the verdict would be on a kernel without the change.
  @Test(arguments: [
    "drivers/a/Makefile", "drivers/a/Kconfig", "Documentation/Kconfig", "scripts/mod/modpost.c",
    "tools/objtool/check.c", "Makefile",
    "include/linux/atomic/atomic-long.h", "arch/x86/boot/main.c", "arch/x86/entry/syscalls/syscall_64.tbl",
    "include/linux/time.h", "lib/build.pl", "main.c", "usr/gen_init_cpio.c", "arch/x86/entry/vdso/new.c",
    "drivers/a/../../etc/x.c", "arch/x86/kernel/vmlinux.lds.S/../x.S", "rust/kernel/lib.rs",
  ])
  func whatMoreThanTheCompilerReadsIsLeftToKbuild(_ path: String) {
    guard case .tree = reach(path, "drivers/a/one.c") else {
      Issue.record("\(path): \(reach(path))")
      return
    }
  }

  @Test func aNewFileIsLeftToKbuild() {
    guard case .tree(_, let objects) = reach("drivers/a/one.c", "include/linux/new.h", new: ["include/linux/new.h"])
    else {
      Issue.record("a new header could hide another")
      return
    }
    #expect(objects == 1)
  }

  @Test func aSourceThatWasCompiledAndHasNoRecordIsLeftToKbuild() {
    guard case .tree = reach("drivers/a/unknown.c", compiled: ["drivers/a/unknown.c"]) else {
      Issue.record("its change would be lost")
      return
    }
  }

  /// ccache's objects from such a build may be shared: no code of the series ran there.
  @Test func onlyWhatTheCompilerAloneReadsIsHarmless() {
    var recorded = recorded()
    let offsets = recorded.objects.count
    recorded.objects.append(RecordedBuild.Target(path: "arch/x86/kernel/asm-offsets.s", archive: nil))
    recorded.readers["include/linux/both.h"]?.append(offsets)
    func isHarmless(_ paths: String...) -> Bool {
      recorded.isOnlyCompiled(
        Set(paths), isPlain: { $0 != "include/linux/new.h" }, hasObject: { $0 == "lib/unknown.c" })
    }
    #expect(isHarmless("include/linux/both.h", "drivers/a/one.c", "Documentation/a.rst"))
    // A program of the build is made from it, or may be.
    #expect(!isHarmless("include/linux/time.h"))
    for path in [
      "drivers/a/Makefile", "drivers/a/Kconfig", "scripts/mod/modpost.c", "include/linux/new.h", "lib/unknown.c",
      "arch/x86/tools/gen.c", "drivers/a/gen.pl",
    ] { #expect(!isHarmless("drivers/a/one.c", path), "\(path)") }
    #expect(!RecordedBuild().isOnlyCompiled(["drivers/a/one.c"], isPlain: { _ in true }, hasObject: { _ in false }))
  }

  @Test func withoutRecordsNothingIsTakenForUntouched() {
    guard case .tree = RecordedBuild().reach(of: ["drivers/a/one.c"], isPlain: { _ in true }, hasObject: { _ in false })
    else {
      Issue.record("an empty record proves nothing")
      return
    }
  }

  @Test func theFileHoldsAllOfIt() throws {
    let scratch = try Scratch()
    let build = recorded()
    let file = try scratch.write("records", build.text)
    #expect(try RecordedBuild(file, about: Set(build.readers.keys)) == build)
    let one = try RecordedBuild(file, about: ["include/linux/a.h", "include/linux/none.h"])
    #expect(one.readers == ["include/linux/a.h": [build.objects.firstIndex { $0.path == "drivers/a/one.o" }!]])
  }
}

@Suite struct ReplayMakefileTests {
  private static let commands = [
    "drivers/a/one.o": "gcc -c -o $@ 'a$(pound)b'", "built-in.a": "ar built-in.a", "vmlinux.a": "ar vmlinux.a",
    "vmlinux.o": "ld -r", "vmlinux.symvers": "modpost", "vmlinux": "link",
  ]
  private static let archives = [
    Reach.Archive(path: "built-in.a", members: ["drivers/a/one.o"]),
    Reach.Archive(path: "vmlinux.a", members: ["built-in.a"]),
  ]

  private static func makefile(
    objects: [String] = ["drivers/a/one.o"], preprocesses: Bool = false, linksObject: Bool = false,
    image: String? = nil, command: (String) -> String? = { commands[$0] }
  ) -> ReplayMakefile? {
    ReplayMakefile(
      objects: objects, archives: archives, preprocesses: preprocesses, linksObject: linksObject, image: image,
      command: command)
  }

  @Test func eachTargetWaitsForWhatItIsMadeOf() throws {
    let makefile = try #require(Self.makefile())
    let rules = Dictionary(uniqueKeysWithValues: makefile.rules.map { ($0.target, $0.prerequisites) })
    #expect(rules["built-in.a"] == ["drivers/a/one.o"])
    #expect(rules["vmlinux.o"] == ["vmlinux.a"])
    #expect(rules["vmlinux"] == ["vmlinux.a"], "without modules the link need not wait for modpost")
    // ccache's settings do not change what is made.
    #expect(makefile.text.contains("\t+@set -e; export CCACHE_DEPEND=1; gcc -c -o $@ 'a$(pound)b'\n"))
    #expect(makefile.text.contains("\t+@set -e; export CCACHE_DISABLE=1; link\n"))
    #expect(makefile.text.contains("\t+@set -e; modpost\n"))
  }

  @Test func manyObjectsAreLookedForByWhatTheyArePreprocessedTo() throws {
    let objects = (0..<1000).map { "drivers/a/\($0).o" }
    let makefile = try #require(Self.makefile(objects: objects) { Self.commands[$0] ?? "gcc" })
    #expect(!makefile.text.contains("CCACHE_DEPEND"))
    let one = try #require(Self.makefile(preprocesses: true))
    #expect(!one.text.contains("CCACHE_DEPEND"))
  }

  /// Runs rules whose commands record that they ran.
  @Test(arguments: [false, true]) func withModulesTheImageIsLinkedAgainIfTheExportsAreOthers(_ areOthers: Bool)
    async throws
  {
    let scratch = try Scratch()
    for name in [".vmlinux.export.c", ".vmlinux.export.o"] {
      let file = try scratch.write(name, "")
      try FileManager.default.setAttributes(
        [.modificationDate: Date(timeIntervalSince1970: TimeInterval(FixedTimestamps.time))], ofItemAtPath: file.string)
    }
    let names = Self.commands.keys + [".vmlinux.export.o"]
    var commands = Dictionary(uniqueKeysWithValues: names.map { ($0, "echo \($0) >> ran") })
    if areOthers { commands["vmlinux.symvers"]! += "; touch .vmlinux.export.c" }
    let makefile = try #require(Self.makefile { commands[$0] })
    let file = try scratch.write("makefile", makefile.text)
    _ = try await Tool("make", ["-rR", "-j2", "-f", file.string], in: scratch.path).output()
    let ran = try String(contentsOfFile: scratch.path.appending("ran").string, encoding: .utf8)
      .split(separator: "\n").map(String.init)
    #expect(Set(ran.prefix(6)) == Set(Self.commands.keys))
    #expect(ran.dropFirst(6) == (areOthers ? [".vmlinux.export.o", "vmlinux"] : []))
  }

  @Test(arguments: [
    ("CONFIG_X86_KERNEL_IBT=y", true), ("CONFIG_LTO_CLANG=y", true), ("# CONFIG_X86_KERNEL_IBT is not set", false),
    ("CONFIG_ARCH_SUPPORTS_LTO_CLANG=y", false),
  ]) func anImageThatIsLinkedFromOneObjectWaitsForIt(line: String, linksObject: Bool) throws {
    #expect(ReplayMakefile.linksObject("CONFIG_A=y\n\(line)\nCONFIG_Z=y\n") == linksObject)
    let makefile = try #require(Self.makefile(linksObject: linksObject))
    let image = try #require(makefile.rules.first { $0.target == "vmlinux" })
    #expect(image.prerequisites == ["vmlinux.a"] + (linksObject ? ["vmlinux.o"] : []))
  }

  @Test func anImageThatIsMadeFromAnotherIsMadeLast() throws {
    let image = "arch/arm64/boot/Image"
    #expect(Self.makefile(image: image) == nil, "it was not recorded")
    let names = Self.commands.keys + [".vmlinux.export.o", image]
    let makefile = try #require(Self.makefile(image: image) { names.contains($0) ? "make \($0)" : nil })
    #expect(makefile.rules.last?.target == image)
    #expect(makefile.rules.last?.prerequisites == ["vmlinux", ".vmlinux.export.o"])
    #expect(makefile.text.contains("all: vmlinux .vmlinux.export.o \(image)\n"))
  }

  @Test(arguments: commands.keys.sorted()) func whatWasNotRecordedIsLeftToKbuild(_ missing: String) {
    #expect(Self.makefile { $0 == missing ? nil : Self.commands[$0] } == nil)
  }
}

@Suite struct KbuildTests {
  @Test func ccachesLogIsCounted() {
    let log = """
      # drivers/a/one.c
      cache_miss
      direct_cache_miss
      local_storage_write
      # drivers/a/two.c
      direct_cache_hit
      # lib/three.c
      direct_cache_miss
      preprocessed_cache_hit
      # .tmp_vmlinux1.kallsyms.S
      cache_miss
      # /dev/null
      direct_cache_hit
      # conftest.c
      called_for_link
      """
    let count = CompileCount(log: log)
    #expect(count.objects == 3)
    #expect(count.cached == 2)
    #expect(CompileCount(log: "") == CompileCount(log: "nonsense\n"))
  }
}
