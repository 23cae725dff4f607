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
  /// Where `swift build --package-path GuestTests -c release` leaves the guest binary.
  public var guestBinary: FilePath { home.pushing(FilePath("GuestTests/.build/release/patchbench-guest")) }
  /// The test driver's sources.
  public var driver: FilePath { home.pushing(FilePath("GuestTests/Driver")) }
  /// Planted faults and harmless series.
  public var seeded: FilePath { home.pushing(FilePath("Patches/seeded")) }
  /// The functions that mutants are drawn from, and what is argued of some.
  public var mutants: FilePath { home.pushing(FilePath("Patches/mutants")) }

  /// Looks upwards from the program, which usually lies in the checkout's `.build`, then from the current directory.
  /// - Parameter explicit: where the user says that it is; nobody looks then.
  /// - Returns: `nil` if there is none above either.
  public static func find(_ explicit: String?, version: String) -> Checkout? {
    if let explicit { return Checkout(home: FilePath(explicit), version: version) }
    let program = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().path
    for start in [FilePath(program), FilePath(FileManager.default.currentDirectoryPath)] {
      var path = start
      while true {
        if !KernelDefinition.names(in: path.appending("Kernels")).isEmpty {
          return Checkout(home: path, version: version)
        }
        if !path.removeLastComponent() { break }
      }
    }
    return nil
  }
}
