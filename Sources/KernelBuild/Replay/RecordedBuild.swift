// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage

/// kbuild's records from the build of a base: which objects depend on which files, and which archive takes each object.
///
/// They show what a series requires to be rebuilt, without a walk through the tree. kbuild writes a `.cmd` file next to
/// everything that it makes (`if_changed_dep` in `scripts/Kbuild.include`), with the command and the files that were
/// read. They are read once, when the base is built.
struct RecordedBuild: Sendable, Hashable {
  struct Target: Sendable, Hashable {
    var path: String
    /// The archive that contains it; `nil` if the image does not take it from an archive: host programs, the vDSO,
    /// generated headers.
    var archive: Int?
  }

  var archives: [Target] = []
  var objects: [Target] = []
  /// By file, relative to the tree's root: the indices of the objects that read it.
  var readers: [String: [Int]] = [:]
}

/// What a change of some files requires to be rebuilt.
public enum Reach: Sendable, Hashable {
  /// Nothing built under this configuration reads them.
  case nothing
  /// These objects, and the archives between them and the image.
  case objects([String], archives: [Archive])
  /// Only kbuild itself knows; with the reason, and the number of objects known to read the files.
  case tree(String, objects: Int)

  /// An archive to rebuild after its members.
  public struct Archive: Sendable, Hashable {
    public var path: String
    public var members: [String]
  }

  /// The number of objects to be made, as far as it is known.
  public var objectCount: Int {
    switch self {
    case .nothing: 0
    case .objects(let objects, _): objects.count
    case .tree(_, let objects): objects
    }
  }
}

extension RecordedBuild {
  /// - Parameters:
  ///   - paths: the files that a series touches.
  ///   - isPlain: whether a file existed before and still exists afterwards.
  ///   - hasObject: whether there is an object next to a source.
  func reach(of paths: Set<String>, isPlain: (String) -> Bool, hasObject: (String) -> Bool) -> Reach {
    // Without records nothing would seem to be touched, and the base's image would be taken for the series'.
    if !objects.contains(where: { $0.archive != nil }) { return .tree("nothing was recorded", objects: 0) }
    var found: Set<Int> = []
    var obstacle: String?
    for path in paths.sorted() where !Self.isProse(path) {
      let direct = readers[path] ?? []
      found.formUnion(direct)
      guard obstacle == nil else { continue }
      if !Self.isSource(path) {
        obstacle = "\(path) is not one of the kernel's own C files"
      } else if !isPlain(path) {
        obstacle = "\(path) is added or removed"
      } else if direct.isEmpty, hasObject(path) {
        obstacle = "no record tells what \(path) is used for, although it was compiled"
      } else if let other = direct.first(where: { objects[$0].archive == nil }) {
        obstacle = "\(objects[other].path) is made from \(path)"
      }
    }
    if let obstacle { return .tree(obstacle, objects: found.count) }
    if found.isEmpty { return .nothing }
    return .objects(found.sorted().map { objects[$0].path }, archives: archives(above: found))
  }

  /// Whether a build of these changes runs only code that the base has as well: the compiler reads the touched files,
  /// and no program or makefile of the build is made from them. A header of many objects is as harmless as any source.
  /// It still requires kbuild, because some of its constants go into an assembly file
  /// (`arch/x86/kernel/asm-offsets.s`).
  func isOnlyCompiled(_ paths: Set<String>, isPlain: (String) -> Bool, hasObject: (String) -> Bool) -> Bool {
    guard objects.contains(where: { $0.archive != nil }) else { return false }
    return paths.allSatisfy { path in
      if Self.isProse(path) { return true }
      let direct = readers[path] ?? []
      guard Self.isSource(path), isPlain(path), !direct.isEmpty || !hasObject(path) else { return false }
      return direct.allSatisfy { objects[$0].archive != nil || objects[$0].path.hasSuffix(".s") }
    }
  }

  /// The archives between some objects and the image, each with its members that are rebuilt.
  private func archives(above found: Set<Int>) -> [Reach.Archive] {
    var members: [Int: [String]] = [:]
    var pending = found.sorted().map { objects[$0] }
    while let target = pending.popLast() {
      guard let archive = target.archive else { continue }
      if members[archive] == nil { pending.append(archives[archive]) }
      members[archive, default: []].append(target.path)
    }
    return members.keys.sorted().map { Reach.Archive(path: archives[$0].path, members: members[$0]!.sorted()) }
  }

  /// Files that no build reads. `Documentation/Kconfig` is not prose: the configuration depends on it.
  static func isProse(_ path: String) -> Bool {
    if isProgram(path) { return true }
    let name = path.split(separator: "/").last ?? ""
    if ["Kconfig", "Makefile", "Kbuild"].contains(where: name.hasPrefix) { return false }
    return path.hasPrefix("Documentation/") || path.hasPrefix("LICENSES/")
      || ["MAINTAINERS", "CREDITS", ".mailmap", ".gitignore"].contains(path)
  }

  /// Whether a file belongs to a program under `tools/` that a kernel's build does not need. `tools/testing/` also has
  /// kernel modules, which no kernel's build makes either.
  private static func isProgram(_ path: String) -> Bool {
    let parts = path.split(separator: "/", maxSplits: 2)
    guard parts.count == 3, parts[0] == "tools" else { return false }
    return !["arch", "bpf", "build", "include", "lib", "objtool", "scripts"].contains(parts[1])
  }

  /// Whether everything that depends on a file is recorded by the compiler. It is not for makefiles, scripts and
  /// generators, for headers whose digests are checked, and for what is built for other machines or programs.
  private static func isSource(_ path: String) -> Bool {
    guard [".c", ".h", ".S"].contains(where: path.hasSuffix) else { return false }
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count > 1, directories.contains(String(parts[0])) else { return false }
    if path.hasPrefix("include/linux/atomic/") || parts.contains("..") { return false }
    return !parts.contains { ["tools", "boot", "vdso", "syscalls", "purgatory", "realmode", "scripts"].contains($0) }
  }

  /// Whether a file is C, wherever it is.
  static func isC(_ path: String) -> Bool { path.hasSuffix(".c") || path.hasSuffix(".h") }

  private static let directories: Set<String> = [
    "arch", "block", "crypto", "drivers", "fs", "include", "init", "io_uring", "ipc", "kernel", "lib", "mm", "net",
    "security", "sound", "virt",
  ]
}

// MARK: - Reading what kbuild wrote

extension RecordedBuild {
  /// Reads the records of a built tree, which takes a few seconds.
  /// - Throws: file system errors.
  init(tree: FilePath) throws {
    self.init()
    var records: [Command] = []
    let root = URL(filePath: tree.string, directoryHint: .isDirectory)
    let files = FileManager.default.enumerator(atPath: root.path)
    while let name = files?.nextObject() as? String {
      guard name.hasSuffix(".cmd") else { continue }
      if let record = Command(try Data(contentsOf: root.appending(path: name))) { records.append(record) }
    }
    take(records)
  }

  /// Combines records.
  mutating func take(_ records: [Command]) {
    let containers = records.filter(\.isArchive).sorted { $0.target < $1.target }
    // The image's archives are those that lead to vmlinux.a, and the libraries, which are passed to the linker as well.
    var parents: [String: Int] = [:]
    for (number, container) in containers.enumerated() {
      for member in container.members { parents[member] = number }
    }
    archives = containers.map { Target(path: $0.target, archive: parents[$0.target]) }
    func leadsToImage(_ archive: Int) -> Bool {
      var current = archive
      for _ in 0..<64 {
        let path = archives[current].path
        if path == "vmlinux.a" || path.hasSuffix("/lib.a") { return true }
        guard let next = archives[current].archive else { return false }
        current = next
      }
      return false
    }
    for record in records.sorted(by: { $0.target < $1.target }) where !record.files.isEmpty {
      let archive = parents[record.target].flatMap { leadsToImage($0) ? $0 : nil }
      for file in record.files { readers[file, default: []].append(objects.count) }
      objects.append(Target(path: record.target, archive: archive))
    }
  }

  /// One `.cmd` file.
  struct Command: Sendable, Hashable {
    /// Relative to the tree's root.
    var target: String
    /// The command, in make's syntax.
    var command: String
    /// The source and the files that the compiler read.
    var files: [String]

    var isArchive: Bool { target.hasSuffix(".a") }

    /// The members of an archive. `built-in.a` is made by `printf "DIRECTORY/%s " a.o b.o | xargs ar …`, `vmlinux.a`
    /// and `lib.a` by `ar FLAGS ARCHIVE a.o b.o`.
    var members: [String] {
      guard let begin = command.range(of: "printf \""), let end = command.range(of: "| xargs") else {
        let first = command.split(separator: ";").first { $0.contains("ar cDPr") } ?? ""
        return first.split(separator: " ").dropFirst(3).map(Self.plain)
      }
      let words = command[begin.upperBound..<end.lowerBound].split(separator: " ")
      guard let pattern = words.first, pattern.hasSuffix("%s") else { return [] }
      let directory = pattern.dropLast(2)
      // The second word is the pattern's closing quote.
      return words.dropFirst(2).map { Self.plain(directory + $0) }
    }

    init?(_ data: Data) {
      var lines = String(decoding: data, as: UTF8.self).split(separator: "\n")[...]
      guard let first = lines.popFirst(), let sign = first.range(of: " := ") else { return nil }
      let name = first[..<sign.lowerBound]
      // Some tools under tools/ write cmd_ as older kernels did; what they make is not part of the image.
      guard let prefix = ["savedcmd_", "cmd_"].first(where: name.hasPrefix) else { return nil }
      target = Self.plain(name.dropFirst(prefix.count))
      command = String(first[sign.upperBound...])
      files = []
      for line in lines {
        if line.hasPrefix("source_"), let sign = line.range(of: " := ") {
          files.append(Self.plain(line[sign.upperBound...]))
        } else if line.hasPrefix("  ") {
          let word = line.drop { $0 == " " }.prefix { $0 != " " }
          if !word.hasPrefix("$"), !word.isEmpty { files.append(Self.plain(word)) }
        }
      }
    }

    /// Returns a path as patches spell it. The compiler reports a header by the path through which it found
    /// it, `mm/kasan/../slab.h`. If that were taken literally, a series that touches `mm/slab.h` would not
    /// rebuild that object.
    private static func plain(_ path: some StringProtocol) -> String {
      let text = String(path)
      // Nearly all are plain, and there are millions of them.
      if !text.hasPrefix("."), !text.contains("/."), !text.contains("//") { return text }
      return FilePath(text).lexicallyNormalized().string
    }
  }
}
