// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Bench
import Foundation
import KernelBuild
import SystemPackage
import Toolbox
import Verdicts

/// The options that several commands share.
struct CommonOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "patchbench's checkout. Default: found from the program's path or the current directory.", valueName: "dir"))
  var home: String?

  @Option(
    help: ArgumentHelp("The guest tests: a directory under GuestTests/Suites/.", valueName: "name"))
  var suite: String?

  @Option(
    help: ArgumentHelp(
      "The cache directory. Default: $PATCHBENCH_CACHE, else patchbench in $XDG_CACHE_HOME or ~/.cache.",
      valueName: "dir"))
  var cache: String?

  @Flag(name: .shortAndLong, help: "Print only errors and the result.")
  var quiet = false

  @Flag(name: .shortAndLong, help: "Print every step, one per line.")
  var verbose = false

  @Option(
    help: ArgumentHelp(
      """
      How to tell progress on standard error: text, or json, one JSON object per line and event, for programs. \
      docs/reports.md lists the events.
      """, valueName: "text|json"))
  var progress = Output.Form.text

  /// - Throws: `ValidationError` if options exclude each other, or if a file of defaults is invalid.
  func validate() throws {
    if quiet, verbose { throw ValidationError("--quiet and --verbose exclude each other.") }
    if progress == .json, quiet || verbose {
      throw ValidationError("--progress json takes neither --quiet nor --verbose.")
    }
    Output.form = progress
    Output.level = quiet ? .quiet : verbose ? .verbose : .usual
    if let failure = Defaults.current.failure {
      throw ValidationError([failure.message, failure.advice].compactMap { $0 }.joined(separator: ": "))
    }
  }

  /// Returns the checkout with the suite that the options name.
  /// - Parameters:
  ///   - recordedHome: the checkout, if no option names one; `nil` searches for it.
  ///   - recordedSuite: the suite, if no option names one; `nil` is the standard suite.
  /// - Throws: ``Failure`` if there is no checkout, ``DefinitionError`` if there is no such suite.
  func checkout(_ recordedHome: String? = nil, suite recordedSuite: String? = nil) throws -> Checkout {
    if let found = Checkout.findHome(home ?? recordedHome) {
      return try Checkout(
        home: found, version: Patchbench.version, suite: suite ?? recordedSuite ?? SuiteDefinition.standard)
    }
    throw Failure(
      "patchbench's Kernels directory is not found",
      advice: "run it in its checkout, or name the checkout with --home; if it is installed: ./setup.sh install",
      status: ExitStatus.usage)
  }

  /// Returns the cache directory as an absolute path, because tools run in other directories.
  func cacheRoot(_ environment: [String: String]) -> FilePath {
    (cache.map { FilePath($0) } ?? Cache.standardRoot(environment: environment)).absolute
  }

  /// Returns where a command works.
  /// - Parameter output: the run's directory; `nil` creates a new one.
  func place(_ environment: [String: String], output: FilePath? = nil) throws -> RunPlace {
    RunPlace(
      cache: try Cache(cacheRoot(environment)), output: output, results: Defaults.current.results,
      environment: environment)
  }
}

extension Output.Form: ExpressibleByArgument {}
