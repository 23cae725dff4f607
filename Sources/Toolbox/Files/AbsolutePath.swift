// SPDX-License-Identifier: Apache-2.0

import Foundation
public import SystemPackage

extension FilePath {
  /// The same path as an absolute one: tools run in other directories, and a run may be resumed from another directory.
  public var absolute: FilePath {
    isAbsolute ? self : FilePath(FileManager.default.currentDirectoryPath).pushing(self)
  }
}
