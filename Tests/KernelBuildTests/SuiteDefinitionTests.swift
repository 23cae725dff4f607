// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import KernelBuild
import SystemPackage
import TestSupport
import Testing

@Suite struct SuiteDefinitionTests {
  private let scratch = try! Scratch()

  private static let whole = """
    binary: guest
    modules: ../../Driver
    fragments: [a.config]
    devices: [virtio-gpu-pci]
    paths: ['drivers/dma-buf/*', mm/mmap.c]
    """

  private func load(_ yaml: String) throws -> SuiteDefinition {
    try scratch.write("suites/s/suite.yaml", yaml)
    return try SuiteDefinition.load("s", from: scratch.path.appending("suites"))
  }

  @Test("paths are relative to the file, and a kernel gets the fragments behind its own")
  func whole() throws {
    let suite = try load(Self.whole)
    #expect(suite.modules == scratch.path.appending("Driver"))
    #expect(suite.devices == ["virtio-gpu-pci"])
    let profile = KernelDefinition.Profile(
      name: "p", fragments: ["/own.config"], image: .vmlinux, clocks: KernelDefinition.Clocks(), extent: .boot)
    let kernel = KernelDefinition(name: "k", source: .tree("/k"), profiles: ["p": profile]).configured(for: suite)
    #expect(
      try kernel.profile("p").fragments == ["/own.config", scratch.path.pushing("suites/s/a.config")])
  }

  @Test(arguments: [
    (["drivers/dma-buf/heaps/x.c"], true), (["mm/mmap.c", "fs/x.c"], true), (["mm/mmap.c.rej"], false), ([], false),
    (["Documentation/drivers/dma-buf/x.c"], false),
  ]) func aSeriesIsCoveredByAnyOfItsFiles(_ changed: [String], _ isCovered: Bool) throws {
    #expect(try load(Self.whole).covers(changed) == isCovered)
  }

  @Test(arguments: [
    ("binary: a/b\nmodules: m\npaths: []", "binary: needs the name of a product"),
    ("binary: b\nmodules: m\npaths: []\ndevices: ['x,y=z']", "devices: “x,y=z” is not a device's name"),
    ("binary: b\npaths: []", "cannot be read: "), ("[", "cannot be read: "),
  ]) func aMistakeIsAnErrorWithTheFile(_ yaml: String, _ words: String) {
    let error = #expect(throws: DefinitionError.self) { try load(yaml) }
    #expect(error?.description.contains("s/suite.yaml: \(words)") == true)
  }

  @Test("the listed functions come from a file of their own")
  func functions() throws {
    #expect(try load(Self.whole).functions == [:])
    try scratch.write("suites/list.yaml", "- file: a.c\n  functions:\n    f: forwards\n    g: frees\n")
    #expect(try load(Self.whole + "\nfunctions: ../list.yaml").functions == ["a.c": ["f", "g"]])
    let error = #expect(throws: DefinitionError.self) { try load(Self.whole + "\nfunctions: missing.yaml") }
    #expect(error?.description.contains("missing.yaml: cannot be read: ") == true)
  }

  @Test func anUnknownNameSaysWhichThereAre() throws {
    _ = try load(Self.whole)
    let folder = scratch.path.appending("suites")
    #expect(throws: DefinitionError.noSuchSuite("t", known: ["s"])) { try SuiteDefinition.load("t", from: folder) }
    #expect(throws: DefinitionError.noSuchSuite("../s", known: ["s"])) {
      try SuiteDefinition.load("../s", from: folder)
    }
  }

  /// What failed checks mean, by the suite's own list.
  @Test(
    arguments: [
      (
        "move/pbtest-to-vgem/one-buffer", ["the one that moves, forwarded: faults of each page after the move"],
        CauseKind.stale
      ),
      ("forward/vgem-to-vkms/three-aliases", ["page 0 written through chardev, read through forwarded"], .stale),
      ("forward/vgem-to-vkms/map-files", ["forwarded: no file of the exporter is lent"], .access),
      ("access/vgem-to-vkms/no-handle", ["importer: a client without a handle"], .access),
      ("errors/vgem-to-vkms/beyond-the-buffer", ["dma-buf: one page too many"], .access),
      // A leak is a leak, whatever the test asks.
      ("errors/vgem-to-vkms/read-only", ["both unmapped", "all closed"], .balance),
      ("bounds/vgem/dma-buf-mmap", ["all pages: all as before"], .balance),
      ("failing/vgem/create", ["create: allocations that were not given back"], .balance),
      ("leaks/vgem-to-vkms/rounds", ["the importer's open files"], .balance),
      // But not if something else fails, too.
      (
        "errors/vgem-to-vkms/beyond-the-buffer", ["dma-buf: one page too many", "references after all refusals"],
        .access
      ),
      (
        "invalidate/virtio_gpu-to-vgem/unbind",
        ["forwarded: faults on touch after unbind, first page, middle and last"], .invalidation
      ),
      ("errors/vgem-to-vkms/private-writable", ["forwarded, private and writable, 50 times"], .errno),
      // That a dma-buf is left does not mean that an alias was.
      ("failing/pbtest-to-vgem/unplug", ["objects: what was wrong, by the place that failed"], nil),
      ("protection/vgem/write-combining", ["chardev: write-combining"], nil),
    ] as [(String, [String], CauseKind?)])
  func theSuiteSaysWhatItMeans(test: String, failed: [String], expected: CauseKind?) throws {
    let home = FilePath(#filePath).removingLastComponent().removingLastComponent().removingLastComponent()
    let suite = try SuiteDefinition.load("dma-buf", from: home.pushing("GuestTests/Suites"))
    #expect(suite.causes.first { $0.matches(test: test, failed: failed) }?.kind == expected)
  }

  @Test(arguments: [
    ("- {kind: odd, words: w, tests: [a]}", "“odd” is no kind"),
    ("- {kind: stale, words: w}", "names neither tests nor"),
  ])
  func aCauseThatSaysNothingIsRefused(cause: String, reason: String) {
    #expect { try load(Self.whole + "\ncauses:\n  \(cause)\n") } throws: { "\($0)".contains(reason) }
  }
}
