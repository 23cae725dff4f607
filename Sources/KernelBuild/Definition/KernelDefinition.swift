// SPDX-License-Identifier: Apache-2.0

public import BenchModel
import Foundation
public import SystemPackage
import Yams

/// A kernel that series can be tested on: one directory under `Kernels/`, described by its `kernel.yaml`.
public struct KernelDefinition: Sendable, Hashable {
  /// The directory's name.
  public var name: String
  public var source: Source
  public var profiles: [String: Profile]
  /// By name: profiles that run one after the other, as `--profiles` names them.
  public var groups: [String: [String]]
  /// Kernel reports that do not count against a series.
  public var knownReports: [KnownReport]

  public init(
    name: String, source: Source, profiles: [String: Profile], groups: [String: [String]] = [:],
    knownReports: [KnownReport] = []
  ) {
    self.name = name
    self.source = source
    self.profiles = profiles
    self.groups = groups
    self.knownReports = knownReports
  }

  /// Where the source comes from.
  public enum Source: Sendable, Hashable {
    /// A Debian package that installs `/usr/src/NAME.tar.xz`. With a suite, such as `trixie-backports`, it is fetched
    /// from there, and not installed.
    case debian(package: String, suite: String? = nil)
    case tree(FilePath)
    case git(repository: String, revision: String)
  }

  /// One configuration of the kernel.
  public struct Profile: Sendable, Hashable {
    public var name: String
    /// Absolute paths, in the order in which they are merged.
    public var fragments: [FilePath]
    public var image: Image
    public var clocks: Clocks
    /// How far series are taken in this profile.
    public var extent: Cell.Extent
    /// What it is compiled with, and thereby the architecture of its guests.
    public var toolchain: Toolchain
    /// What reads the sources that a series touches, after they were built.
    public var checks: [SourceCheck]

    public init(
      name: String, fragments: [FilePath], image: Image, clocks: Clocks, extent: Cell.Extent,
      toolchain: Toolchain = .host, checks: [SourceCheck] = []
    ) {
      self.name = name
      self.fragments = fragments
      self.image = image
      self.clocks = clocks
      self.extent = extent
      self.toolchain = toolchain
      self.checks = checks
    }
  }

  /// Time limits of its guests, in seconds; `nil` keeps the accelerator's default.
  public struct Clocks: Sendable, Hashable, Codable {
    /// Until the guest's first line.
    public var boot: Double?
    /// Without output.
    public var silence: Double?
    /// For one test.
    public var test: Double?
    /// From the start to the end.
    public var run: Double?

    public init(boot: Double? = nil, silence: Double? = nil, test: Double? = nil, run: Double? = nil) {
      self.boot = boot
      self.silence = silence
      self.test = test
      self.run = run
    }
  }

  /// The file that is booted, or what else is made.
  public enum Image: String, Sendable, Hashable, Codable {
    case vmlinux
    case bzImage
    case image = "Image"
    /// The uncompressed image and all modules. It is not booted.
    case modules

    /// The targets of make.
    var targets: [String] { self == .modules ? ["vmlinux", "modules"] : [rawValue] }
  }
}

extension KernelDefinition.Profile {
  /// The architecture of its guests; a profile that is only built need not have one.
  public var architecture: Architecture { toolchain.guest ?? .host }

  /// How its machine code reads.
  public var instructions: InstructionSet { architecture.instructions }

  /// The file that is booted, relative to the tree's root.
  public var imagePath: String { architecture.boot.images[image.rawValue] ?? "vmlinux" }
}

/// An error in the definition of a kernel or a suite, or in the name that requested it. User error; exit status 2.
public enum DefinitionError: Error, Sendable, Hashable, CustomStringConvertible {
  case noKernels(directory: String)
  case noSuchKernel(String, known: [String])
  case noSuchProfile(String, kernel: String, known: [String])
  case noSuchGroup(String, kernel: String, known: [String])
  /// There is no kernel tree at a path.
  case noTree(String)
  case noSuchSuite(String, known: [String])
  /// A revision of a kernel whose source is not a git repository. `others` are the kernels whose source is one.
  case noRepository(kernel: String, revision: String, others: [String])
  case unusable(file: String, reason: String)

  public var description: String {
    switch self {
    case .noKernels(let directory): "\(directory): no kernels are defined there (no */kernel.yaml)"
    case .noSuchKernel(let name, let known): "no kernel “\(name)”; there are: \(known.joined(separator: ", "))"
    case .noTree(let path): "\(path): no kernel tree is there (it has no Kconfig)"
    case .noSuchProfile(let name, let kernel, let known):
      "\(kernel) has no profile “\(name)”; there are: \(known.joined(separator: ", "))"
    case .noSuchGroup(let name, let kernel, let known):
      "\(kernel) has no group of profiles “\(name)”; there are: \(known.joined(separator: ", "))"
    case .noSuchSuite(let name, let known):
      "no suite “\(name)”; there are: \(known.isEmpty ? "none" : known.joined(separator: ", "))"
    case .noRepository(let kernel, let revision, let others):
      "“\(revision)” is no kernel under Kernels/, and the source of \(kernel) is not a git repository that could have it. "
        + (others.isEmpty
          ? "Define a kernel with `source: git` (docs/kernels.md), and name it with --kernel."
          : "Name a kernel whose source is one with --kernel: \(others.joined(separator: ", ")).")
    case .unusable(let file, let reason): "\(file): \(reason)"
    }
  }
}

extension KernelDefinition {
  /// The names of all kernels under `directory`, including their aliases, sorted.
  public static func names(in directory: FilePath) -> [String] {
    DefinitionFolder.names(in: directory, with: "kernel.yaml")
  }

  /// Loads one kernel's definition. A symlink to a kernel's directory is an alias: the loaded definition has the
  /// directory's own name. An absolute path is a tree that no file defines.
  /// - Throws: ``DefinitionError``
  public static func load(_ name: String, from directory: FilePath) throws(DefinitionError) -> KernelDefinition {
    if name.hasPrefix("/") { return try tree(FilePath(name), definedIn: directory) }
    let known = names(in: directory)
    if known.isEmpty { throw .noKernels(directory: directory.string) }
    guard known.contains(name) else { throw .noSuchKernel(name, known: known) }
    let target = (try? FileManager.default.destinationOfSymbolicLink(atPath: directory.appending(name).string)) ?? name
    let name = FilePath(target).lastComponent?.string ?? name
    guard known.contains(name) else { throw .noSuchKernel(name, known: known) }
    let home = directory.appending(name)
    let file = home.appending("kernel.yaml")
    let yaml: KernelYAML
    do {
      yaml = try YAMLDecoder().decode(KernelYAML.self, from: Data(contentsOf: URL(filePath: file.string)))
    } catch { throw .unusable(file: file.string, reason: "cannot be read: \(error)") }
    func resolve(_ path: String) -> FilePath { home.pushing(FilePath(path)).lexicallyNormalized() }
    let sources = [
      yaml.source.debian.map { Source.debian(package: $0.package, suite: $0.suite) },
      yaml.source.tree.map { Source.tree(resolve($0)) },
      yaml.source.git.map {
        // A URL or an absolute path is kept; anything else is a path relative to this file's directory.
        let isPath = !$0.repository.contains("://") && !$0.repository.hasPrefix("/")
        return Source.git(
          repository: isPath ? resolve($0.repository).string : $0.repository, revision: $0.revision)
      },
    ].compactMap { $0 }
    guard sources.count == 1 else {
      throw .unusable(file: file.string, reason: "source: needs exactly one of debian, tree, git")
    }
    if case .debian(let package, let suite) = sources[0] {
      if !package.hasPrefix("linux-source-") || !Self.isName(package) {
        throw .unusable(file: file.string, reason: "source: debian: needs the name of a linux-source-* package")
      }
      if let suite, !Self.isName(suite) {
        throw .unusable(file: file.string, reason: "source: debian: “\(suite)” is not the name of a Debian suite")
      }
    }
    if yaml.profiles.isEmpty { throw .unusable(file: file.string, reason: "it has no profiles") }
    for (name, profile) in yaml.profiles {
      if let flaw = profile.flaw { throw .unusable(file: file.string, reason: "profile \(name): \(flaw)") }
    }
    for (name, members) in yaml.groups ?? [:] {
      if let unknown = members.first(where: { yaml.profiles[$0] == nil }) {
        throw .unusable(file: file.string, reason: "groups: \(name): there is no profile “\(unknown)”")
      }
    }
    return KernelDefinition(
      name: name, source: sources[0],
      profiles: Dictionary(
        uniqueKeysWithValues: yaml.profiles.map { key, value in
          (
            key,
            Profile(
              name: key, fragments: value.fragments.map(resolve), image: value.booted,
              clocks: value.clocks ?? Clocks(), extent: value.extent ?? .boot,
              toolchain: value.toolchain ?? .host,
              checks: SourceCheck.all.filter { value.checks?.contains($0.name) == true })
          )
        }), groups: yaml.groups ?? [:], knownReports: try knownReports(yaml.knownReports ?? [], in: file))
  }

  /// Whether it can be the name of a package or a suite, which become words of a command and names of files.
  fileprivate static func isName(_ text: String) -> Bool {
    text.first?.isLetter == true
      && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-.+".contains($0)) }
  }

  /// - Throws: ``DefinitionError`` for an entry that lacks its reason, its link or its expiry date.
  private static func knownReports(_ entries: [KernelYAML.Known], in file: FilePath) throws(DefinitionError)
    -> [KnownReport]
  {
    var found: [KnownReport] = []
    for entry in entries {
      func missing(_ what: String) -> DefinitionError {
        .unusable(file: file.string, reason: "knownReports: “\(entry.report)” needs \(what)")
      }
      if entry.report.allSatisfy({ $0 == "*" || $0 == " " }) { throw missing("a title; this one matches every report") }
      guard let reason = entry.reason, !reason.isEmpty else { throw missing("a reason") }
      guard let link = entry.link, link.contains("://") else { throw missing("a link") }
      guard let day = entry.expires, let date = try? Date(day, strategy: .iso8601.year().month().day()) else {
        throw missing("an expiry date, such as 2027-01-31")
      }
      found.append(KnownReport(report: NamePattern(entry.report), reason: reason, link: link, expires: date))
    }
    return found
  }

  /// The kernel as a suite needs it: with the suite's config fragments in every profile that is booted.
  public func configured(for suite: SuiteDefinition) -> KernelDefinition {
    var kernel = self
    kernel.profiles = profiles.mapValues { profile in
      var profile = profile
      // Nothing runs in a profile that is not booted: it has only what it says itself.
      if profile.extent == .boot { profile.fragments += suite.fragments }
      return profile
    }
    return kernel
  }

  /// Returns the profile of that name.
  public func profile(_ name: String) throws(DefinitionError) -> Profile {
    guard let profile = profiles[name] else {
      throw .noSuchProfile(name, kernel: self.name, known: profiles.keys.sorted())
    }
    return profile
  }

  /// Returns the names of the profiles of a group. `all` is every profile, if the kernel does not define it.
  public func group(_ name: String) throws(DefinitionError) -> [String] {
    if let members = groups[name] { return members }
    if name == "all" { return profiles.keys.sorted() }
    throw .noSuchGroup(name, kernel: self.name, known: (groups.keys + ["all"]).sorted())
  }
}

/// The format of `kernel.yaml`.
private struct KernelYAML: Decodable {
  var source: Source
  var profiles: [String: Profile]
  var groups: [String: [String]]?
  var knownReports: [Known]?

  struct Known: Decodable {
    var report: String
    var reason: String?
    var link: String?
    var expires: String?
  }

  struct Source: Decodable {
    var debian: Package?
    var tree: String?
    var git: Git?
  }
  /// `linux-source-6.12`, or `{package: linux-source-7.3, suite: trixie-backports}`.
  struct Package: Decodable {
    var package: String
    var suite: String?

    private enum CodingKeys: String, CodingKey { case package, suite }

    init(from decoder: any Decoder) throws {
      if let name = try? decoder.singleValueContainer().decode(String.self) {
        package = name
      } else {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        package = try values.decode(String.self, forKey: .package)
        suite = try values.decodeIfPresent(String.self, forKey: .suite)
      }
    }
  }
  struct Git: Decodable {
    var repository: String
    var revision: String
  }
  struct Profile: Decodable {
    var fragments: [String]
    var image: KernelDefinition.Image?
    var clocks: KernelDefinition.Clocks?
    var extent: Cell.Extent?
    var toolchain: Toolchain?
    var checks: [String]?

    /// What is wrong with it; `nil` if it is usable.
    var flaw: String? {
      let words = [toolchain?.architecture, toolchain?.prefix].compactMap { $0 } + (toolchain?.packages ?? [])
      if let odd = words.first(where: { !KernelDefinition.isName($0) }) {
        return "toolchain: “\(odd)” is not a name of letters, digits and -.+"
      }
      let known = SourceCheck.all.map(\.name)
      if let odd = checks?.first(where: { !known.contains($0) }) {
        return "checks: there is no “\(odd)”; there are: \(known.joined(separator: ", "))"
      }
      guard extent != .build else { return nil }
      let tools = toolchain ?? .host
      guard let guest = tools.guest else {
        return "toolchain: no guest here runs \(tools.target); only a profile with `extent: build` can have it"
      }
      if tools.llvm != nil { return "toolchain: only a profile with `extent: build` can have llvm" }
      if booted == .modules { return "image: only a profile with `extent: build` can have modules" }
      let images = guest.boot.images.keys.sorted().joined(separator: " or ")
      return guest.boot.images[booted.rawValue] == nil ? "image: an \(guest.name) guest boots \(images)" : nil
    }

    /// What is made if the file names no image: what the architecture boots, and otherwise `vmlinux`.
    var booted: KernelDefinition.Image {
      if let image { return image }
      let guest = extent == .build ? nil : (toolchain ?? .host).guest
      return guest.flatMap { KernelDefinition.Image(rawValue: $0.boot.image) } ?? .vmlinux
    }
  }
}
