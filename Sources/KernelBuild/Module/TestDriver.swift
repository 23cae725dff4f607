// SPDX-License-Identifier: Apache-2.0

public import BenchModel
import Foundation
import Glibc
import KernelText
public import SystemPackage
import Toolbox

/// The sources of the DRM test driver and of the counter. These are external modules that are built for each kernel
/// under test and never patched into one.
public struct DriverSource: Sendable, Hashable {
  /// The directory with the files of a build; other files in it are ignored.
  public var directory: FilePath
  /// The digest of all files together.
  public var digest: String
  let files: [String]

  /// - Throws: ``NoDriverSource``, file system errors, and ``ToolError``.
  public init(_ directory: FilePath) async throws {
    self.directory = directory
    let found = (try? FileManager.default.contentsOfDirectory(atPath: directory.string)) ?? []
    guard found.contains("Kbuild") else { throw NoDriverSource(directory: directory.string) }
    files = found.filter { $0 == "Kbuild" || $0.hasSuffix(".c") || $0.hasSuffix(".h") }.sorted()
    var parts: [String] = []
    for name in files { parts += [name, try await Digest.of(file: directory.appending(name))] }
    digest = try await Digest.of(parts)
  }
}

/// The test driver's sources are not at the expected place.
public struct NoDriverSource: Error, Sendable, Hashable {
  public var directory: String
}

/// The result of building a module for one kernel.
public enum ModuleBuild: Sendable, Hashable {
  /// The module's file.
  case built(FilePath)
  /// It does not build against this kernel, for this reason, in one line. The tests that need it then have no answer.
  case failed(String)

  /// Whether it does not build.
  public var isFailure: Bool { if case .failed = self { true } else { false } }
}

/// The modules that go into a guest along with its kernel.
public struct GuestModules: Sendable, Hashable {
  /// pbtest, the test driver.
  public var driver: ModuleBuild
  /// pbcount, which counts what runs.
  public var counter: ModuleBuild
}

/// The modules as they were built for a base.
public struct BaseDriver: Sendable {
  public var modules: GuestModules
  /// Their sources and objects, to continue from.
  let directory: FilePath
  /// The files of the kernel's tree that the objects were made from.
  let reads: Set<String>
}

/// Where the driver is in a tree.
enum DriverPlace {
  /// It is inside the tree, and under the same name in all trees, so that ccache recognises its objects.
  static let directory = "patchbench-driver"
}

private let place = DriverPlace.directory
private let driverModule = "pbtest.ko"
private let counterModule = "pbcount.ko"
private let driverDeadline = Duration.seconds(600)

extension BaseDriver {
  /// A profile that is not booted needs no modules.
  /// - Parameter home: where they would be.
  fileprivate static func none(_ home: FilePath) -> BaseDriver {
    let unneeded = ModuleBuild.failed("nothing is booted in this profile")
    return BaseDriver(modules: GuestModules(driver: unneeded, counter: unneeded), directory: home, reads: [])
  }

  /// Returns kbuild's command for one of its objects, by its path in a tree.
  /// - Returns: `nil` if it has no such object.
  func command(of object: String) -> String? {
    let name = object.dropFirst(place.count + 1)
    return regularContents(directory.appending(".\(name).cmd")).flatMap { RecordedBuild.Command(Data($0)) }?.command
  }
}

extension BaseBuild {
  /// Returns the modules as they were built for this base; `nil` if they were not. A profile that is not booted has none.
  public func knownDriver(_ source: DriverSource) throws -> BaseDriver? {
    let home = driverHome(source)
    if profile.extent == .build { return .none(home) }
    if !FileManager.default.fileExists(atPath: home.string) { return nil }
    func module(_ name: String) -> ModuleBuild {
      let failure = FileManager.default.contents(atPath: home.appending("\(name).failure").string)
      return failure.map { .failed(String(decoding: $0, as: UTF8.self)) } ?? .built(home.appending(name))
    }
    return BaseDriver(
      modules: GuestModules(driver: module(driverModule), counter: module(counterModule)), directory: home,
      reads: try Self.reads(in: home))
  }

  private func driverHome(_ source: DriverSource) -> FilePath {
    tree.removingLastComponent().appending("driver-\(source.digest.prefix(12))")
  }

  /// Finds the modules as they were built for this base, or builds them.
  /// - Throws: ``StageError`` and ``ToolError`` if the build cannot be attempted. It is not an error if a module
  ///   does not build.
  public func driver(
    _ source: DriverSource, cache: Cache, method: SeriesTree.Method, jobs: Int
  ) async throws -> BaseDriver {
    if let known = try knownDriver(source) { return known }
    let manager = FileManager.default
    let home = driverHome(source)
    try await cache.withScratch { scratch in
      // The tree is the base's, and thus trusted like patchbench itself.
      let tree = try await SeriesTree.make(self, method: method, cage: nil, scratch: scratch)
      let work = tree.top.appending(place)
      try manager.createDirectory(atPath: work.string, withIntermediateDirectories: true)
      for name in source.files {
        try manager.copyItem(
          atPath: source.directory.appending(name).string, toPath: work.appending(name).string)
      }
      let built = try await tree.makeModules(jobs: jobs, log: work.appending("build.log"))
      for (name, module) in [(driverModule, built.driver), (counterModule, built.counter)] {
        guard case .failed(let words) = module else { continue }
        try Data(words.utf8).write(to: URL(filePath: work.appending("\(name).failure").string))
      }
      try await FixedTimestamps.settle(work)
      try await DurableFile.syncFileSystem(of: work)
      do {
        try manager.moveItem(atPath: work.string, toPath: home.string)
      } catch  where manager.fileExists(atPath: home.string) {
        // Another run was faster, with the same sources and the same kernel.
      }
    }
    guard let built = try knownDriver(source) else { throw StageError.fault(.build, "\(home) is gone") }
    return built
  }

  /// The tree's own files that the objects of an external module were made from.
  private static func reads(in directory: FilePath) throws -> Set<String> {
    var files: Set<String> = []
    for name in try FileManager.default.contentsOfDirectory(atPath: directory.string) where name.hasSuffix(".cmd") {
      let record = RecordedBuild.Command(try Data(contentsOf: URL(filePath: directory.appending(name).string)))
      files.formUnion(record?.files ?? [])
    }
    return files
  }
}

extension SeriesTree {
  /// Returns the modules for this tree's kernel: the base's if nothing that they are made from has changed; otherwise
  /// they are rebuilt on top of the base's objects.
  /// - Parameters:
  ///   - paths: the files that the series touches.
  ///   - work: how the image was built.
  ///   - log: where make's output goes, if make is needed.
  /// - Throws: ``StageError`` and ``ToolError`` if the build cannot be attempted.
  public func modules(
    _ driver: BaseDriver, touched paths: Set<String>, work: BuildWork, jobs: Int, log: FilePath
  ) async throws -> GuestModules {
    if base.profile.extent == .build { return driver.modules }
    switch work.method {
    case .unchanged: return driver.modules
    case .replay where driver.reads.isDisjoint(with: paths):
      // If the table of exported symbols is unchanged, so is everything that they may call.
      if contents(Self.symbolFile) == regularContents(base.tree.appending(Self.symbolFile)) { return driver.modules }
    case .replay, .kbuild: break
    }
    let here = top.appending(place)
    try? FileManager.default.removeItem(atPath: here.string)
    try await put(driver)
    return try await makeModules(driver.modules.driver, jobs: jobs, log: log)
  }

  /// Preserves timestamps, so that make rebuilds only what is older than its sources.
  private func put(_ driver: BaseDriver) async throws {
    _ = try await Tool("cp", ["-a", "--", driver.directory.string, top.appending(place).string]).output()
  }

  /// Returns the base with the driver in it.
  /// - Returns: `nil` if trees are copies.
  func baseTree(with driver: BaseDriver) async throws -> SeriesTree? {
    guard let method = overlayMethod else { return nil }
    let beside = scratch.appending("base-with-driver")
    try FileManager.default.createDirectory(atPath: beside.string, withIntermediateDirectories: true)
    let tree = try await SeriesTree.make(base, method: method, cage: nil, scratch: beside)
    try await tree.put(driver)
    return tree
  }

  private static let symbolFile = "vmlinux.symvers"

  /// - Parameter known: the base's build. A driver that does not build there is not tried again.
  fileprivate func makeModules(_ known: ModuleBuild? = nil, jobs: Int, log: FilePath) async throws -> GuestModules {
    // The tree has no modules, so the image's exports are all there are.
    let exported = top.appending("Module.symvers")
    try? FileManager.default.removeItem(atPath: exported.string)
    guard try base.hasModules, let table = contents(Self.symbolFile) else {
      let failure = ModuleBuild.failed("this kernel's configuration has no loadable modules (CONFIG_MODULES)")
      return GuestModules(driver: failure, counter: failure)
    }
    try Data(table).write(to: URL(filePath: exported.string))
    let here = top.appending(place)
    // Removed first, so that an old module is not taken for the new one.
    for name in [driverModule, counterModule] {
      try? FileManager.default.removeItem(atPath: here.appending(name).string)
    }
    func module(_ name: String, or failure: String?) -> ModuleBuild {
      failure.map(ModuleBuild.failed) ?? .built(here.appending(name))
    }
    func make(_ names: [String], alone: String?, log name: String) async throws -> String? {
      try await makeModules(
        names, alone.map { ["\($0)_ALONE=1"] } ?? [], jobs: jobs, log: log.removingLastComponent().appending(name))
    }
    let name = log.lastComponent!.string
    if known?.isFailure != true {
      let failure = try await make([driverModule, counterModule], alone: nil, log: name)
      if failure == nil {
        return GuestModules(driver: module(driverModule, or: nil), counter: module(counterModule, or: nil))
      }
    }
    // Build each separately: the counter should work even if the driver does not build, and vice versa.
    let counter = module(
      counterModule, or: try await make([counterModule], alone: "PBCOUNT", log: "counter-\(name)"))
    if let known, known.isFailure { return GuestModules(driver: known, counter: counter) }
    let driver = module(driverModule, or: try await make([driverModule], alone: "PBTEST", log: name))
    return GuestModules(driver: driver, counter: counter)
  }

  /// - Returns: why they do not build; `nil` if they exist.
  private func makeModules(
    _ names: [String], _ arguments: [String], jobs: Int, log: FilePath
  ) async throws -> String? {
    let make = base.kbuild.make(["-j\(jobs)", "M=\(place)"] + arguments + ["modules"], in: nil)
    let status = try await wrap(make, compiled: .read).run(log: log, deadline: driverDeadline) { _ in }
    let isThere = names.allSatisfy { name in
      if case .file = UntrustedTree(top).kind(of: FilePath(place).appending(name)) { true } else { false }
    }
    if status.isSuccess, isThere { return nil }
    guard case .exited = status else { throw StageError.fault(.build, "make \(status.words)", advice: "see \(log)") }
    let text = FileManager.default.contents(atPath: log.string) ?? Data()
    try refuseShortage(in: String(decoding: text, as: UTF8.self))
    let first = CompilerOutput.diagnostics(in: text, tree: base.tree.string, limit: 1).first
    let spot = first?.file.map { file in "\(file)\(first?.line.map { ":\($0)" } ?? ""): " } ?? ""
    return "it does not build against this kernel: \(spot)\(first?.message ?? "make \(status.words)")"
  }
}
