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

  public static let tests: [GuestTest] = {
    var list = SelfCheckTests.all
    for pair in pairs {
      list += ForwardTests.of(pair) + CountTests.of(pair) + LifetimeTests.of(pair) + RefusalTests.of(pair)
    }
    for case .drm(let driver) in exporters { list.append(SelfImportTests.of(driver)) }
    // One is enough: what counts is the number of objects, not who makes them; vkms makes them without asking a host.
    list.append(ScaleTests.of(driver: "vkms", importer: "vgem"))
    // Its last one unloads the driver.
    list += MoveTests.all + DriverTests.all
    // Only virtio-gpu sits on a bus from which it can be unbound; vgem and vkms make their devices at boot, udmabuf and
    // the heap have none. Last, so that a device which does not come back spoils nothing else.
    for pair in pairs where pair.exporter == .drm(VirtioGpu.driver) { list.append(InvalidateTests.of(pair)) }
    return list
  }()

  /// The test of a name, if there is one.
  public static func test(named name: String) -> GuestTest? { tests.first { $0.name == name } }

  /// What to run: everything, or what was asked for in the suite's order. Names that are no test come last: they must
  /// be reported, or a misspelt name would pass for a good result.
  static func plan(only: [String]) -> [String] {
    if only.isEmpty { return tests.map(\.name) }
    let known = tests.map(\.name).filter(only.contains)
    var unknown: [String] = []
    for name in only where !known.contains(name) && !unknown.contains(name) { unknown.append(name) }
    return known + unknown
  }

  /// One `name<TAB>question` line for each test.
  public static var listing: String { tests.map { "\($0.name)\t\($0.question)\n" }.joined() }
}
