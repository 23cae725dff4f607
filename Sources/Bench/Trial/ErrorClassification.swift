// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import SystemPackage
import Toolbox

extension Error {
  /// Whether the run is over with this, and not a trial alone.
  var endsRun: Bool { isCancellation || isNoSpace }

  /// Whether this is the user's stopping the run, in whatever form the layer below gave it.
  var isCancellation: Bool {
    Task.isCancelled || self is CancellationError || self as? StageError == .cancelled
      || self as? ToolError == .cancelled
  }

  /// Whether a tool in a cage took more than it may.
  var isExcess: Bool { if case .exceeded? = self as? ToolError { true } else { false } }

  /// Whether a full disk is behind it, likewise.
  var isNoSpace: Bool {
    switch self as any Error {
    case StageError.noSpace: true
    case let error as Errno: error == .noSpace
    case ToolError.cannotLog(_, let error): error == .noSpace
    case let error as CocoaError: error.code == .fileWriteOutOfSpace
    // In the C locale, which all tools have, these are the words of every one of them.
    case ToolError.failed(_, _, let output): output.contains("No space left on device")
    default: false
    }
  }
}
