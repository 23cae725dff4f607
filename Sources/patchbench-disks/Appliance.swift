// SPDX-License-Identifier: Apache-2.0

import BenchModel
import CGuestfs
import Foundation
import SystemPackage

/// libguestfs' appliance: a separate guest whose kernel mounts untrusted disks, so that the host's kernel does not.
final class Appliance {
  private let handle: OpaquePointer

  /// In MiB. The same as one of our guests, whose slot it takes.
  private static let memory: Int32 = 512
  /// The maximum that is read of one file, in bytes: more than a disk holds.
  private static let mostOfFile: Int64 = 32 << 20

  /// Starts the appliance with the request's disks.
  /// - Throws: ``GuestfsError``
  init(_ request: Request) throws {
    guard let handle = cguestfs_create() else { throw GuestfsError(call: "guestfs_create", message: "out of memory") }
    self.handle = handle
    // Errors are read with guestfs_last_error instead.
    guestfs_set_error_handler(handle, nil, nil)
    try check("guestfs_set_backend", guestfs_set_backend(handle, "direct"))
    if request.isEmulated {
      try check("guestfs_set_backend_setting", guestfs_set_backend_setting(handle, "force_tcg", "1"))
    }
    try check("guestfs_set_memsize", guestfs_set_memsize(handle, Self.memory))
    try check("guestfs_set_cachedir", guestfs_set_cachedir(handle, request.kept))
    try check("guestfs_set_tmpdir", guestfs_set_tmpdir(handle, request.scratch))
    for image in request.images { try check("guestfs_add_drive", cguestfs_add_read_only(handle, image)) }
    try check("guestfs_launch", guestfs_launch(handle))
  }

  deinit {
    _ = guestfs_shutdown(handle)
    guestfs_close(handle)
  }

  /// Writes the files of one disk next to its image: `state-kmsg` for `state.img`.
  /// - Throws: ``GuestfsError``; `Errno` if they cannot be written.
  func files(of image: FilePath, at index: Int) throws -> [String] {
    let letter = Character(UnicodeScalar(UInt8(ascii: "a") + UInt8(index)))
    try check("guestfs_mount", guestfs_mount_options(handle, "ro,nosuid,nodev,noexec", "/dev/sd\(letter)", "/"))
    defer { _ = guestfs_umount_all(handle) }
    var places: [String] = []
    for name in StateReading.names {
      // PID 1 makes no links, directories or devices.
      let isFile = guestfs_is_file(handle, "/" + name)
      if isFile < 0 { throw failure("guestfs_is_file") }
      if isFile == 0 { continue }
      let place = image.removingLastComponent().appending("\(image.stem ?? "state")-\(name)")
      try copy("/" + name, to: place)
      places.append(place.string)
    }
    return places
  }

  private func copy(_ name: String, to place: FilePath) throws {
    let file = try FileDescriptor.open(
      place, .writeOnly, options: [.create, .truncate, .closeOnExec, .noFollow],
      permissions: [.ownerReadWrite, .groupRead, .otherRead])
    defer { try? file.close() }
    var offset: Int64 = 0
    while offset < Self.mostOfFile {
      var count = 0
      guard let bytes = guestfs_pread(handle, name, 1 << 20, offset, &count) else { throw failure("guestfs_pread") }
      defer { free(bytes) }
      if count == 0 { return }
      try file.writeAll(UnsafeRawBufferPointer(start: bytes, count: count))
      offset += Int64(count)
    }
  }

  /// Whether the appliance still responds.
  var isAlive: Bool { guestfs_ping_daemon(handle) == 0 }

  private func check(_ call: String, _ status: Int32) throws(GuestfsError) {
    if status < 0 { throw failure(call) }
  }

  private func failure(_ call: String) -> GuestfsError {
    GuestfsError(call: call, message: guestfs_last_error(handle).map { String(cString: $0) } ?? "no reason was given")
  }
}

/// libguestfs' report of a failed call.
struct GuestfsError: Error, CustomStringConvertible {
  var call: String
  var message: String

  var description: String { "\(call): \(message)" }
}
