// SPDX-License-Identifier: Apache-2.0

public import KernelBuild
public import SystemPackage

/// The resources that a run's work may use.
public struct RunLimits: Sendable {
  public var resources: Resources
  /// `nil` reads and builds series outside the sandbox.
  public var sandbox: Sandbox?
  public var slurm: SlurmLimits

  public init(resources: Resources, sandbox: Sandbox?, slurm: SlurmLimits = SlurmLimits()) {
    self.resources = resources
    self.sandbox = sandbox
    self.slurm = slurm
  }
}

/// Where a run works, and where its results go.
public struct RunPlace: Sendable {
  public var cache: Cache
  /// The run's directory; `nil` creates a new one under ``results``.
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
