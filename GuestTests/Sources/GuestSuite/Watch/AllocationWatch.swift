// SPDX-License-Identifier: Apache-2.0

internal import CGuest
internal import CLibc

/// Follows each slab allocation of this task, and reports what was not freed, by the function that allocated it.
///
/// The tracer's events show kfree() itself. The slabs' own statistics (alloc_traces, slabinfo) count what is in KASAN's
/// quarantine as in use. kmemleak looks for pointers, finds some by chance, and takes minutes.
final class AllocationWatch {
  private static let instance = "patchbench"
  private static let folder = Tracer.folder(instance)
  private static let given = ["kmalloc", "kmem_cache_alloc"]
  private static let taken = ["kfree", "kmem_cache_free"]
  /// In KiB, for each CPU. A test's records take a few hundred.
  private static let room = "2048"

  /// Functions whose memory is freed by paths without an event, or is kept for reuse. All of it belongs to what any
  /// process does, and not to buffers.
  private static let exempt: Set<String> = [
    // Freed in bulk, as what ``isOfMapleTree(_:)`` names.
    "mt_alloc_one", "dst_setup",
    // Freed in bulk, by kfree_rcu().
    "dma_resv_list_alloc",
    // Kept for the next user on this CPU (lib/radix-tree.c).
    "__radix_tree_preload",
    // The parts of a process, which are freed when the scheduler releases it.
    "copy_process",
    // A page table's lock, which the address space keeps as long as the table.
    "ptlock_alloc",
  ]
  /// Whether a function of lib/maple_tree.c allocated it: mt_free_bulk() and, in newer kernels, sheaves free nodes without an
  /// event. Which function that is depends on what the compiler put into it. `leaks/mmap` counts the nodes themselves.
  private static func isOfMapleTree(_ function: String) -> Bool { function.utf8.starts(with: "mas_".utf8) }

  /// The maximum read at once from the tracer's records, in bytes.
  private static let most = 5 << 20

  private let files: [OpenFile]
  private var giving: Set<UInt16> = []
  private let task = getpid()
  /// Maps an address to the function that allocated it.
  private var held: [UInt64: UInt64] = [:]
  private var isWhole = true
  private var hasLooked = false
  /// Allocated before the watch begins: allocations for reading the records would show up in them.
  private let records = UnsafeMutableRawBufferPointer.allocate(byteCount: AllocationWatch.most, alignment: pageSize)
  private var pages: [Range<Int>] = []
  private let kernel: KernelView
  private var symbols: [UInt64: String] = [:]

  /// Begins to watch.
  /// - Throws: ``Failure/skip(_:)`` if the kernel has no such events.
  init(_ kernel: KernelView) throws(Failure) {
    self.kernel = kernel
    try Tracer.make(Self.instance, Self.setUp)
    for event in Self.given {
      guard let id = UInt16(try readText("\(Self.folder)/events/kmem/\(event)/id").split(separator: "\n").first ?? "")
      else { throw .skip("this kernel's event \(event) has no number") }
      giving.insert(id)
    }
    files = try names(in: "\(Self.folder)/per_cpu").map { cpu throws(Failure) in
      try OpenFile("\(Self.folder)/per_cpu/\(cpu)/trace_pipe_raw", flags: O_RDONLY | O_NONBLOCK)
    }
    pages.reserveCapacity(Self.most / pageSize)
    if cguest_settle_heap() != 0 { throw .call("settle the heap") }
    // Discard what a test that did not complete has left.
    read()
    isWhole = true
    try writeText("1", to: "\(Self.folder)/tracing_on")
  }

  private static func setUp() throws(Failure) {
    try writeText(room, to: "\(folder)/buffer_size_kb")
    for event in given + taken {
      let place = "\(folder)/events/kmem/\(event)"
      let format = try readText("\(place)/format")
      guard TraceRecords.offset(of: "call_site", in: format) == TraceRecords.site,
        TraceRecords.offset(of: "ptr", in: format) == TraceRecords.address
      else {
        throw .skip("this kernel's event \(event) has another format")
      }
      try writeText("1", to: "\(place)/enable")
    }
  }

  deinit { records.deallocate() }

  /// Ends the watch, and checks that nothing is still held.
  func end(_ look: Recorder, _ name: String) throws(Failure) {
    let left = stillHeld()
    try writeText("0", to: "\(Self.folder)/tracing_on")
    for file in files { file.close() }
    look.expect(isWhole, "\(name): control: each allocation was seen")
    look.equal(left, [], "\(name): allocations that were not given back")
  }

  /// The functions whose allocations are still held: `drm_gem_prime_mmap (2)`. Allocations after the first such call
  /// are not followed.
  /// - Parameter patience: how often to look again, 10 ms apart, for as long as something is held.
  func stillHeld(patience: Int = Patience.rounds) -> [String] {
    read()
    // In two steps, since memory allocated on one CPU may have been freed on the other.
    if !hasLooked {
      each { [giving, task] in
        if giving.contains($0.event), $0.task == task { self.held[$0.address] = $0.site }
      }
    }
    hasLooked = true
    takeBack()
    for _ in 0..<patience where !named.isEmpty {
      // RCU and workers free memory soon afterwards.
      usleep(10_000)
      read()
      takeBack()
    }
    return named
  }

  private func takeBack() {
    each { [giving] in if !giving.contains($0.event) { self.held[$0.address] = nil } }
  }

  /// Takes the records out of the tracer, page by page, without looking at them.
  private func read() {
    pages.removeAll(keepingCapacity: true)
    var end = 0
    for file in files {
      while end + pageSize <= records.count {
        let count = CLibc.read(file.number, records.baseAddress! + end, pageSize)
        if count <= 0 { break }
        pages.append(end..<end + count)
        end += count
      }
    }
    if end + pageSize > records.count { isWhole = false }
  }

  private func each(_ record: (MemoryRecord) -> Void) {
    for page in pages {
      if !TraceRecords.read(UnsafeRawBufferPointer(rebasing: records[page]), record) { isWhole = false }
    }
  }

  private var named: [String] {
    var counts: [String: Int] = [:]
    for site in held.values { counts[name(of: site), default: 0] += 1 }
    return counts.filter { !Self.exempt.contains($0.key) && !Self.isOfMapleTree($0.key) }.map {
      "\($0.key) (\($0.value))"
    }.sorted()
  }

  private func name(of site: UInt64) -> String {
    if let name = symbols[site] { return name }
    let name = kernel.symbol(at: site)
    symbols[site] = name
    return name
  }
}
