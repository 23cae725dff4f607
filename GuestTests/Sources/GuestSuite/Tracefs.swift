internal import Glibc

/// The kernel's tracer, as a file system.
enum Tracefs {
  static let folder = "/sys/kernel/tracing"

  /// Why something cannot be counted.
  struct Failure: Error, Hashable {
    var reason: String
  }

  /// Mounts it, if it is not there yet.
  static func mount() throws(Failure) {
    if names(in: folder).isEmpty, Glibc.mount("tracefs", folder, "tracefs", 0, nil) != 0 {
      throw Failure(reason: "this kernel has no tracefs: \(errnoName(errno))")
    }
  }
}
