// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
public import KernelBuild
public import SystemPackage
public import TestSupport
public import Toolbox

/// A tree that builds in no time with the real make, git and overlayfs. With it, the code around a kernel build can be
/// tested for every outcome. The integration suite builds the real kernel.
public struct SmallTree: Sendable {
  public let scratch: Scratch
  public let cache: Cache
  public var kernel: KernelDefinition

  public static let makefile = """
    vmlinux: vmlinux.a
    \tcp $< $@
    vmlinux.a: main.o other.o
    \tcat $^ > $@
    %.o: %.c
    \t@echo "  CC      $@"
    \t@gcc -c -o $@ $<
    allnoconfig:
    \t@grep -v DROPPED $(KCONFIG_ALLCONFIG) > .config || true
    mrproper:
    \t@rm -f *.o vmlinux .config
    VERSION = 6
    PATCHLEVEL = 12
    """

  public init(fragment: String = "CONFIG_KEPT=y\n") throws {
    scratch = try Scratch()
    cache = try Cache(scratch.path.appending("cache"))
    try scratch.write("source/Kconfig", "config KEPT\n")
    try scratch.write("source/Makefile", Self.makefile)
    try scratch.write("source/main.c", "int first(void)\n{\n\treturn 1;\n}\n\nint second(void)\n{\n\treturn 2;\n}\n")
    try scratch.write("source/other.c", "int third;\n")
    try scratch.write("source/tools/README", "objtool's place\n")
    let file = try scratch.write("own.config", fragment)
    kernel = KernelDefinition(
      name: "small", source: .tree(scratch.path.appending("source")),
      profiles: [
        "p": KernelDefinition.Profile(
          name: "p", fragments: [file], image: .vmlinux, clocks: KernelDefinition.Clocks(), extent: .boot)
      ])
  }

  public static func cage() async throws -> Cage {
    try await Cage.find(ToolLimits(time: .seconds(60), memory: 2 << 30, processes: 100, disk: 1 << 30))
  }

  public func base() async throws -> BaseBuild {
    try await BaseBuild.prepare(kernel, profile: kernel.profile("p"), cache: cache, jobs: 2) { _ in }
  }

  /// Returns every file of a tree, with attributes that change when it is written to.
  public static func fingerprint(_ tree: FilePath) throws -> [String] {
    try FileManager.default.subpathsOfDirectory(atPath: tree.string).sorted().map { path in
      let attributes = try FileManager.default.attributesOfItem(atPath: tree.pushing(FilePath(path)).string)
      return "\(path) \(attributes[.size]!) \((attributes[.modificationDate] as! Date).timeIntervalSince1970)"
    }
  }
}
