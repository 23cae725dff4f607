// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import SystemPackage
import Toolbox

/// A `linux-source-*` package of a Debian suite that this machine's apt does not use: `trixie-backports`.
///
/// apt fetches it from the machine's own mirror, with package lists and a cache of its own. Nothing is installed, and
/// the system's sources, lists and packages stay as they are.
struct SuitePackage: Sendable {
  /// `/usr/src/NAME.tar.xz` of the package.
  var archive: FilePath
  /// `7.3.4-1~bpo13+1`
  var version: String

  /// Finds the package that was fetched earlier; `nil` if it is not there.
  static func find(_ package: String, suite: String, store: FilePath) -> SuitePackage? {
    let home = home(package, suite: suite, store)
    guard let version = FileManager.default.contents(atPath: home.appending("version").string) else { return nil }
    let archive = home.appending("\(package).tar.xz")
    guard FileManager.default.fileExists(atPath: archive.string) else { return nil }
    return SuitePackage(archive: archive, version: String(decoding: version, as: UTF8.self))
  }

  /// Fetches the package.
  /// - Parameters:
  ///   - store: the directory of fetched sources.
  ///   - sources: a line of sources.list; `nil` for the suite on the machine's own mirror.
  /// - Throws: ``StageError`` if apt cannot get it, `ToolError`, and file system errors.
  static func fetch(
    _ package: String, suite: String, store: FilePath, sources: String? = nil
  ) async throws -> SuitePackage {
    let home = home(package, suite: suite, store)
    let manager = FileManager.default
    try manager.createDirectory(atPath: home.string, withIntermediateDirectories: true)
    // Two runs may want the same package.
    let lock = try await FileLock.wait(home.appending("lock"), .exclusive) {}
    defer { lock.release() }
    if let known = find(package, suite: suite, store: store) { return known }
    let work = home.appending("work")
    try? manager.removeItem(atPath: work.string)
    defer { try? manager.removeItem(atPath: work.string) }
    var line = sources
    if line == nil { line = try await OwnApt.line(suite: suite) }
    let apt = try OwnApt(sources: line!, in: work)
    try await apt.run("apt-get", ["update"], failure: "apt cannot read the suite \(suite)")
    let fetched = work.appending("fetched")
    try manager.createDirectory(atPath: fetched.string, withIntermediateDirectories: true)
    try await apt.run(
      "apt-get", ["download", package], in: fetched, failure: "apt cannot fetch \(package) from \(suite)")
    guard let name = try manager.contentsOfDirectory(atPath: fetched.string).first(where: { $0.hasSuffix(".deb") })
    else { throw StageError.fault(.build, "apt fetched nothing for \(package)", advice: "apt-get download \(package)") }
    let file = fetched.appending(name)
    let version = try await Tool("dpkg-deb", ["-f", file.string, "Version"]).output()
    let unpacked = work.appending("unpacked")
    _ = try await Tool("dpkg-deb", ["-x", file.string, unpacked.string]).output()
    let source = unpacked.pushing(FilePath("usr/src/\(package).tar.xz"))
    guard manager.fileExists(atPath: source.string) else {
      throw StageError.fault(
        .build, "\(package) of \(suite) has no /usr/src/\(package).tar.xz",
        advice: "correct source: debian: in kernel.yaml")
    }
    let archive = home.appending("\(package).tar.xz")
    try? manager.removeItem(atPath: archive.string)
    try manager.moveItem(atPath: source.string, toPath: archive.string)
    // Last: it says that the archive is whole.
    let words = version.trimmingCharacters(in: .whitespacesAndNewlines)
    try DurableFile.write(Array(words.utf8), to: home.appending("version"))
    return SuitePackage(archive: archive, version: words)
  }

  private static func home(_ package: String, suite: String, _ store: FilePath) -> FilePath {
    store.appending("debian-\(suite)").appending(package)
  }
}

/// apt with one suite, and lists and a cache of its own.
private struct OwnApt {
  private var options: [String]
  private var directory: FilePath

  init(sources: String, in directory: FilePath) throws {
    let manager = FileManager.default
    for name in ["lists/partial", "cache/archives/partial"] {
      try manager.createDirectory(
        atPath: directory.pushing(FilePath(name)).string, withIntermediateDirectories: true)
    }
    let list = directory.appending("sources.list")
    try Data("\(sources)\n".utf8).write(to: URL(filePath: list.string))
    options = [
      "-q", "-o", "Dir::Etc::SourceList=\(list)", "-o", "Dir::Etc::SourceParts=-",
      "-o", "Dir::State::Lists=\(directory.appending("lists"))", "-o", "Dir::Cache=\(directory.appending("cache"))",
      "-o", "Acquire::Languages=none",
      // Its own user cannot enter this directory.
      "-o", "APT::Sandbox::User=",
    ]
    self.directory = directory
  }

  /// Returns the line of sources.list for a suite, on the mirror that the machine's apt uses.
  /// - Throws: ``StageError`` if it has none.
  static func line(suite: String) async throws -> String {
    let targets = try await Tool(
      "apt-get", ["indextargets", "--format", "$(RELEASE) $(COMPONENT) $(SITE)", "Created-By: Packages"]
    ).output()
    let mirror = targets.split(separator: "\n").map { $0.split(separator: " ") }.first {
      $0.count == 3 && $0[1] == "main" && !$0[0].hasSuffix("-security")
    }
    guard let mirror else {
      throw StageError.fault(
        .build, "apt knows no mirror of Debian, from which \(suite) could be fetched",
        advice: "add the mirror to /etc/apt/sources.list, or name an unpacked tree in kernel.yaml (source: tree:)")
    }
    // Debian's own keys: apt refuses what they did not sign.
    return "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] \(mirror[2]) \(suite) main"
  }

  func run(_ tool: String, _ arguments: [String], in place: FilePath? = nil, failure: String) async throws {
    let result = try await Tool(tool, options + arguments, in: place ?? directory).run(deadline: .seconds(1800))
    // apt-get update ends with 0 if a list could not be read.
    let complaints = result.errors.split(separator: "\n").filter { $0.hasPrefix("E: ") || $0.hasPrefix("W: ") }
    guard result.status.isSuccess, !complaints.contains(where: { $0.contains("Failed to fetch") }) else {
      let first = complaints.first ?? result.errors.suffix(300)
      throw StageError.fault(
        .build, "\(failure): \(first)",
        advice: "correct source: debian: in kernel.yaml; apt on a machine with that suite lists its packages")
    }
  }
}
