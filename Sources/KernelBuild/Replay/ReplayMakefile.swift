// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage
import Toolbox

/// A makefile that does what kbuild would do for a series that touches only sources of objects, without kbuild's walk
/// through the tree. It runs kbuild's own commands, as recorded when it built the base, for the touched objects, the
/// archives that contain them, and the image.
///
/// `ReplayTests` prove on real kernels that the image is the same, byte for byte. Anything unusual is left to kbuild
/// itself, see ``RecordedBuild/reach(of:isPlain:hasObject:)``.
struct ReplayMakefile {
  /// How a target is made.
  struct Rule: Hashable {
    var target: String
    var prerequisites: [String]
    /// The word that kbuild prints: `CC`, `AR`, `LD`.
    var word: String
    /// In make's syntax, as in the `.cmd` file.
    var command: String
    /// An additional setting for ccache: `CCACHE_DISABLE`; `nil` for none.
    var setting: String?
  }

  private(set) var rules: [Rule] = []
  /// What make is to make.
  private var goals: [String] = []

  /// Up to this number of objects, ccache learns from the compiler which files they read.
  static let fewObjects = 16

  /// - Parameters:
  ///   - preprocesses: whether ccache preprocesses each source, however few there are.
  ///   - linksObject: whether the image is linked from `vmlinux.o`, see ``linksObject(_:)``.
  ///   - image: what is made from `vmlinux` and booted; `nil` if `vmlinux` itself is booted.
  ///   - command: the recorded command of a target; `nil` if kbuild recorded none.
  /// - Returns: `nil` if a required command was not recorded, as with images and configurations that are
  ///   built differently.
  init?(
    objects: [String], archives: [Reach.Archive], preprocesses: Bool, linksObject: Bool, image: String? = nil,
    command: (String) throws -> String?
  ) rethrows {
    func add(
      _ target: String, _ word: String, after prerequisites: [String], _ setting: String? = nil
    ) throws -> Bool {
      guard let words = try command(target) else { return false }
      rules.append(
        Rule(target: target, prerequisites: prerequisites, word: word, command: words, setting: setting))
      return true
    }
    let setting = Self.setting(objects, preprocesses: preprocesses)
    for object in objects { guard try add(object, "CC", after: [], setting) else { return nil } }
    for archive in archives { guard try add(archive.path, "AR", after: archive.members) else { return nil } }
    // The linker's inputs: the libraries and vmlinux.a.
    let linked = archives.map(\.path).filter { $0 == "vmlinux.a" || $0.hasSuffix("/lib.a") }
    guard try add("vmlinux.o", "LD", after: linked), try add(Self.symbols, "MODPOST", after: ["vmlinux.o"]) else {
      return nil
    }
    // modpost checks for errors, and lists what is exported to modules, which rarely changes, so the link need not
    // wait for it. No two links assemble the same symbol tables, and looking them up in ccache costs more than
    // assembling them.
    let inputs = linked + (linksObject ? ["vmlinux.o"] : [])
    guard try add("vmlinux", "LD", after: inputs, "CCACHE_DISABLE"), let link = rules.last?.command else { return nil }
    if let exports = try command(Self.exports + ".o") {
      // modpost writes the list only if it has changed.
      rules.append(
        Rule(
          target: Self.exports + ".o", prerequisites: ["vmlinux", Self.symbols], word: "CHECK",
          command: "if [ \(Self.exports).c -nt \(Self.exports).o ]; then \(exports); \(link); fi"))
    }
    goals = rules.suffix(2).map(\.target)
    if let image {
      // Not before the check, which may link once more.
      guard try add(image, "OBJCOPY", after: goals) else { return nil }
      goals.append(image)
    }
  }

  /// Makes objects, and nothing from them.
  /// - Returns: `nil` if the command for one of them was not recorded.
  init?(
    compiling objects: [String], preprocesses: Bool, command: (String) throws -> String?
  ) rethrows {
    let setting = Self.setting(objects, preprocesses: preprocesses)
    for object in objects {
      guard let words = try command(object) else { return nil }
      rules.append(Rule(target: object, prerequisites: [], word: "CC", command: words, setting: setting))
    }
    goals = objects
  }

  /// ccache preprocesses a source first, to recognise it if only a comment changed in its includes. For a few objects
  /// that costs more than it can save.
  private static func setting(_ objects: [String], preprocesses: Bool) -> String? {
    objects.count <= fewObjects && !preprocesses ? "CCACHE_DEPEND" : nil
  }

  private static let symbols = "vmlinux.symvers"
  private static let exports = ".vmlinux.export"

  /// Whether an image is linked from `vmlinux.o` instead of from its inputs (`scripts/link-vmlinux.sh`).
  /// - Parameter configuration: the resolved `.config`.
  static func linksObject(_ configuration: String) -> Bool {
    configuration.split(separator: "\n").contains { $0 == "CONFIG_LTO_CLANG=y" || $0 == "CONFIG_X86_KERNEL_IBT=y" }
  }

  var text: String {
    var text = """
      # kbuild writes a number sign this way.
      pound := \\#
      .PHONY: all \(rules.map(\.target).joined(separator: " "))
      all: \(goals.joined(separator: " "))


      """
    for rule in rules {
      text += "\(rule.target): \(rule.prerequisites.joined(separator: " "))\n"
      // The plus lets makes that some commands start share this one's jobs.
      text += "\t@echo '  \(rule.word.padding(toLength: 7, withPad: " ", startingAt: 0)) \(rule.target)'\n"
      text += "\t+@set -e; \(rule.setting.map { "export \($0)=1; " } ?? "")\(rule.command)\n\n"
    }
    return text
  }
}

extension RecordedBuild {
  /// Returns the command that kbuild recorded for a target of a built tree.
  /// - Returns: `nil` if it recorded none.
  static func command(of target: String, in tree: FilePath) -> String? {
    let path = FilePath(target)
    guard let name = path.lastComponent?.string else { return nil }
    let file = tree.pushing(path.removingLastComponent()).appending(".\(name).cmd")
    return FileManager.default.contents(atPath: file.string).flatMap(Command.init)?.command
  }
}

/// The environment that kbuild exports to its commands, saved to run them again.
struct RecordedEnvironment: Sendable, Hashable {
  var variables: [String: String]

  /// The file's format is that of `env -0`.
  init(_ file: FilePath) throws {
    variables = [:]
    for entry in try Data(contentsOf: URL(filePath: file.string)).split(separator: 0) {
      let text = String(decoding: entry, as: UTF8.self)
      guard let sign = text.firstIndex(of: "=") else { continue }
      variables[String(text[..<sign])] = String(text[text.index(after: sign)...])
    }
    // make's own variables for its children, and the mark of the process they belong to; the new make has its own.
    for name in ["MAKEFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "MFLAGS", Self.variable, ProcessMark.variable] {
      variables[name] = nil
    }
  }

  private static let variable = "PATCHBENCH_ENVIRONMENT"

  /// The arguments that make kbuild's top makefile write its environment to `file` instead of building.
  static func recording(to file: FilePath) -> [String] {
    [
      "--eval=patchbench-environment: ; @env -0 > '$(\(variable))'", "\(variable)=\(file)", "patchbench-environment",
    ]
  }
}
