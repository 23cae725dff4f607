// SPDX-License-Identifier: Apache-2.0

/// Every test, in the order in which the guest runs them.
public enum Suite {
  /// Drivers that forward mmap() of an imported buffer to the dma-buf. virtio-gpu refuses buffers of others.
  static let importers = ["vgem", "vkms", TestDriver.name]
  static let exporters: [Exporter] = [
    .drm(VirtioGpu.driver), .drm("vgem"), .drm("vkms"), .udmabuf, .systemHeap, .drm(TestDriver.name),
  ]

  /// Each exporter with each importer; a device with itself forwards nothing and has a test of its own.
  static let pairs = exporters.flatMap { exporter in
    importers.filter { exporter != .drm($0) }.map { Pair(exporter: exporter, importer: $0) }
  }

  /// One pair for each exporter, for questions in which the importer has no say: a mapping that was forwarded is the
  /// exporter's. vkms is left out; like vgem it has its mmap and vm_ops from drm_gem_shmem_helper.c, and nothing of its
  /// own there.
  static let perExporter = [
    Pair(exporter: .drm(VirtioGpu.driver), importer: "vgem"), Pair(exporter: .drm("vgem"), importer: "vkms"),
    Pair(exporter: .udmabuf, importer: "vgem"), Pair(exporter: .systemHeap, importer: "vgem"),
  ]

  public static let tests: [GuestTest] = {
    var list = SelfCheckTests.all
    for pair in pairs {
      list += ForwardTests.of(pair) + CountTests.of(pair) + LifetimeTests.of(pair) + RefusalTests.of(pair)
      list.append(ClosingTests.lives(pair))
    }
    for pair in perExporter {
      list += IdentityTests.of(pair) + UnwindTests.of(pair) + PassedTests.of(pair)
      list += VmaTests.of(pair) + VmaUseTests.of(pair)
    }
    for case .drm(let driver) in exporters { list.append(SelfImportTests.of(driver)) }
    list += AccountingTests.all
    list += [LifetimeTests.deadObject, LifetimeTests.dying]
    // virtio-gpu's references are those of the DRM core, which vgem's orders try as well and without asking a host.
    for pair in perExporter where pair.exporter != .drm(VirtioGpu.driver) { list.append(ClosingTests.orders(pair)) }
    list.append(ScaleTests.all)
    // vgem's mappings are virtio-gpu's, from drm_gem_shmem_helper.c.
    for pair in perExporter where pair.exporter != .drm("vgem") { list.append(RaceTests.mapping(pair)) }
    list.append(RaceTests.sharing(Pair(exporter: .drm("vgem"), importer: "vkms")))
    list.append(RaceTests.twins(importer: "vgem"))
    list += failing
    // Its last one unloads the driver, which nothing may hold then that any test before it did.
    list += MoveTests.all + MergeTests.all + DriverTests.all
    // Only virtio-gpu sits on a bus from which it can be unbound; vgem and vkms make their devices at boot, udmabuf and
    // the heap have none. Last, so that a device which does not come back spoils nothing else.
    for pair in pairs where pair.exporter == .drm(VirtioGpu.driver) { list.append(InvalidateTests.of(pair)) }
    let unplugged = Pair(exporter: .drm(VirtioGpu.driver), importer: "vgem")
    list += [InvalidateTests.deviceFreed(unplugged), RaceTests.unbind(unplugged)]
    return list
  }()

  /// Who shares in a life of which each step is made to fail: each exporter once, and each of the three ways to import.
  static let failingPairs = perExporter + [Pair(exporter: .drm(TestDriver.name), importer: "vgem")]

  private static var failing: [GuestTest] {
    var list = exporters.map(FailingTests.create)
    for case .drm(let driver) in exporters { list += [FailingTests.export(driver), FailingTests.selfImport(driver)] }
    for pair in failingPairs + [Pair(exporter: .drm("vgem"), importer: TestDriver.name)] {
      list.append(FailingTests.importing(pair))
    }
    for pair in failingPairs {
      if case .drm = pair.exporter { list.append(FailingMapTests.mmap(pair, "chardev")) }
      list += [FailingMapTests.mmap(pair, "dma-buf"), FailingMapTests.mmap(pair, "forwarded")]
      list += [FailingMapTests.touch(pair), FailingMapTests.split(pair), FailingMapTests.mremap(pair)]
      list.append(FailingMapTests.closing(pair))
    }
    list += FopsRouteTests.all + CallbackTests.all + TreeTests.all + BoundsTests.all + BusyTests.all
    list +=
      FailingTests.calls + CallTests.all + ArgumentTests.all + MappedTests.all + MemoryTests.all
    list += NodeTests.all + FailingLifeTests.all
    return list
  }

  /// The test of a name, if there is one.
  public static func test(named name: String) -> GuestTest? { tests.first { $0.name == name } }

  /// What to run: everything, or what was asked for, in the order in which it was. Names that are no test stay: they
  /// must be reported, or a misspelt name would pass for a good result.
  /// - Parameter after: leaves out this test and what comes before it; a name that is not there leaves out nothing.
  static func plan(only: [String], after: String? = nil) -> [String] {
    var list = tests.map(\.name)
    if !only.isEmpty {
      // In the host's order: it knows which are most likely to notice what it is looking for.
      var seen: Set<String> = []
      list = only.filter { seen.insert($0).inserted }
    }
    if let after, let index = list.firstIndex(of: after) { list.removeFirst(index + 1) }
    return list
  }

  /// One `name<TAB>question` line for each test.
  public static var listing: String { tests.map { "\($0.name)\t\($0.question)\n" }.joined() }
}
