// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage
import Verdicts
import Yams

/// What options are that nobody gives: built in, by the user's file, or by the project's.
///
///     # ~/.config/patchbench/config.yaml, or .patchbench.yaml in the current directory, which comes first
///     kernel: linux-6.1
///     profile: kasan
///     jobs: 2
///     output: ~/patchbench
struct Defaults: Sendable {
  /// A value, and who gave it.
  struct Value<Content: Sendable>: Sendable {
    var value: Content
    /// The file; `nil` where it is built in.
    var origin: String?
  }

  var kernel = Value(value: "linux-6.12")
  var profile = Value(value: "kasan")
  /// How many compilers and guests; `nil` is by processors and memory.
  var jobs: Value<Int>?
  /// The directory under which runs make theirs.
  var output = Value(value: "results")
  /// What is wrong with a file. No command goes on then.
  var failure: Failure?

  var results: FilePath { FilePath(NSString(string: output.value).expandingTildeInPath) }

  static let current = Defaults(
    environment: ProcessInfo.processInfo.environment, directory: FilePath(FileManager.default.currentDirectoryPath))

  /// - Parameter directory: the one that the project's file is looked for in.
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
    guard let mapping = root.mapping else { throw wrong(root.mark?.line, "has to be a mapping") }
    for (key, value) in mapping {
      let line = key.mark?.line
      guard let name = key.string else { throw wrong(line, "a key has to be a text") }
      guard let text = value.string ?? value.scalar?.string, !text.isEmpty else {
        throw wrong(line, "“\(name)” needs a value")
      }
      switch name {
      case "kernel": kernel = Value(value: text, origin: file)
      case "profile": profile = Value(value: text, origin: file)
      case "output": output = Value(value: text, origin: file)
      case "jobs":
        guard let count = Int(text), count > 0 else { throw wrong(line, "“jobs” needs a number of at least 1") }
        jobs = Value(value: count, origin: file)
      default: throw wrong(line, "unknown key “\(name)”; known are kernel, profile, jobs, output")
      }
    }
  }

  /// One line each, for `patchbench doctor`.
  var lines: [(name: String, value: String, origin: String)] {
    [
      ("kernel", kernel.value, kernel.origin ?? "built in"), ("profile", profile.value, profile.origin ?? "built in"),
      ("jobs", jobs.map { "\($0.value)" } ?? "by processors and memory", jobs?.origin ?? "built in"),
      ("output", output.value, output.origin ?? "built in"),
    ]
  }
}
