// SPDX-License-Identifier: Apache-2.0

import Foundation
import KernelBuild
public import SystemPackage

/// Where patchbench's own files are, and which patchbench it is.
public struct Checkout: Sendable, Hashable {
  /// What holds `Kernels/`, `Patches/` and `GuestTests/`.
  public var home: FilePath
  /// For the report.
  public var version: String

  public init(home: FilePath, version: String) {
    self.home = home
    self.version = version
  }

  public var kernels: FilePath { home.appending("Kernels") }
  /// The guest binary: where it was installed, else where `swift build --package-path GuestTests -c release` leaves it.
  public var guestBinary: FilePath {
    let installed = home.pushing(FilePath("GuestTests/patchbench-guest"))
    if FileManager.default.fileExists(atPath: installed.string) { return installed }
    return home.pushing(FilePath("GuestTests/.build/release/patchbench-guest"))
  }
  /// The test driver's sources.
  public var driver: FilePath { home.pushing(FilePath("GuestTests/Driver")) }
  /// Planted faults and harmless series.
  public var seeded: FilePath { home.pushing(FilePath("Patches/seeded")) }
  /// The functions that mutants are drawn from, and what is argued of some.
  public var mutants: FilePath { home.pushing(FilePath("Patches/mutants")) }

  /// Looks upwards from the program, which lies in the checkout's `.build`, or in the `libexec` beside the `share` that its
  /// data was installed to; then from the current directory.
  /// - Parameter explicit: where the user says that it is; nobody looks then.
  /// - Returns: `nil` if there is none above either.
  public static func find(_ explicit: String?, version: String) -> Checkout? {
    if let explicit { return Checkout(home: FilePath(explicit), version: version) }
    let program = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().path
    for start in [FilePath(program), FilePath(FileManager.default.currentDirectoryPath)] {
      var path = start
      while true {
        for home in [path, path.pushing(FilePath("share/patchbench"))]
        where !KernelDefinition.names(in: home.appending("Kernels")).isEmpty {
          return Checkout(home: home, version: version)
        }
        if !path.removeLastComponent() { break }
      }
    }
    return nil
  }
}
