// SPDX-License-Identifier: Apache-2.0

internal import CGuest
internal import CLibc

/// pbtest, the DRM driver that is built for each kernel under test: how it is loaded into the guest, and what it
/// reports.
enum TestDriver {
  static let name = "pbtest"
  /// Where the host puts the module, or instead a text that says why there is none.
  private static let module = "/pbtest.ko"
  private static let excuse = "/pbtest.txt"
  private static let query = "/dev/pbtest"

  /// Loads the module, once, before any test. Each test finds out for itself whether that succeeded.
  static func load() {
    guard access(module, F_OK) == 0, cguest_load_module(module) != 0 else { return }
    let words = "the kernel does not load it: \(errnoName(errno))"
    Kmsg.say("\(name): \(words)")
    let file = OpenFile(number: open(excuse, O_WRONLY | O_CREAT | O_TRUNC, 0o600))
    file.write(words)
    file.close()
  }

  static func loadAgain() throws(Failure) {
    if cguest_load_module(module) != 0 { throw .call("load \(name)") }
  }

  static func unload() throws(Failure) {
    if cguest_unload_module(name) != 0 { throw .call("unload \(name)") }
  }

  /// Opens the device that answers questions, for as long as the test's process lives.
  /// - Throws: ``Failure/skip(_:)`` with the reason if the driver is not there.
  static func ask() throws(Failure) -> KernelView {
    if let file = try? OpenFile(query) { return KernelView(file: file) }
    let words = (try? readText(excuse))?.split(separator: "\n").first.map(String.init)
    throw .skip("no \(name): \(words ?? "it was not given to this guest")")
  }

  /// - Throws: ``Failure/skip(_:)`` with the reason if the driver is not there.
  static func require() throws(Failure) { try ask().file.close() }

  /// Opens one of its devices, `0` or `1`.
  static func client(_ number: Int) throws(Failure) -> DrmClient {
    try require()
    let path = try chardev(number)
    return try DrmClient(driver: name, at: path)
  }

  /// The chardev of a device, by its place in sysfs: both devices have the same driver name.
  static func chardev(_ number: Int) throws(Failure) -> String {
    let folder = "/sys/bus/platform/devices/\(name).\(number)/drm"
    guard let card = names(in: folder).first(where: { $0.hasPrefix("card") }) else {
      throw .skip("\(name).\(number) is not bound")
    }
    return "/dev/dri/\(card)"
  }

  static func unbind(_ number: Int) throws(Failure) {
    try writeText("\(name).\(number)", to: "/sys/bus/platform/drivers/\(name)/unbind")
  }

  static func bind(_ number: Int) throws(Failure) {
    try writeText("\(name).\(number)", to: "/sys/bus/platform/drivers/\(name)/bind")
  }
}

/// What only the kernel knows about files, mappings and objects.
struct KernelView {
  let file: OpenFile

  /// About a file: its references, and the VMAs on its address space.
  func file(_ other: OpenFile, pages: ClosedRange<UInt64> = 0...UInt64.max) throws(Failure) -> pbtest_file {
    var args = pbtest_file()
    args.fd = other.number
    args.first = pages.lowerBound
    args.last = pages.upperBound
    if cguest_pbtest_file(file.number, &args) != 0 { throw .call("ask for a file") }
    return args
  }

  /// About a mapping, compared with a file.
  func vma(_ mapping: Mapping, page: Int = 0, against other: OpenFile? = nil) throws(Failure) -> pbtest_vma {
    var args = pbtest_vma()
    args.address = mapping.start + UInt64(page * pageSize)
    args.fd = other?.number ?? -1
    if cguest_pbtest_vma(file.number, &args) != 0 { throw .call("ask for a mapping") }
    return args
  }

  /// About a GEM object.
  func object(_ handle: UInt32, of client: DrmClient) throws(Failure) -> pbtest_object {
    var args = pbtest_object()
    args.fd = client.file.number
    args.handle = handle
    if cguest_pbtest_object(file.number, &args) != 0 { throw .call("ask for an object") }
    return args
  }
}

extension KernelView {
  /// The symbol at an address in the kernel's code; the number itself if it has none.
  func symbol(at address: UInt64) -> String {
    var args = pbtest_symbol()
    args.address = address
    if cguest_pbtest_symbol(file.number, &args) != 0 { return hex(address) }
    return withUnsafeBytes(of: args.name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }
}

extension pbtest_vma {
  /// The symbol of its vm_ops; empty if it has none.
  var operations: String {
    withUnsafeBytes(of: vm_ops) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }

  func has(_ flag: Int32) -> Bool { flags & UInt32(flag) != 0 }
}

extension DrmClient {
  /// A buffer of pbtest's own kind.
  func createOwn(pages: Int, flags: Int32 = 0) throws(Failure) -> DumbBuffer {
    var args = pbtest_create()
    args.size = UInt64(pages * pageSize)
    args.flags = UInt32(flags)
    if cguest_pbtest_create(file.number, &args) != 0 { throw .call("pbtest: create") }
    return DumbBuffer(handle: args.handle, fakeOffset: args.offset)
  }

  /// Gives a buffer new pages, and zaps its mappings unless `flags` says not to.
  /// - Returns: how often it has been given pages.
  func move(_ handle: UInt32, flags: Int32 = 0) throws(Failure) -> UInt64 {
    var args = pbtest_move()
    args.handle = handle
    args.flags = UInt32(flags)
    if cguest_pbtest_move(file.number, &args) != 0 { throw .call("pbtest: move") }
    return args.generation
  }

  /// Imports a dma-buf into pbtest, optionally larger than it is by some pages, or failing at a step.
  func importOwn(
    _ dmabuf: OpenFile, flags: Int32 = 0, extraPages: Int = 0, failing step: pbtest_step = PBTEST_FAIL_NOTHING,
    with error: Int32 = 0
  ) throws(Failure) -> DumbBuffer {
    var args = pbtest_import()
    args.fd = dmabuf.number
    args.flags = UInt32(flags)
    args.fail_step = step.rawValue
    args.fail_error = UInt32(error)
    args.extra = UInt64(extraPages * pageSize)
    if cguest_pbtest_import(file.number, &args) != 0 { throw .call("pbtest: import") }
    return DumbBuffer(handle: args.handle, fakeOffset: args.offset)
  }

  /// Keeps the kernel busy with a buffer for some time; 0 ends it.
  func keepBusy(_ handle: UInt32, milliseconds: UInt32) throws(Failure) {
    var args = pbtest_busy(handle: handle, milliseconds: milliseconds)
    if cguest_pbtest_busy(file.number, &args) != 0 { throw .call("pbtest: busy") }
  }

  /// Makes the next mapping of an import be forwarded at another page offset than 0.
  func forward(_ handle: UInt32, at page: UInt64) throws(Failure) {
    var args = pbtest_forward()
    args.handle = handle
    args.pgoff = page
    if cguest_pbtest_forward(file.number, &args) != 0 { throw .call("pbtest: forward") }
  }

  /// Makes the next call that reaches a step of a buffer fail there.
  func fail(_ handle: UInt32, at step: pbtest_step, with error: Int32) throws(Failure) {
    var args = pbtest_fail()
    args.handle = handle
    args.step = step.rawValue
    args.error = UInt32(error)
    if cguest_pbtest_fail(file.number, &args) != 0 { throw .call("pbtest: fail") }
  }
}
