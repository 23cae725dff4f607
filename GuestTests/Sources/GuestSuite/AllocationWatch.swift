internal import CGuest
internal import Glibc

/// Follows each piece of memory that this task is given by the slab allocators, and tells what was not given back, by who
/// asked for it.
///
/// The tracer's events tell of kfree() itself. The slabs' own books (alloc_traces, slabinfo) count what KASAN keeps in
/// quarantine as if it were in use, and kmemleak looks for pointers, finds some by chance, and takes minutes.
final class AllocationWatch {
  private static let tracing = "/sys/kernel/tracing"
  private static let folder = "\(tracing)/instances/patchbench"
  private static let given = ["kmalloc", "kmem_cache_alloc"]
  private static let taken = ["kfree", "kmem_cache_free"]
  /// In KiB, for each processor. A test's records take a few hundred.
  private static let room = "8192"

  /// Who asks for memory that is given back by ways on which no event stands, or that is kept for the next one. All of it
  /// belongs to what any process does, and not to buffers.
  private static let exempt: Set<String> = [
    // Given back in bulk (lib/maple_tree.c, mt_free_bulk()).
    "mas_alloc_nodes", "mt_alloc_one", "mas_pop_node",
    // Kept for whoever needs one next on this processor (lib/radix-tree.c).
    "__radix_tree_preload",
    // A page table's lock, which the address space keeps as long as its table.
    "ptlock_alloc",
  ]
  /// The most that is read at once of the tracer's records.
  private static let most = 16 << 20

  private let files: [OpenFile]
  private var giving: Set<UInt16> = []
  private var layout = TraceRecords.Layout()
  private let task = getpid()
  /// From an address to who was given it.
  private var held: [UInt64: UInt64] = [:]
  private var isWhole = true
  /// There before the watch begins, since what the process needs to read the records would stand in them.
  private let records = UnsafeMutableRawBufferPointer.allocate(byteCount: AllocationWatch.most, alignment: pageSize)
  private var pages: [Range<Int>] = []
  private let kernel: KernelView
  private var symbols: [UInt64: String] = [:]

  /// Begins to watch.
  /// - Throws: ``Skip`` where the kernel has no such events.
  init(_ kernel: KernelView) throws {
    self.kernel = kernel
    if names(in: Self.tracing).isEmpty { _ = mount("tracefs", Self.tracing, "tracefs", 0, nil) }
    if names(in: Self.folder).isEmpty {
      if mkdir(Self.folder, 0o700) != 0 {
        throw Skip(reason: "this kernel has no tracer to watch allocations by: \(errnoName(errno))")
      }
      try writeText("0", to: "\(Self.folder)/tracing_on")
      try writeText(Self.room, to: "\(Self.folder)/buffer_size_kb")
    }
    for event in Self.given + Self.taken {
      let place = "\(Self.folder)/events/kmem/\(event)"
      let format = try readText("\(place)/format")
      guard let site = TraceRecords.offset(of: "call_site", in: format),
        let address = TraceRecords.offset(of: "ptr", in: format)
      else { throw Skip(reason: "this kernel's event \(event) tells something else") }
      let here = TraceRecords.Layout(site: site, address: address)
      if event != Self.given[0], here != layout { throw Skip(reason: "this kernel's events differ from one another") }
      layout = here
      if Self.given.contains(event), let id = UInt16(try readText("\(place)/id").split(separator: "\n").first ?? "") {
        giving.insert(id)
      }
    }
    files = try names(in: "\(Self.folder)/per_cpu").map {
      try OpenFile("\(Self.folder)/per_cpu/\($0)/trace_pipe_raw", flags: O_RDONLY | O_NONBLOCK)
    }
    for event in Self.given + Self.taken { try writeText("1", to: "\(Self.folder)/events/kmem/\(event)/enable") }
    pages.reserveCapacity(Self.most / pageSize)
    if cguest_settle_heap() != 0 { throw CallFailed("settle the heap") }
    // What was left by a test that did not come to its end.
    read()
    isWhole = true
    try writeText("1", to: "\(Self.folder)/tracing_on")
  }

  deinit { records.deallocate() }

  /// Ends it, and checks that nothing is held any more.
  func end(_ look: Recorder, _ name: String) throws {
    read()
    // In two steps, since what was given on one processor may have been taken back on the other.
    each { [giving, task] in
      if giving.contains($0.event), $0.task == task { self.held[$0.address] = $0.site }
    }
    takeBack()
    for _ in 0..<50 where !named.isEmpty {
      // What RCU or a worker frees is freed soon.
      usleep(10_000)
      read()
      takeBack()
    }
    try writeText("0", to: "\(Self.folder)/tracing_on")
    for event in Self.given + Self.taken { try writeText("0", to: "\(Self.folder)/events/kmem/\(event)/enable") }
    for file in files { file.close() }
    look.expect(isWhole, "\(name): control: each allocation was seen")
    look.equal(named, [], "\(name): allocations that were not given back")
  }

  private func takeBack() {
    each { [giving] in if !giving.contains($0.event) { self.held[$0.address] = nil } }
  }

  /// Takes the records out of the tracer, page by page, and looks at none.
  private func read() {
    pages.removeAll(keepingCapacity: true)
    var end = 0
    for file in files {
      while end + pageSize <= records.count {
        let count = Glibc.read(file.number, records.baseAddress! + end, pageSize)
        if count <= 0 { break }
        pages.append(end..<end + count)
        end += count
      }
    }
    if end + pageSize > records.count { isWhole = false }
  }

  private func each(_ record: (MemoryRecord) -> Void) {
    for page in pages {
      if !TraceRecords.read(UnsafeRawBufferPointer(rebasing: records[page]), layout, record) { isWhole = false }
    }
  }

  /// Who holds something still: `drm_gem_prime_mmap (2)`.
  private var named: [String] {
    var counts: [String: Int] = [:]
    for site in held.values { counts[name(of: site), default: 0] += 1 }
    return counts.filter { !Self.exempt.contains($0.key) }.map { "\($0.key) (\($0.value))" }.sorted()
  }

  private func name(of site: UInt64) -> String {
    if let name = symbols[site] { return name }
    let name = kernel.symbol(at: site)
    symbols[site] = name
    return name
  }
}
