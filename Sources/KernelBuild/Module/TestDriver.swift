// SPDX-License-Identifier: Apache-2.0

public import BenchModel
import Foundation
import Glibc
import KernelText
public import SystemPackage
import Toolbox

/// The sources of the DRM test driver and of the counter, external modules that are built for each kernel under test and
/// never patched into one.
public struct DriverSource: Sendable, Hashable {
  /// What is built, and the files that a build reads; other files there are nobody's concern.
  public var directory: FilePath
  /// Of all files together.
  public var digest: String
  let files: [String]

  /// - Throws: ``NoDriverSource``, what the file system says, and ``ToolError``.
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

/// The test driver's sources are not where they are looked for.
public struct NoDriverSource: Error, Sendable, Hashable {
  public var directory: String
}

/// What came of a module for one kernel.
public enum ModuleBuild: Sendable, Hashable {
  /// The module's file.
  case built(FilePath)
  /// It does not build against this kernel; why, in a line. What needs it cannot answer then.
  case failed(String)

  /// It does not build.
  public var isFailure: Bool { if case .failed = self { true } else { false } }
}

/// The modules that go into a guest beside its kernel.
public struct GuestModules: Sendable, Hashable {
  /// pbtest, the test driver.
  public var driver: ModuleBuild
  /// pbcount, which counts what runs.
  public var counter: ModuleBuild
}

/// The modules as they were built for a base.
public struct BaseDriver: Sendable {
  public var modules: GuestModules
  /// Their sources and objects, to go on from.
  let directory: FilePath
  /// The files of the kernel's tree that the objects were made from.
  let reads: Set<String>
}

/// Where the driver lies in a tree.
enum DriverPlace {
  /// In it, and under the same name in all, so that ccache knows its objects again.
  static let directory = "patchbench-driver"
}

private let place = DriverPlace.directory
private let driverModule = "pbtest.ko"
private let counterModule = "pbcount.ko"
private let driverDeadline = Duration.seconds(600)

extension BaseDriver {
  /// kbuild's command for one of its objects, by its path in a tree.
  /// - Returns: `nil` if it has no such object.
  func command(of object: String) -> String? {
    let name = object.dropFirst(place.count + 1)
    return regularContents(directory.appending(".\(name).cmd")).flatMap { RecordedBuild.Command(Data($0)) }?.command
  }
}

extension BaseBuild {
  /// The modules as they were built for this base; `nil` if they were not.
  public func knownDriver(_ source: DriverSource) throws -> BaseDriver? {
    let home = driverHome(source)
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
  /// - Throws: ``StageError`` and ``ToolError`` if it cannot be tried. That one does not build is no error.
  public func driver(
    _ source: DriverSource, cache: Cache, method: SeriesTree.Method, jobs: Int
  ) async throws -> BaseDriver {
    if let known = try knownDriver(source) { return known }
    let manager = FileManager.default
    let home = driverHome(source)
    try await cache.withScratch { scratch in
      // The base's, and so as good as patchbench's own.
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

  /// What the objects of an external module were made from, of the tree's own files.
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
  /// The modules for this tree's kernel: the base's, where nothing that they are made from has changed, else built anew
  /// on top of the base's objects.
  /// - Parameters:
  ///   - paths: what the series touches.
  ///   - work: how the image was built.
  ///   - log: where make's output goes, if make is needed.
  /// - Throws: ``StageError`` and ``ToolError`` if it cannot be tried.
  public func modules(
    _ driver: BaseDriver, touched paths: Set<String>, work: BuildWork, jobs: Int, log: FilePath
  ) async throws -> GuestModules {
    switch work.method {
    case .unchanged: return driver.modules
    case .replay where driver.reads.isDisjoint(with: paths):
      // What they may call is as it was, where the table of exported symbols is.
      if contents(Self.symbolFile) == regularContents(base.tree.appending(Self.symbolFile)) { return driver.modules }
    case .replay, .kbuild: break
    }
    let here = top.appending(place)
    try? FileManager.default.removeItem(atPath: here.string)
    try await put(driver)
    return try await makeModules(driver.modules.driver, jobs: jobs, log: log)
  }

  /// With their times: what is older than its sources is made anew, and nothing else.
  private func put(_ driver: BaseDriver) async throws {
    _ = try await Tool("cp", ["-a", "--", driver.directory.string, top.appending(place).string]).output()
  }

  /// The base with the driver in it.
  /// - Returns: `nil` where trees are copies.
  func baseTree(with driver: BaseDriver) async throws -> SeriesTree? {
    guard let method = overlayMethod else { return nil }
    let beside = scratch.appending("base-with-driver")
    try FileManager.default.createDirectory(atPath: beside.string, withIntermediateDirectories: true)
    let tree = try await SeriesTree.make(base, method: method, cage: nil, scratch: beside)
    try await tree.put(driver)
    return tree
  }

  private static let symbolFile = "vmlinux.symvers"

  /// - Parameter known: of the base. A driver that does not build there is not tried again.
  fileprivate func makeModules(_ known: ModuleBuild? = nil, jobs: Int, log: FilePath) async throws -> GuestModules {
    // There are no modules in the tree, so that what the image exports is all that there is.
    let exported = top.appending("Module.symvers")
    try? FileManager.default.removeItem(atPath: exported.string)
    guard try base.hasModules, let table = contents(Self.symbolFile) else {
      let failure = ModuleBuild.failed("this kernel's configuration has no loadable modules (CONFIG_MODULES)")
      return GuestModules(driver: failure, counter: failure)
    }
    try Data(table).write(to: URL(filePath: exported.string))
    let here = top.appending(place)
    // Removed first: an old one must not pass for what is being made.
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
    // Each for itself: what ran is to be known where the driver does not build, and the other way round.
    let counter = module(
      counterModule, or: try await make([counterModule], alone: "PBCOUNT", log: "counter-\(name)"))
    if let known, known.isFailure { return GuestModules(driver: known, counter: counter) }
    let driver = module(driverModule, or: try await make([driverModule], alone: "PBTEST", log: name))
    return GuestModules(driver: driver, counter: counter)
  }

  /// - Returns: why they do not build; `nil` if they are there.
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
