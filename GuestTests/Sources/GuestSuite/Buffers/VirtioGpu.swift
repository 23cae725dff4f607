// SPDX-License-Identifier: Apache-2.0

internal import CLibc

/// The one stock exporter that can be unplugged in a guest.
enum VirtioGpu {
  static let driver = "virtio_gpu"
  private static let folder = "/sys/bus/virtio/drivers/virtio_gpu"
  /// The device's number in the virtio specification, as sysfs writes it.
  private static let deviceID = "0x0010"

  /// The GPUs on the virtio bus, whether or not a driver is bound to them.
  private static var devices: [String] {
    names(in: "/sys/bus/virtio/devices").filter { name in
      guard let text = try? readText("/sys/bus/virtio/devices/\(name)/device") else { return false }
      return text.split(separator: "\n").first.map(String.init) == deviceID
    }
  }

  /// Returns the device to the driver, if a test took it away and died before returning it.
  static func bind() throws(Failure) {
    for device in devices where access("/sys/bus/virtio/devices/\(device)/driver", F_OK) != 0 {
      try writeText(device, to: folder + "/bind")
    }
  }

  /// Takes the device away from the driver. This unplugs the DRM device and must zap every mapping of its buffers.
  static func unbind() throws(Failure) {
    let bound = names(in: folder).filter(devices.contains)
    guard bound.count == 1 else { throw .skip("\(bound.count) virtio GPUs are bound, exactly one is needed") }
    try writeText(bound[0], to: folder + "/unbind")
  }
}
