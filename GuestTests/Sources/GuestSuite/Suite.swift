// SPDX-License-Identifier: Apache-2.0

/// Every test, in the order in which the guest runs them.
public enum Suite {
  /// Drivers that forward mmap() of an imported buffer to the dma-buf. virtio-gpu refuses buffers of other drivers.
  static let importers = ["vgem", "vkms", TestDriver.name]
  static let exporters: [Exporter] = [
    .drm(VirtioGpu.driver), .drm("vgem"), .drm("vkms"), .udmabuf, .systemHeap, .drm(TestDriver.name),
  ]

  /// Each exporter with each importer, except with itself: that forwards nothing and has a separate test.
  static let pairs = exporters.flatMap { exporter in
    importers.filter { exporter != .drm($0) }.map { Pair(exporter: exporter, importer: $0) }
  }

  /// One pair for each exporter, for questions on which the importer has no influence: a forwarded mapping is the
  /// exporter's. vkms is left out. Like vgem it takes its mmap and vm_ops from drm_gem_shmem_helper.c, and adds nothing
  /// to them.
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
    // virtio-gpu's references are those of the DRM core. vgem's orders cover them too, without a round trip to the
    // host.
    for pair in perExporter where pair.exporter != .drm(VirtioGpu.driver) { list.append(ClosingTests.orders(pair)) }
    // virtio-gpu's mappings, like vgem's, come from drm_gem_shmem_helper.c.
    for pair in perExporter where pair.exporter != .drm("vgem") { list.append(RaceTests.mapping(pair)) }
    list.append(RaceTests.sharing(Pair(exporter: .drm("vgem"), importer: "vkms")))
    list.append(RaceTests.twins(importer: "vgem"))
    list += failing
    // The last of these unloads the driver, so nothing may still hold what an earlier test used.
    list += MoveTests.all + MergeTests.all + DriverTests.all
    // If this leaks, every later test that counts dma-bufs has thousands to read.
    list.append(ScaleTests.all)
    // Only virtio-gpu is on a bus from which it can be unbound. vgem and vkms create their devices at boot, udmabuf and
    // the heap have none. Last, so that a device that does not come back affects no other test.
    for pair in pairs where pair.exporter == .drm(VirtioGpu.driver) { list.append(InvalidateTests.of(pair)) }
    let unplugged = Pair(exporter: .drm(VirtioGpu.driver), importer: "vgem")
    list += [InvalidateTests.deviceFreed(unplugged), RaceTests.unbind(unplugged)]
    return list
  }()

  /// The pairs for tests in which each step of a life is made to fail: each exporter once, and each of the three ways
  /// to import.
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
      FailingTests.calls + CallTests.all + ArgumentTests.all + MappedTests.all + MemoryTests.all + PlacementTests.all
    list += NodeTests.all + FailingLifeTests.all
    return list
  }

  /// The test with this name, if there is one.
  public static func test(named name: String) -> GuestTest? { tests.first { $0.name == name } }

  /// Returns what to run: everything, or the requested tests in the requested order. Unknown names stay: they must be
  /// reported, or a misspelt name would look like a good result.
  /// - Parameter after: leaves out this test and everything before it; an unknown name leaves out nothing.
  static func plan(only: [String], after: String? = nil) -> [String] {
    var list = tests.map { $0.name }
    if !only.isEmpty {
      // In the host's order: it knows which tests are most likely to notice what it is looking for.
      var seen: Set<String> = []
      list = only.filter { seen.insert($0).inserted }
    }
    if let after, let index = list.firstIndex(of: after) { list.removeFirst(index + 1) }
    return list
  }

  /// One `name<TAB>question` line for each test.
  public static var listing: String { tests.map { "\($0.name)\t\($0.question)\n" }.joined() }
}
