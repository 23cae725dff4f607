// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import SystemPackage
import Toolbox

/// Runs the kernel's own makefiles, with ccache in front of the compiler.
struct Kbuild: Sendable, Hashable {
  /// The compiler and binutils, in words that change if either of them does.
  var toolchain: String
  var tools = Toolchain.host
  /// Where ccache stores compiled objects; shared by all bases and series.
  var objects: FilePath

  /// Finds the toolchain.
  /// - Throws: ``StageError`` if it is not installed; ``ToolError``.
  static func find(_ tools: Toolchain = .host, cache: Cache) async throws -> Kbuild {
    var words: [String] = []
    for name in [tools.compiler, tools.linker] {
      let version = try await Self.version(of: name, tools)
      words.append(version.split(separator: "\n").first.map(String.init) ?? name)
    }
    // gcc reports its Debian revision, ld does not. Most of ld and as is in a library, so their files may not change.
    let revision = try await Tool("dpkg-query", ["--show", "--showformat", "${Version}", "binutils"]).output()
    words.append("binutils \(revision)")
    return Kbuild(toolchain: words.joined(separator: "; "), tools: tools, objects: cache.objects)
  }

  private static func version(of name: String, _ tools: Toolchain) async throws -> String {
    do { return try await Tool(name, ["--version"]).output() } catch {
      guard case .notFound = error else { throw error }
      throw StageError.fault(
        .build, "\(name) is not installed, with which this profile is compiled",
        advice: "`apt-get install \(tools.packages.joined(separator: " "))` installs it")
    }
  }

  /// The compiler as kbuild calls it. It is fixed, because kbuild records it, and any change would rebuild everything.
  var compiler: String { "ccache \(tools.compiler)" }
  /// The compiler of the programs that run during a build, which are the machine's own.
  static let hostCompiler = "ccache gcc"

  /// Everything that would otherwise make builds of equal sources differ.
  static let steadyEnvironment = Tool.plainEnvironment.merging([
    "KBUILD_BUILD_USER": "patchbench",
    "KBUILD_BUILD_HOST": "patchbench",
    "KBUILD_BUILD_TIMESTAMP": "Thu Jan  1 00:00:00 UTC 1970",
    "KBUILD_BUILD_VERSION": "1",
  ]) { $1 }

  /// ccache's settings. None of them changes the compiled code.
  var cacheEnvironment: [String: String] {
    [
      "CCACHE_DIR": objects.string,
      // Identifies the compiler by name and Debian version instead of its file's mtime, which differs between machines.
      "CCACHE_COMPILERCHECK": "string:\(toolchain)",
      // Objects contain no paths: there is no debug information, and kbuild passes relative names. Objects that are
      // compiled again for their lines do contain paths (``CompilerMakefile``).
      "CCACHE_NOHASHDIR": "1",
      "CCACHE_MAXSIZE": "\(Self.mostObjects >> 20)Mi",
      // Ignores any user or system configuration.
      "CCACHE_CONFIGPATH": "/dev/null",
    ]
  }

  /// The maximum size of ccache's store, in bytes. A kernel's objects take about 60 MB there, so it holds
  /// dozens of rebuilds.
  static let mostObjects: Int64 = 4 << 30

  /// - Parameter statistics: a file where ccache logs the result of each call; see ``CompileCount``.
  func make(_ arguments: [String], in directory: FilePath?, statistics: FilePath? = nil) -> Tool {
    var environment = Self.steadyEnvironment.merging(cacheEnvironment) { $1 }
    if let statistics { environment["CCACHE_STATSLOG"] = statistics.string }
    return Tool(
      "make", tools.makeVariables + ["CC=\(compiler)", "HOSTCC=\(Self.hostCompiler)"] + arguments, in: directory,
      environment: environment)
  }
}

/// The results of a build's compiler calls.
struct CompileCount: Hashable {
  /// Objects that were made, by the compiler or from ccache.
  var objects = 0
  /// How many of them came from ccache.
  var cached = 0

  /// Parses ccache's statistics log: a line `# FILE` for each call, then a line for each counter. It ignores the symbol
  /// tables that every link assembles, and the empty inputs that kbuild compiles to test for compiler options.
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
  /// What a link itself assembles: the table of symbols, and that of exported symbols.
  private static func isTable(_ line: Substring) -> Bool {
    line.contains(".tmp_vmlinux") || line.contains(".vmlinux.export")
  }
}

/// Follows kbuild's output: reports progress, a few times a second at most, and notes when the first compiler and
/// the link started.
///
/// `@unchecked Sendable`: only the task that reads the tool's output touches the state; it is read after
/// that has finished.
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

  /// The duration of each part, in seconds, if the build ends now. kbuild walks the tree before, between and after its
  /// compilers; the time before the first compiler is `configure`.
  func seconds() -> (configure: Double, compile: Double, link: Double) {
    let end = ContinuousClock.now
    let linked = linking ?? end
    let compiled = compiling ?? linked
    return (
      (compiled - start) / .seconds(1), (linked - compiled) / .seconds(1), (end - linked) / .seconds(1)
    )
  }
}
