import Foundation
import SystemPackage
import Toolbox

/// Calls of the kernel's own makefiles.
enum Kbuild {
  /// Everything that would otherwise make equal sources differ from one build to the next.
  static let environment = Tool.plainEnvironment.merging([
    "KBUILD_BUILD_USER": "patchbench",
    "KBUILD_BUILD_HOST": "patchbench",
    "KBUILD_BUILD_TIMESTAMP": "Thu Jan  1 00:00:00 UTC 1970",
    "KBUILD_BUILD_VERSION": "1",
  ]) { $1 }

  static func tool(_ arguments: [String], in directory: FilePath?) -> Tool {
    Tool("make", arguments, in: directory, environment: environment)
  }

  /// What compiles and links, in words that change when it does.
  static func toolchain() async throws -> String {
    var words: [String] = []
    for name in ["gcc", "ld"] {
      let version = try await Tool(name, ["--version"]).output()
      words.append(version.split(separator: "\n").first.map(String.init) ?? name)
    }
    return words.joined(separator: "; ")
  }
}

/// Turns kbuild's chatter into a number that grows, a few times a second at most.
///
/// `@unchecked Sendable`: its state is only touched by the one task that reads the tool's output.
final class BuildProgress: @unchecked Sendable {
  private var objects = 0
  private var last = ContinuousClock.now - .seconds(1)
  private let report: @Sendable (String) -> Void

  init(_ report: @escaping @Sendable (String) -> Void) { self.report = report }

  func line(_ line: Substring) {
    guard line.hasPrefix("  ") else { return }
    let word = line.dropFirst(2).prefix { $0 != " " }
    if word == "CC" || word == "AS" || word == "HOSTCC" { objects += 1 } else if word != "LD" { return }
    let now = ContinuousClock.now
    guard now - last > .milliseconds(250) else { return }
    last = now
    report(word == "LD" ? "linking" : "\(objects) objects")
  }
}
