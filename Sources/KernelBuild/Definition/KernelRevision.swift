// SPDX-License-Identifier: Apache-2.0

import Foundation
public import SystemPackage
import Toolbox

extension KernelDefinition {
  /// Whether its source is a git repository.
  public var isRepository: Bool { if case .git = source { true } else { false } }

  /// Whether its source has to be fetched.
  public var isRemote: Bool {
    if case .git(let repository, _) = source { !FileManager.default.fileExists(atPath: repository) } else { false }
  }

  /// Returns the kernel with another commit, tag or branch of its repository. The base's key follows from the commit.
  /// - Parameter directory: the definitions of all kernels, to name one that has a repository.
  /// - Throws: ``DefinitionError`` if its source is not a git repository.
  public func at(_ revision: String, definedIn directory: FilePath) throws(DefinitionError) -> KernelDefinition {
    let repository: String
    switch source {
    case .git(let place, _): repository = place
    case .tree(let place) where FileManager.default.fileExists(atPath: place.appending(".git").string):
      repository = place.string
    case .debian, .tree:
      let others = KernelDefinition.newestFirst(in: directory).filter { other in
        (try? KernelDefinition.load(other, from: directory))?.isRepository == true
      }
      throw .noRepository(kernel: name, revision: revision, others: others)
    }
    var kernel = self
    kernel.source = .git(repository: repository, revision: revision)
    return kernel
  }

  /// A commit that a stranger names.
  public enum NamedCommit: Sendable, Hashable {
    /// The revision's own, or one before it.
    case inHistory(String)
    /// The repository has it for another reason: it may be anyone's.
    case elsewhere(String)
  }

  /// Looks for a commit in the kernel's repository. Nothing is fetched.
  ///
  /// The base is built outside the sandbox. So it matters who chose its commit: the history of the revision that the
  /// definition names is the user's choice, but a repository may also have what was fetched from strangers.
  /// - Parameter name: a stranger's word.
  /// - Returns: `nil` if there is no such commit.
  public func commit(_ name: String, cache: Cache) async throws -> NamedCommit? {
    guard case .git(let repository, let revision) = source, (7...64).contains(name.utf8.count),
      name.allSatisfy({ $0.isASCII && $0.isHexDigit })
    else { return nil }
    let place = isRemote ? cache.repository(of: self) : FilePath(repository)
    guard FileManager.default.fileExists(atPath: place.string) else { return nil }
    func git(_ words: [String]) async throws -> ToolResult {
      try await Git.tool(["-c", "safe.directory=*"] + words, in: place).run()
    }
    let parsed = try await git(["rev-parse", "--verify", "--quiet", "--end-of-options", "\(name)^{commit}"])
    guard parsed.status.isSuccess else { return nil }
    let commit = parsed.output.trimmingCharacters(in: .whitespacesAndNewlines)
    // A branch may be called like a commit.
    guard commit.hasPrefix(name.lowercased()) else { return nil }
    let end = isRemote ? "FETCH_HEAD" : revision
    let before = try await git(["merge-base", "--is-ancestor", "--end-of-options", commit, end])
    return before.status.isSuccess ? .inHistory(commit) : .elsewhere(commit)
  }
}
