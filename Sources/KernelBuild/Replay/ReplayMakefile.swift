// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage
import Toolbox

/// A makefile that does what kbuild would do for a series that touches nothing but sources of objects, without kbuild's
/// walk through the tree: kbuild's own commands, as it recorded them when it built the base, for the touched objects,
/// the archives that take them, and the image.
///
/// That it comes to the same image, byte for byte, is what `ReplayTests` prove on real kernels. Whatever is out of the
/// ordinary is left to kbuild itself, see ``RecordedBuild/reach(of:isPlain:hasObject:)``.
struct ReplayMakefile {
  /// How a target is made.
  struct Rule: Hashable {
    var target: String
    var prerequisites: [String]
    /// As kbuild shows it: `CC`, `AR`, `LD`.
    var word: String
    /// In make's syntax, as it stood in the `.cmd` file.
    var command: String
    /// What ccache is told besides: `CCACHE_DISABLE`; `nil` for nothing.
    var setting: String?
  }

  private(set) var rules: [Rule] = []

  /// Of no more than so many objects ccache learns from the compiler what they read.
  static let fewObjects = 16

  /// - Parameters:
  ///   - preprocesses: whether ccache looks at each source as it is preprocessed, however few there are.
  ///   - linksObject: whether the image is linked from `vmlinux.o`, see ``linksObject(_:)``.
  ///   - command: the recorded command of a target; `nil` if kbuild recorded none.
  /// - Returns: `nil` if something that is needed was not recorded, as with images and configurations that take other
  ///   ways.
  init?(
    objects: [String], archives: [Reach.Archive], preprocesses: Bool, linksObject: Bool,
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
    // ccache has a source preprocessed first, to know it again where only a comment changed in what it includes. For a
    // few objects that costs more than it can save.
    let setting = objects.count <= Self.fewObjects && !preprocesses ? "CCACHE_DEPEND" : nil
    for object in objects { guard try add(object, "CC", after: [], setting) else { return nil } }
    for archive in archives { guard try add(archive.path, "AR", after: archive.members) else { return nil } }
    // The libraries and vmlinux.a: what the linker takes.
    let linked = archives.map(\.path).filter { $0 == "vmlinux.a" || $0.hasSuffix("/lib.a") }
    guard try add("vmlinux.o", "LD", after: linked), try add(Self.symbols, "MODPOST", after: ["vmlinux.o"]) else {
      return nil
    }
    // modpost looks for mistakes, and lists what is exported to modules, which seldom changes: the link need not wait.
    // No two links assemble the same tables of symbols, and to look for them costs more than to assemble them.
    let inputs = linked + (linksObject ? ["vmlinux.o"] : [])
    guard try add("vmlinux", "LD", after: inputs, "CCACHE_DISABLE"), let link = rules.last?.command else { return nil }
    if let exports = try command(Self.exports + ".o") {
      // modpost writes the list only if it is another.
      rules.append(
        Rule(
          target: Self.exports + ".o", prerequisites: ["vmlinux", Self.symbols], word: "CHECK",
          command: "if [ \(Self.exports).c -nt \(Self.exports).o ]; then \(exports); \(link); fi"))
    }
  }

  private static let symbols = "vmlinux.symvers"
  private static let exports = ".vmlinux.export"

  /// Whether an image is linked from `vmlinux.o` instead of from what that is made of (`scripts/link-vmlinux.sh`).
  /// - Parameter configuration: the resolved one, a `.config`.
  static func linksObject(_ configuration: String) -> Bool {
    configuration.split(separator: "\n").contains { $0 == "CONFIG_LTO_CLANG=y" || $0 == "CONFIG_X86_KERNEL_IBT=y" }
  }

  var text: String {
    var text = """
      # kbuild writes a number sign this way.
      pound := \\#
      .PHONY: all \(rules.map(\.target).joined(separator: " "))
      all: \(rules.suffix(2).map(\.target).joined(separator: " "))


      """
    for rule in rules {
      text += "\(rule.target): \(rule.prerequisites.joined(separator: " "))\n"
      // The plus lets the makes that some commands start take part in this one's jobs.
      text += "\t@echo '  \(rule.word.padding(toLength: 7, withPad: " ", startingAt: 0)) \(rule.target)'\n"
      text += "\t+@set -e; \(rule.setting.map { "export \($0)=1; " } ?? "")\(rule.command)\n\n"
    }
    return text
  }
}

extension RecordedBuild {
  /// The command that kbuild recorded for a target of a built tree.
  /// - Returns: `nil` if it recorded none.
  static func command(of target: String, in tree: FilePath) -> String? {
    let path = FilePath(target)
    guard let name = path.lastComponent?.string else { return nil }
    let file = tree.pushing(path.removingLastComponent()).appending(".\(name).cmd")
    return FileManager.default.contents(atPath: file.string).flatMap(Command.init)?.command
  }
}

/// What kbuild exports to the commands that it runs, kept to run them again.
struct RecordedEnvironment: Sendable, Hashable {
  var variables: [String: String]

  /// The file's form is `env -0`'s.
  init(_ file: FilePath) throws {
    variables = [:]
    for entry in try Data(contentsOf: URL(filePath: file.string)).split(separator: 0) {
      let text = String(decoding: entry, as: UTF8.self)
      guard let sign = text.firstIndex(of: "=") else { continue }
      variables[String(text[..<sign])] = String(text[text.index(after: sign)...])
    }
    // make's own word to its children, and whose they are; the new make has its own.
    for name in ["MAKEFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "MFLAGS", Self.variable, ProcessMark.variable] {
      variables[name] = nil
    }
  }

  private static let variable = "PATCHBENCH_ENVIRONMENT"

  /// The arguments with which kbuild's top makefile writes its environment to `file` instead of building.
  static func recording(to file: FilePath) -> [String] {
    [
      "--eval=patchbench-environment: ; @env -0 > '$(\(variable))'", "\(variable)=\(file)", "patchbench-environment",
    ]
  }
}
