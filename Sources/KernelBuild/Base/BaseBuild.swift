// SPDX-License-Identifier: Apache-2.0

public import BenchModel
import Foundation
import KernelText
public import SystemPackage
import Toolbox

/// The built base of one kernel and profile. It is never written to again: series are built on top of it.
public struct BaseBuild: Sendable {
  /// Depends on the source, the configuration and the toolchain; 64 hexadecimal digits.
  public var key: String
  /// `Debian linux-source-6.12 6.12.117-1~deb12u1`
  public var sourceDescription: String
  /// The compiler and linker, in words.
  public var toolchain: String { kbuild.toolchain }
  public var profile: KernelDefinition.Profile
  /// The tree it was built in, at the path that kbuild recorded.
  public var tree: FilePath
  /// The resolved `.config`.
  public var config: FilePath
  /// All fragments in one file, as passed to `make allnoconfig`.
  public var fragments: FilePath
  /// kbuild's records, as written by ``RecordedBuild``.
  let records: FilePath
  /// The environment that kbuild exports to its commands, as read by ``RecordedEnvironment``.
  let environment: FilePath
  /// The duration of the build; zero if the base was already built.
  public var seconds: StageSeconds
  let kbuild: Kbuild
  /// Prevents its removal while it is in use.
  private let lock: FileLock

  /// Whether modules can be built for it and loaded.
  var hasModules: Bool {
    get throws {
      try KConfig.parse(Data(contentsOf: URL(filePath: config.string)), file: "config")
        .contains { $0.symbol == "CONFIG_MODULES" && $0.value == .yes }
    }
  }

  /// The file that is booted.
  public var image: FilePath { tree.pushing(FilePath(profile.imagePath)) }

  /// The output of its build.
  var log: FilePath { tree.removingLastComponent().appending("build.log") }
}

/// The version of the layout and build of bases; a change rebuilds every base.
private let baseFormat = "base 7"
/// An unpacked source of 1.7 GB and its objects, with room for the link.
private let spaceForBase: Int64 = 5 << 30
private let baseDeadline = Duration.seconds(4 * 3600)

extension BaseBuild {
  /// Finds the built base in the cache, or builds it.
  /// - Parameters:
  ///   - jobs: how many compilers run at once.
  ///   - progress: called with short progress messages.
  /// - Throws: ``StageError`` if the source, the configuration or the build is not usable; ``ToolError``.
  public static func prepare(
    _ kernel: KernelDefinition, profile: KernelDefinition.Profile, cache: Cache, jobs: Int,
    progress: @escaping @Sendable (String) -> Void
  ) async throws -> BaseBuild {
    for check in profile.checks { try check.require() }
    let recipe = try await Recipe(kernel, profile: profile, cache: cache, fetching: .allowed(progress))
    var seconds = StageSeconds()
    while true {
      let lock = try await FileLock.wait(recipe.lock, .shared) { progress("waiting for another run to build it") }
      if recipe.isBuilt { return recipe.base(lock, seconds) }
      // flock(2) cannot be upgraded safely from shared to exclusive: two runs that both try would deadlock. So the
      // shared lock is released first, and the run that gets the exclusive one checks again.
      lock.release()
      if let exclusive = try FileLock.attempt(recipe.lock, .exclusive) {
        defer { exclusive.release() }
        if recipe.isBuilt { continue }
        let base = recipe.base(exclusive, StageSeconds())
        seconds = try await base.build(recipe, cache: cache, jobs: jobs, progress)
        // A power failure must not leave the mark without the base.
        try await DurableFile.syncFileSystem(of: recipe.home)
        try DurableFile.write([], to: FilePath(recipe.mark))
      } else {
        try await Task.sleep(for: .milliseconds(100))
      }
    }
  }

  /// Finds the built base in the cache.
  /// - Returns: `nil` if it is not built, or not yet.
  public static func find(
    _ kernel: KernelDefinition, profile: KernelDefinition.Profile, cache: Cache
  ) async throws -> BaseBuild? {
    guard KernelSource.isHere(kernel, cache: cache) else { return nil }
    let recipe = try await Recipe(kernel, profile: profile, cache: cache, fetching: .refused)
    guard recipe.isBuilt, let lock = try FileLock.attempt(recipe.lock, .shared), recipe.isBuilt else { return nil }
    return recipe.base(lock, StageSeconds())
  }

  /// Returns the key that the base would have now, built or not.
  public static func key(
    _ kernel: KernelDefinition, profile: KernelDefinition.Profile, cache: Cache
  ) async throws -> String {
    try await Recipe(kernel, profile: profile, cache: cache, fetching: .refused).key
  }

  /// Everything that decides how a base is built.
  private struct Recipe {
    var profile: KernelDefinition.Profile
    var requested: (text: String, settings: [KConfigSetting])
    var source: KernelSource
    var kbuild: Kbuild
    var key: String
    var home: FilePath

    init(
      _ kernel: KernelDefinition, profile: KernelDefinition.Profile, cache: Cache, fetching: KernelSource.Fetching
    ) async throws {
      self.profile = profile
      source = try await KernelSource.find(kernel, cache: cache, fetching: fetching)
      // Nobody has said for this tree which image boots. Only one architecture has a choice.
      if kernel.isTree, profile.extent == .boot, profile.image == .vmlinux || profile.image == .bzImage {
        self.profile.image = source.version < Self.firstPVH ? .bzImage : .vmlinux
      }
      requested = try BaseBuild.fragments(of: profile, for: source.version)
      kbuild = try await Kbuild.find(profile.toolchain, cache: cache)
      let environment = Kbuild.steadyEnvironment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
      key = try await Digest.of(
        [baseFormat, source.identity, kbuild.toolchain, kbuild.compiler, self.profile.image.rawValue, requested.text]
          + profile.toolchain.makeVariables + environment)
      home = cache.bases.appending("\(kernel.label)-\(profile.name)-\(key.prefix(12))")
    }

    /// The first version whose PVH entry is known to work. That of 6.1 dies without a message.
    private static let firstPVH = KernelVersion(6, 12)

    var lock: FilePath { FilePath(home.string + ".lock") }
    /// Exists once everything else does.
    var mark: String { home.appending("built").string }
    var isBuilt: Bool { FileManager.default.fileExists(atPath: mark) }

    func base(_ lock: FileLock, _ seconds: StageSeconds) -> BaseBuild {
      // The mark's age tells when the base was last used; see ``Cache/prune``.
      try? FileManager.default.setAttributes([.modificationDate: Date()], ofItemAtPath: mark)
      return BaseBuild(
        key: key, sourceDescription: source.description, profile: profile, tree: home.appending("tree"),
        config: home.appending("config"), fragments: home.appending("fragments"), records: home.appending("records"),
        environment: home.appending("environment"), seconds: seconds, kbuild: kbuild, lock: lock)
    }
  }

  /// The profile's fragments as they are meant for a version, read and parsed.
  private static func fragments(
    of profile: KernelDefinition.Profile, for version: KernelVersion
  ) throws -> (text: String, settings: [KConfigSetting]) {
    var text = ""
    var settings: [KConfigSetting] = []
    for path in profile.fragments {
      do {
        let name = path.lastComponent?.string ?? path.string
        let part = try VersionedSettings.resolve(
          String(contentsOf: URL(filePath: path.string), encoding: .utf8), for: version, file: name)
        settings += try KConfig.parse(part.utf8, file: name)
        text += part.hasSuffix("\n") ? part : part + "\n"
      } catch let error as KConfigError {
        throw DefinitionError.unusable(file: path.string, reason: "line \(error.line) is not a setting: \(error.text)")
      } catch {
        throw DefinitionError.unusable(file: path.string, reason: error.localizedDescription)
      }
    }
    return (text, settings)
  }

  /// The name of an incomplete tree, during unpacking or removal.
  private static let unpacking = "unpacking"

  /// Removes a base, by its directory. If this is interrupted, no later build mistakes the rest for a complete tree.
  static func remove(_ home: FilePath) async {
    let partial = home.appending(unpacking)
    await Cache.remove(partial)
    try? FileManager.default.moveItem(atPath: home.appending("tree").string, toPath: partial.string)
    await Cache.remove(home)
  }

  private func build(
    _ recipe: Recipe, cache: Cache, jobs: Int, _ progress: @escaping @Sendable (String) -> Void
  ) async throws -> StageSeconds {
    let (source, requested, home) = (recipe.source, recipe.requested, recipe.home)
    let start = ContinuousClock.now
    let manager = FileManager.default
    try manager.createDirectory(atPath: home.string, withIntermediateDirectories: true)
    // An interrupted build resumes where it stopped: only the unpacking must be complete.
    if !manager.fileExists(atPath: tree.string) {
      if cache.freeSpace < spaceForBase {
        throw StageError.fault(
          .build,
          "\(cache.freeSpace >> 20) MiB are free in \(cache.root), \(spaceForBase >> 20) MiB are needed for a base",
          advice: "free some space, or set PATCHBENCH_CACHE to a directory with more")
      }
      progress("unpacking \(source.description)")
      let partial = home.appending(Self.unpacking)
      await Cache.remove(partial)
      try await source.unpack(to: partial)
      try manager.moveItem(atPath: partial.string, toPath: tree.string)
    }
    progress("configuring")
    try Data(requested.text.utf8).write(to: URL(filePath: fragments.string))
    let configured = try await kbuild.configure(fragments: fragments, directory: tree) { $0 }
    guard configured.status.isSuccess else {
      throw StageError.fault(
        .build, "make allnoconfig failed: \((configured.errors + configured.output).suffix(400))",
        advice: "the profile's fragments do not suit this kernel; see \(fragments)")
    }
    let resolved = tree.appending(".config")
    let lost = try KConfig.lost(requested.settings, in: resolved)
    guard lost.isEmpty else {
      // Fixed fragments make another base, so this tree would never be used.
      await Self.remove(home)
      throw StageError.fault(
        .build, "this kernel's Kconfig drops what the profile asks for: \(lost.joined(separator: ", "))",
        advice: "add what they depend on to the fragments, or remove them there")
    }
    // The configuration is saved before the compiler runs, so that a failing build can be investigated.
    try? manager.removeItem(atPath: config.string)
    try manager.copyItem(atPath: resolved.string, toPath: config.string)

    let counter = BuildProgress(progress)
    let prepared = ContinuousClock.now
    let status = try await kbuild.make(["-j\(jobs)"] + profile.image.targets, in: tree).run(
      log: log, deadline: baseDeadline, line: counter.line)
    guard status.isSuccess else {
      let text = FileManager.default.contents(atPath: log.string) ?? Data()
      let errors = CompilerOutput.diagnostics(in: text, tree: tree.string, limit: 3).map(\.message).joined(
        separator: "; ")
      throw StageError.fault(
        .build, "the base itself does not build: make \(status.words). \(errors)", advice: "see \(log)")
    }
    let built = counter.seconds()
    // Required to build external modules, such as the test driver.
    if try hasModules {
      _ = try await kbuild.make(["-j\(jobs)", "modules_prepare"], in: tree).output()
    }
    progress("reading what was recorded")
    _ = try await kbuild.make(RecordedEnvironment.recording(to: environment), in: tree).output()
    let tree = tree
    let records = records
    try await Blocking.run {
      Result { try Data(RecordedBuild(tree: tree).text.utf8).write(to: URL(filePath: records.string)) }
    }.get()
    try await FixedTimestamps.settle(tree, builtAt: tree)
    return StageSeconds([
      .configure: (prepared - start) / .seconds(1) + built.configure, .compile: built.compile, .link: built.link,
    ])
  }
}

extension Kbuild {
  /// Runs `make allnoconfig` on top of the fragments. `run` may wrap the command.
  func configure(
    fragments: FilePath, directory: FilePath?, run wrap: (Tool) -> Tool
  ) async throws(ToolError) -> ToolResult {
    try await wrap(make(["KCONFIG_ALLCONFIG=\(fragments.string)", "allnoconfig"], in: directory)).run()
  }
}

extension KConfig {
  /// The requested settings that a resolved `.config` lacks, in words.
  static func lost(_ requested: [KConfigSetting], in file: FilePath) throws -> [String] {
    try lostSymbols(requested, in: file).map { lost in
      "\(lost.requested.symbol)=\(lost.requested.value) (it became \(lost.resolved))"
    }
  }

  /// The requested settings that a resolved `.config` lacks.
  static func lostSymbols(_ requested: [KConfigSetting], in file: FilePath) throws -> [LostSymbol] {
    let text = try Data(contentsOf: URL(filePath: file.string))
    return lost(requested: requested, resolved: try parse(text, file: file.lastComponent?.string ?? ""))
  }
}
