// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage

extension KernelDefinition {
  /// Whether it is a tree that no file defines. Its name is then the tree's absolute path.
  public var isTree: Bool { name.hasPrefix("/") }

  /// A name that can be that of a file: `linux-6.12`, `tree-linux`.
  public var label: String {
    if !isTree { return name }
    let end = FilePath(name).lastComponent?.string ?? ""
    return "tree-" + end.map { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) ? $0 : "-" }
  }

  /// A kernel that no file defines: an unpacked tree, or a git work tree with all that is not committed. Its profiles are
  /// those of the newest release that is defined, whose fragments say what is meant for which versions.
  /// - Parameters:
  ///   - path: absolute.
  ///   - directory: the definitions of all kernels.
  /// - Throws: ``DefinitionError``
  static func tree(
    _ path: FilePath, definedIn directory: FilePath
  ) throws(DefinitionError) -> KernelDefinition {
    guard FileManager.default.fileExists(atPath: path.appending("Kconfig").string) else {
      throw .noTree(path.string)
    }
    var pattern: KernelDefinition?
    // Releases first: a user's own definition may have fragments for one tree only.
    for name in newestFirst(in: directory) {
      let kernel = try load(name, from: directory)
      if case .debian = kernel.source {
        pattern = kernel
        break
      }
      pattern = pattern ?? kernel
    }
    guard let pattern else { throw .noKernels(directory: directory.string) }
    return KernelDefinition(
      name: path.lexicallyNormalized().string, source: .tree(path.lexicallyNormalized()), profiles: pattern.profiles,
      groups: pattern.groups)
  }
}
