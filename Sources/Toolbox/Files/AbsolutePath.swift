// SPDX-License-Identifier: Apache-2.0

import Foundation
public import SystemPackage

extension FilePath {
  /// The same place, from the root: tools run in other directories, and a run may be gone on with from another one.
  public var absolute: FilePath {
    isAbsolute ? self : FilePath(FileManager.default.currentDirectoryPath).pushing(self)
  }
}
