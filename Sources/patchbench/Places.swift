import Foundation
import KernelBuild
import SystemPackage

/// Where patchbench's own files are.
struct Places {
  /// The checkout: what holds `Kernels/` and `GuestTests/`.
  var home: FilePath

  var kernels: FilePath { home.appending("Kernels") }
  /// Where `swift build --package-path GuestTests -c release` leaves the guest binary.
  var guestBinary: FilePath {
    home.pushing(FilePath("GuestTests/.build/release/patchbench-guest"))
  }

  /// The test driver's sources.
  var driver: FilePath { home.pushing(FilePath("GuestTests/Driver")) }

  /// Looks upwards from the program, which usually lies in the checkout's `.build`, then from the current directory.
  /// - Throws: ``Failure`` if there is no checkout above either.
  static func find(_ explicit: String?) throws -> Places {
    if let explicit { return Places(home: FilePath(explicit)) }
    let program = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().path
    for start in [FilePath(program), FilePath(FileManager.default.currentDirectoryPath)] {
      var path = start
      while true {
        if !KernelDefinition.names(in: path.appending("Kernels")).isEmpty { return Places(home: path) }
        if !path.removeLastComponent() { break }
      }
    }
    throw Failure(
      "patchbench's Kernels directory is not found", advice: "run it in its checkout, or name that with --home",
      status: ExitStatus.usage)
  }
}
