// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Bench
import Foundation
import KernelBuild
import SystemPackage
import Toolbox
import Verdicts

/// Options that several commands have.
struct CommonOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "patchbench's checkout. Default: found from the program or the current directory.", valueName: "dir"))
  var home: String?

  @Option(
    help: ArgumentHelp(
      "Where built bases are kept. Default: $PATCHBENCH_CACHE, else patchbench in $XDG_CACHE_HOME or ~/.cache.",
      valueName: "dir"))
  var cache: String?

  @Flag(name: .shortAndLong, help: "Say what went wrong, and nothing else beside the result.")
  var quiet = false

  @Flag(name: .shortAndLong, help: "Say all that goes on, one line each.")
  var verbose = false

  /// - Throws: `ValidationError` for a file of defaults that is not as it has to be, too.
  func validate() throws {
    if quiet, verbose { throw ValidationError("--quiet and --verbose exclude each other.") }
    Output.level = quiet ? .quiet : verbose ? .verbose : .usual
    if let failure = Defaults.current.failure {
      throw ValidationError([failure.message, failure.advice].compactMap { $0 }.joined(separator: ": "))
    }
  }

  func checkout() throws -> Checkout { try Self.checkout(home) }

  /// - Throws: ``Failure`` if there is none.
  static func checkout(_ home: String?) throws -> Checkout {
    if let found = Checkout.find(home, version: Patchbench.version) { return found }
    throw Failure(
      "patchbench's Kernels directory is not found",
      advice: "run it in its checkout, or name that with --home; one that was installed: ./setup.sh install",
      status: ExitStatus.usage)
  }

  /// Absolute, because tools run elsewhere.
  func cacheRoot(_ environment: [String: String]) -> FilePath {
    (cache.map { FilePath($0) } ?? Cache.standardRoot(environment: environment)).absolute
  }

  /// Where a command works.
  /// - Parameter output: the run's directory; `nil` makes a new one.
  func place(_ environment: [String: String], output: FilePath? = nil) throws -> RunPlace {
    RunPlace(
      cache: try Cache(cacheRoot(environment)), output: output, results: Defaults.current.results,
      environment: environment)
  }
}
