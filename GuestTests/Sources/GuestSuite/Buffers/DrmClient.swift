// SPDX-License-Identifier: Apache-2.0

internal import CGuest
internal import CLibc

/// A buffer that a DRM driver allocated: its handle in one client, and its fake offset on the device's chardev.
struct DumbBuffer {
  var handle: UInt32
  var fakeOffset: UInt64
}

/// One open file of a DRM chardev. Handles belong to it, and so does the right to map their objects.
struct DrmClient {
  let driver: String
  let path: String
  let file: OpenFile

  /// Opens the chardev of a driver. Skips the test if the guest has none.
  init(driver: String, flags: Int32 = O_RDWR) throws(Failure) {
    if driver == VirtioGpu.driver { try VirtioGpu.bind() }
    if driver == TestDriver.name { try TestDriver.require() }
    guard let path = Self.chardev(of: driver) else { throw .skip("no \(driver) device in this guest") }
    try self.init(driver: driver, path: path, flags: flags)
  }

  /// Opens another client of the same chardev.
  func stranger() throws(Failure) -> DrmClient { try DrmClient(driver: driver, path: path) }

  /// Opens a chardev that is known to belong to this driver.
  init(driver: String, at path: String) throws(Failure) { try self.init(driver: driver, path: path) }

  private init(driver: String, path: String, flags: Int32 = O_RDWR) throws(Failure) {
    self.driver = driver
    self.path = path
    file = try OpenFile(path, flags: flags)
  }

  func close() { file.close() }

  /// The number of open files of this chardev, by debugfs. It includes files that no descriptor refers to any more.
  func openClients() throws(Failure) -> Int {
    let number = path.drop { !$0.isNumber }
    let text: String
    do {
      text = try readText("/sys/kernel/debug/dri/\(number)/clients")
    } catch {
      throw error.code == ENOENT
        ? .skip("this kernel does not list DRM clients (CONFIG_DEBUG_FS)") : error
    }
    // The first line names the columns.
    return text.split(separator: "\n").count - 1
  }

  /// The same for a driver whose chardev is not open here.
  static func openClients(of driver: String) throws(Failure) -> Int {
    let client = try DrmClient(driver: driver)
    defer { client.close() }
    return try client.openClients() - 1
  }

  /// Finds a driver's chardev by asking every card: the minor numbers depend on the probe order.
  static func chardev(of driver: String) -> String? {
    for card in names(in: "/dev/dri") where card.hasPrefix("card") {
      let path = "/dev/dri/" + card
      guard let file = try? OpenFile(path) else { continue }
      defer { file.close() }
      var name = [CChar](repeating: 0, count: 64)
      guard cguest_drm_driver(file.number, &name, name.count) == 0 else { continue }
      if name.withUnsafeBufferPointer({ $0.baseAddress.map { String(cString: $0) } }) == driver { return path }
    }
    return nil
  }

  func createDumb(pages: Int) throws(Failure) -> DumbBuffer {
    var buffer = DumbBuffer(handle: 0, fakeOffset: 0)
    var size: UInt64 = 0
    if cguest_drm_create_dumb(file.number, UInt32(pages), &buffer.handle, &size) < 0 {
      throw .call("\(driver): create a dumb buffer")
    }
    if size != pages * pageSize { throw .call("\(driver): a dumb buffer of \(pages) pages", code: ERANGE) }
    buffer.fakeOffset = try fakeOffset(of: buffer.handle)
    return buffer
  }

  func fakeOffset(of handle: UInt32) throws(Failure) -> UInt64 {
    var offset: UInt64 = 0
    if cguest_drm_fake_offset(file.number, handle, &offset) < 0 { throw .call("\(driver): ask for a fake offset") }
    return offset
  }

  func closeHandle(_ handle: UInt32) throws(Failure) {
    if cguest_drm_close_handle(file.number, handle) < 0 { throw .call("\(driver): close a handle") }
  }

  func export(_ handle: UInt32) throws(Failure) -> OpenFile {
    let number = cguest_drm_export(file.number, handle)
    if number < 0 { throw .call("\(driver): export") }
    return OpenFile(number: number)
  }

  func importBuffer(_ dmabuf: OpenFile) throws(Failure) -> UInt32 {
    var handle: UInt32 = 0
    if cguest_drm_import(file.number, dmabuf.number, &handle) < 0 { throw .call("\(driver): import") }
    return handle
  }
}
