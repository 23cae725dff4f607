// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage
import Toolbox

/// Calls of the kernel's own makefiles, with ccache before the compiler.
struct Kbuild: Sendable, Hashable {
  /// gcc and binutils in words that change when one of them does.
  var toolchain: String
  /// Where ccache keeps what was compiled; shared by all bases and series.
  var objects: FilePath

  /// Finds the toolchain.
  static func find(cache: Cache) async throws -> Kbuild {
    var words: [String] = []
    for name in ["gcc", "ld"] {
      let version = try await Tool(name, ["--version"]).output()
      words.append(version.split(separator: "\n").first.map(String.init) ?? name)
    }
    // gcc tells its Debian revision, ld does not; and most of ld and as is in a library, so their files may stay the same.
    let revision = try await Tool("dpkg-query", ["--show", "--showformat", "${Version}", "binutils"]).output()
    words.append("binutils \(revision)")
    return Kbuild(toolchain: words.joined(separator: "; "), objects: cache.objects)
  }

  /// The compiler as kbuild is told to call it. Fixed: kbuild records it, and another word would build all anew.
  static let compiler = "ccache gcc"

  /// Everything that would otherwise make equal sources differ from one build to the next.
  static let steadyEnvironment = Tool.plainEnvironment.merging([
    "KBUILD_BUILD_USER": "patchbench",
    "KBUILD_BUILD_HOST": "patchbench",
    "KBUILD_BUILD_TIMESTAMP": "Thu Jan  1 00:00:00 UTC 1970",
    "KBUILD_BUILD_VERSION": "1",
  ]) { $1 }

  /// What ccache is told. None of it changes what is compiled.
  var cacheEnvironment: [String: String] {
    [
      "CCACHE_DIR": objects.string,
      // The compiler by its name and Debian's version, rather than by its file's time: that differs between machines.
      "CCACHE_COMPILERCHECK": "string:\(toolchain)",
      // Objects carry no paths: there is no debug information, and kbuild passes relative names. Those that are compiled
      // again for their lines do (``CompilerMakefile``).
      "CCACHE_NOHASHDIR": "1",
      "CCACHE_MAXSIZE": "\(Self.mostObjects >> 20)Mi",
      // No user's or system's configuration.
      "CCACHE_CONFIGPATH": "/dev/null",
    ]
  }

  /// The most that ccache keeps, in bytes: a kernel's objects are some 60 MB there, so some dozens of rebuilds.
  static let mostObjects: Int64 = 4 << 30

  /// - Parameter statistics: a file to which ccache writes what became of each call; see ``CompileCount``.
  func make(_ arguments: [String], in directory: FilePath?, statistics: FilePath? = nil) -> Tool {
    var environment = Self.steadyEnvironment.merging(cacheEnvironment) { $1 }
    if let statistics { environment["CCACHE_STATSLOG"] = statistics.string }
    return Tool(
      "make", ["CC=\(Self.compiler)", "HOSTCC=\(Self.compiler)"] + arguments, in: directory, environment: environment)
  }
}

/// What a build's calls of the compiler came to.
struct CompileCount: Hashable {
  /// Objects that were made, by the compiler or from ccache.
  var objects = 0
  /// Of these, how many ccache had.
  var cached = 0

  /// Reads ccache's log of statistics: a line `# FILE` for each call, then a line for each thing counted. The tables of
  /// symbols that every link assembles are no objects of the tree's, nor is what kbuild compiles from nothing to learn
  /// which options the compiler has.
  init(log text: String) {
    var counts = true
    for line in text.split(separator: "\n") {
      switch line {
      case "direct_cache_hit" where counts, "preprocessed_cache_hit" where counts:
        objects += 1
        cached += 1
      case "cache_miss" where counts: objects += 1
      default: if line.hasPrefix("# ") { counts = !Self.isTable(line) && line != "# /dev/null" }
      }
    }
  }
}

extension CompileCount {
  /// What a link assembles of its own: the tables of symbols, and of those that are exported.
  private static func isTable(_ line: Substring) -> Bool {
    line.contains(".tmp_vmlinux") || line.contains(".vmlinux.export")
  }
}

/// Follows kbuild's chatter: tells what goes on, a few times a second at most, and notes when the first compiler and the
/// link began.
///
/// `@unchecked Sendable`: its state is only touched by the one task that reads the tool's output, and read when that is
/// over.
final class BuildProgress: @unchecked Sendable {
  private var objects = 0
  private var last = ContinuousClock.now - .seconds(1)
  private let start = ContinuousClock.now
  private var compiling: ContinuousClock.Instant?
  private var linking: ContinuousClock.Instant?
  private let report: @Sendable (String) -> Void

  init(_ report: @escaping @Sendable (String) -> Void) { self.report = report }

  func line(_ line: Substring) {
    guard line.hasPrefix("  ") else { return }
    let words = line.split(separator: " ", maxSplits: 1)
    guard let word = words.first else { return }
    switch word {
    case "CC", "AS", "HOSTCC":
      objects += 1
      if linking == nil, compiling == nil, word != "HOSTCC" { compiling = .now }
    case "AR", "LD":
      let target = words.last?.drop { $0 == " " } ?? ""
      if linking == nil, target == "vmlinux.a" || target == "vmlinux.o" { linking = .now }
      if word == "AR" { return }
    default: return
    }
    let now = ContinuousClock.now
    guard now - last > .milliseconds(250) else { return }
    last = now
    report(linking == nil ? "\(objects) objects" : "linking")
  }

  /// How long each part took, in seconds, if the build ends now. kbuild goes through the tree before, between and after
  /// its compilers; what comes before the first is `configure`.
  func seconds() -> (configure: Double, compile: Double, link: Double) {
    let end = ContinuousClock.now
    let linked = linking ?? end
    let compiled = compiling ?? linked
    return (
      (compiled - start) / .seconds(1), (linked - compiled) / .seconds(1), (end - linked) / .seconds(1)
    )
  }
}
