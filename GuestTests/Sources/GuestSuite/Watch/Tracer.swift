// SPDX-License-Identifier: Apache-2.0

internal import CLibc

/// Instances of the kernel's tracer. Each has records and events of its own.
enum Tracer {
  private static let root = "/sys/kernel/tracing"

  static func folder(_ name: String) -> String { "\(root)/instances/\(name)" }

  /// Makes an instance, unless an earlier test has: that takes a second of an emulated guest, and costs next to nothing
  /// while nothing is recorded.
  /// - Parameter setUp: switches its events on.
  /// - Throws: ``Failure/skip(_:)`` if the kernel has no tracer.
  static func make(_ name: String, _ setUp: () throws(Failure) -> Void) throws(Failure) {
    if names(in: root).isEmpty { _ = mount("tracefs", root, "tracefs", 0, nil) }
    let folder = folder(name)
    if access(folder, F_OK) == 0 { return }
    if mkdir(folder, 0o700) != 0 {
      throw .skip("this kernel has no tracer to watch allocations with: \(errnoName(errno))")
    }
    do {
      try writeText("0", to: "\(folder)/tracing_on")
      try setUp()
    } catch {
      rmdir(folder)
      throw error
    }
  }
}
