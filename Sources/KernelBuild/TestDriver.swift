public import BenchModel
import Foundation
import Glibc
import KernelText
public import SystemPackage
import Toolbox

/// The sources of the DRM test driver, an external module that is built for each kernel under test and never patched
/// into one.
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

/// What came of the test driver for one kernel.
public enum DriverBuild: Sendable, Hashable {
  /// The module's file.
  case built(FilePath)
  /// It does not build against this kernel; why, in a line. The tests that need it cannot answer then.
  case failed(String)
}

/// The test driver as it was built for a base.
public struct BaseDriver: Sendable {
  public var result: DriverBuild
  /// Its sources and objects, to go on from.
  let directory: FilePath
  /// The files of the kernel's tree that its objects were made from.
  let reads: Set<String>
}

/// Where the driver lies in a tree.
enum DriverPlace {
  /// In it, and under the same name in all, so that ccache knows its objects again.
  static let directory = "patchbench-driver"
}

private let place = DriverPlace.directory
private let module = "pbtest.ko"
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
  /// The test driver as it was built for this base; `nil` if it was not.
  public func knownDriver(_ source: DriverSource) throws -> BaseDriver? {
    let home = driverHome(source)
    if !FileManager.default.fileExists(atPath: home.string) { return nil }
    if let text = FileManager.default.contents(atPath: home.appending("failure").string) {
      return BaseDriver(result: .failed(String(decoding: text, as: UTF8.self)), directory: home, reads: [])
    }
    return BaseDriver(result: .built(home.appending(module)), directory: home, reads: try Self.reads(in: home))
  }

  private func driverHome(_ source: DriverSource) -> FilePath {
    tree.removingLastComponent().appending("driver-\(source.digest.prefix(12))")
  }

  /// Finds the test driver as it was built for this base, or builds it.
  /// - Throws: ``StageError`` and ``ToolError`` if it cannot be tried. That it does not build is no error.
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
      let failure = try await tree.makeDriver(jobs: jobs, log: work.appending("build.log"))
      if let failure { try Data(failure.utf8).write(to: URL(filePath: work.appending("failure").string)) }
      try await SettledTimes.settle(work)
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
  /// The test driver for this tree's kernel: the base's, where nothing that it is made from has changed, else built anew
  /// on top of the base's objects.
  /// - Parameters:
  ///   - paths: what the series touches.
  ///   - work: how the image was built.
  ///   - log: where make's output goes, if make is needed.
  /// - Throws: ``StageError`` and ``ToolError`` if it cannot be tried.
  public func driver(
    _ driver: BaseDriver, touched paths: Set<String>, work: BuildWork, jobs: Int, log: FilePath
  ) async throws -> DriverBuild {
    guard case .built = driver.result else { return driver.result }
    switch work.method {
    case .unchanged: return driver.result
    case .replay where driver.reads.isDisjoint(with: paths):
      // What it may call is as it was, where the table of exported symbols is.
      if contents(Self.symbolFile) == regularContents(base.tree.appending(Self.symbolFile)) { return driver.result }
    case .replay, .kbuild: break
    }
    let here = top.appending(place)
    try? FileManager.default.removeItem(atPath: here.string)
    try await put(driver)
    if let failure = try await makeDriver(jobs: jobs, log: log) { return .failed(failure) }
    return .built(here.appending(module))
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

  /// - Returns: why it does not build; `nil` if it was built.
  fileprivate func makeDriver(jobs: Int, log: FilePath) async throws -> String? {
    // There are no modules in the tree, so that what the image exports is all that there is.
    let exported = top.appending("Module.symvers")
    try? FileManager.default.removeItem(atPath: exported.string)
    guard try base.hasModules, let table = contents(Self.symbolFile) else {
      return "this kernel's configuration has no loadable modules (CONFIG_MODULES)"
    }
    try Data(table).write(to: URL(filePath: exported.string))
    // Removed first: an old one must not pass for what is being made.
    try? FileManager.default.removeItem(atPath: top.appending(place).appending(module).string)
    let make = base.kbuild.make(["-j\(jobs)", "M=\(place)", "modules"], in: nil)
    let status = try await wrap(make, compiled: .read).run(log: log, deadline: driverDeadline) { _ in }
    if status.isSuccess, case .file = Beneath(top).kind(of: FilePath(place).appending(module)) { return nil }
    guard case .exited = status else { throw StageError.fault(.build, "make \(status.words)", advice: "see \(log)") }
    let text = FileManager.default.contents(atPath: log.string) ?? Data()
    try refuseShortage(in: String(decoding: text, as: UTF8.self))
    let first = CompilerOutput.diagnostics(in: text, tree: base.tree.string, limit: 1).first
    let spot = first?.file.map { file in "\(file)\(first?.line.map { ":\($0)" } ?? ""): " } ?? ""
    return "it does not build against this kernel: \(spot)\(first?.message ?? "make \(status.words)")"
  }
}
