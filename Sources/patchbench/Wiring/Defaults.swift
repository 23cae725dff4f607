// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage
import Verdicts
import Yams

/// The defaults of options: built in, overridden by the user's file, overridden by the project's file.
///
///     # ~/.config/patchbench/config.yaml, or .patchbench.yaml in the current directory, which wins
///     kernel: linux-6.1
///     profile: kasan
///     jobs: 2
///     output: ~/patchbench
struct Defaults: Sendable {
  /// A default and where it comes from.
  struct Value<Content: Sendable>: Sendable {
    var value: Content
    /// The file; `nil` if the value is built in.
    var origin: String?
  }

  var kernel = Value(value: "linux-6.12")
  var profile = Value(value: "kasan")
  /// How many compilers and guests run at once; `nil` means that it depends on CPUs and memory.
  var jobs: Value<Int>?
  /// The directory in which each run creates its own.
  var output = Value(value: "results")
  /// The first error in a file of defaults. It stops every command.
  var failure: Failure?

  var results: FilePath { FilePath(NSString(string: output.value).expandingTildeInPath) }

  static let current = Defaults(
    environment: ProcessInfo.processInfo.environment, directory: FilePath(FileManager.default.currentDirectoryPath))

  /// - Parameter directory: where to look for the project's file.
  init(environment: [String: String], directory: FilePath) {
    let home = environment["HOME"].map { FilePath($0) }
    let config = environment["XDG_CONFIG_HOME"].map { FilePath($0) } ?? home?.appending(".config")
    let files = [
      config?.pushing(FilePath("patchbench/config.yaml")), directory.appending(".patchbench.yaml"),
    ].compactMap { $0 }
    for file in files {
      guard let data = FileManager.default.contents(atPath: file.string) else { continue }
      do { try take(String(decoding: data, as: UTF8.self), file.string) } catch {
        failure = failure ?? error
      }
    }
  }

  private mutating func take(_ yaml: String, _ file: String) throws(Failure) {
    func wrong(_ line: Int?, _ reason: String) -> Failure {
      Failure("\(file):\(line ?? 1): \(reason)", advice: "correct that line", status: ExitStatus.usage)
    }
    let root: Node?
    do { root = try Yams.compose(yaml: yaml) } catch { throw wrong(nil, "not YAML: \(error)") }
    guard let root, root.null == nil else { return }
    guard let mapping = root.mapping else { throw wrong(root.mark?.line, "must be a mapping") }
    for (key, value) in mapping {
      let line = key.mark?.line
      guard let name = key.string else { throw wrong(line, "a key must be a string") }
      guard let text = value.string ?? value.scalar?.string, !text.isEmpty else {
        throw wrong(line, "“\(name)” needs a value")
      }
      switch name {
      case "kernel": kernel = Value(value: text, origin: file)
      case "profile": profile = Value(value: text, origin: file)
      case "output": output = Value(value: text, origin: file)
      case "jobs":
        guard let count = Int(text), count > 0 else { throw wrong(line, "“jobs” must be a number of at least 1") }
        jobs = Value(value: count, origin: file)
      default: throw wrong(line, "unknown key “\(name)”; known keys: kernel, profile, jobs, output")
      }
    }
  }

  /// The defaults as lines for `patchbench doctor`.
  var lines: [(name: String, value: String, origin: String)] {
    [
      ("kernel", kernel.value, kernel.origin ?? "built in"), ("profile", profile.value, profile.origin ?? "built in"),
      ("jobs", jobs.map { "\($0.value)" } ?? "depends on CPUs and memory", jobs?.origin ?? "built in"),
      ("output", output.value, output.origin ?? "built in"),
    ]
  }
}
