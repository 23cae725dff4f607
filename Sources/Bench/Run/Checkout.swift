// SPDX-License-Identifier: Apache-2.0

import Foundation
import KernelBuild
public import SystemPackage

/// The place of patchbench's own files, and patchbench's version.
public struct Checkout: Sendable, Hashable {
  /// The directory with `Kernels/`, `Patches/` and `GuestTests/`.
  public var home: FilePath
  /// The version, for the report.
  public var version: String

  public init(home: FilePath, version: String) {
    self.home = home
    self.version = version
  }

  public var kernels: FilePath { home.appending("Kernels") }
  /// The guest binary: the installed one, or else the one that `swift build --package-path GuestTests -c release`
  /// makes.
  public var guestBinary: FilePath {
    let installed = home.pushing(FilePath("GuestTests/patchbench-guest"))
    if FileManager.default.fileExists(atPath: installed.string) { return installed }
    return home.pushing(FilePath("GuestTests/.build/release/patchbench-guest"))
  }
  /// The test driver's sources.
  public var driver: FilePath { home.pushing(FilePath("GuestTests/Driver")) }
  /// Planted faults and harmless series.
  public var seeded: FilePath { home.pushing(FilePath("Patches/seeded")) }
  /// The functions that mutants are drawn from, and the arguments about some mutants.
  public var mutants: FilePath { home.pushing(FilePath("Patches/mutants")) }

  /// Finds the checkout. Searches upwards from the program, then from the current directory.
  ///
  /// The program is in the checkout's `.build`, or in a `libexec` next to the `share` that its data was installed to.
  /// - Parameter explicit: the path that the user gave; it is taken without a search.
  /// - Returns: `nil` if neither search finds one.
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
