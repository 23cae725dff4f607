// SPDX-License-Identifier: Apache-2.0

public import KernelBuild
public import SystemPackage

/// What the work of a run may take.
public struct RunLimits: Sendable {
  public var resources: Resources
  /// `nil` reads and builds series without a cage.
  public var sandbox: Sandbox?

  public init(resources: Resources, sandbox: Sandbox?) {
    self.resources = resources
    self.sandbox = sandbox
  }
}

/// Where a run works, and where its results go.
public struct RunPlace: Sendable {
  public var cache: Cache
  /// Where the run's directory is to be; `nil` makes a new one under ``results``.
  public var output: FilePath?
  public var results: FilePath
  public var environment: [String: String]

  public init(cache: Cache, output: FilePath?, results: FilePath, environment: [String: String]) {
    self.cache = cache
    self.output = output
    self.results = results
    self.environment = environment
  }
}
