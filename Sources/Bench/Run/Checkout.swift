// SPDX-License-Identifier: Apache-2.0

public import BenchModel
import Foundation
public import KernelBuild
public import SystemPackage

/// The place of patchbench's own files, and patchbench's version.
public struct Checkout: Sendable, Hashable {
  /// The directory with `Kernels/`, `Patches/` and `GuestTests/`.
  public var home: FilePath
  /// The version, for the report.
  public var version: String
  /// The guest tests that are run.
  public var suite: SuiteDefinition

  public init(home: FilePath, version: String, suite: SuiteDefinition) {
    self.home = home
    self.version = version
    self.suite = suite
  }

  /// Loads the suite of that name from `home`.
  /// - Throws: ``DefinitionError``
  public init(home: FilePath, version: String, suite: String) throws(DefinitionError) {
    self.init(
      home: home, version: version,
      suite: try SuiteDefinition.load(suite, from: home.pushing(FilePath("GuestTests/Suites"))))
  }

  public var kernels: FilePath { home.appending("Kernels") }
  /// The guest binary: the installed one, or else the one that GuestTests/Makefile makes for this architecture.
  public var guestBinary: FilePath {
    let places = guestBinaries(for: .host)
    return places.first { FileManager.default.fileExists(atPath: $0.string) } ?? places[1]
  }
  /// The guest binary for guests of an architecture. That of the machine's own also runs on the host, and lists the tests
  /// of all.
  /// - Throws: ``StageError`` if it was not built.
  public func guestBinary(for architecture: Architecture) throws -> FilePath {
    if architecture.isHost { return guestBinary }
    let places = guestBinaries(for: architecture)
    if let found = places.first(where: { FileManager.default.fileExists(atPath: $0.string) }) { return found }
    throw StageError.fault(
      .boot, "there is no guest binary for \(architecture.name)",
      advice: "`./setup.sh guest \(architecture.name)` builds it")
  }
  /// Where the guest binary of an architecture is: installed, and as GuestTests/Makefile makes it.
  private func guestBinaries(for architecture: Architecture) -> [FilePath] {
    let name = architecture.isHost ? suite.binary : "\(suite.binary)-\(architecture.name)"
    return [
      home.appending("GuestTests").appending(name),
      home.pushing(FilePath("GuestTests/.build/embedded/\(architecture.name)")).appending(suite.binary),
    ]
  }
  /// The test driver's sources.
  public var driver: FilePath { suite.modules }
  /// Planted faults and harmless series.
  public var seeded: FilePath { home.pushing(FilePath("Patches/seeded")) }
  /// The functions that mutants are drawn from, and the arguments about some mutants.
  public var mutants: FilePath { home.pushing(FilePath("Patches/mutants")) }

  /// Loads a kernel's definition, with the suite's config fragments.
  /// - Parameter revision: of the kernel's repository; `nil` keeps the definition's.
  /// - Throws: ``DefinitionError``
  public func kernel(_ name: String, at revision: String? = nil) throws(DefinitionError) -> KernelDefinition {
    let kernel = try KernelDefinition.load(name, from: kernels).configured(for: suite)
    guard let revision else { return kernel }
    return try kernel.at(revision, definedIn: kernels)
  }

  /// Finds the directory of a checkout. Searches upwards from the program, then from the current directory.
  ///
  /// The program is in the checkout's `.build`, or in a `libexec` next to the `share` that its data was installed to.
  /// - Parameter explicit: the path that the user gave; it is taken without a search.
  /// - Returns: `nil` if neither search finds one.
  public static func findHome(_ explicit: String?) -> FilePath? {
    if let explicit { return FilePath(explicit) }
    let program = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().path
    for start in [FilePath(program), FilePath(FileManager.default.currentDirectoryPath)] {
      var path = start
      while true {
        for home in [path, path.pushing(FilePath("share/patchbench"))]
        where !KernelDefinition.names(in: home.appending("Kernels")).isEmpty {
          return home
        }
        if !path.removeLastComponent() { break }
      }
    }
    return nil
  }
}
