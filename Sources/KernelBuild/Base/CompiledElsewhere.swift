// SPDX-License-Identifier: Apache-2.0

import BenchModel

extension KernelDefinition {
  /// Returns by file the names of the other profiles that compile it, among those that are only built and whose base is
  /// in the cache. Nothing is built to find out.
  /// - Parameters:
  ///   - own: the profile that does not compile them.
  ///   - files: C sources, relative to the tree's root.
  public func profiles(besides own: String, compiling files: [String], cache: Cache) async -> [String: [String]] {
    let sources = files.filter { $0.hasSuffix(".c") }
    if sources.isEmpty { return [:] }
    var found: [String: [String]] = [:]
    for profile in profiles.values.sorted(by: { $0.name < $1.name })
    where profile.extent == .build && profile.name != own {
      // If its compiler is missing, for example, it compiles nothing.
      guard let base = try? await BaseBuild.find(self, profile: profile, cache: cache) else { continue }
      for source in sources where base.hasObject(source) { found[source, default: []].append(profile.name) }
    }
    return found
  }
}
