// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import SystemPackage
import Toolbox

extension Error {
  /// Whether this error ends the run, and not only one trial.
  var endsRun: Bool { isCancellation || isNoSpace }

  /// Whether the user stopped the run, in whatever form the layer below reported it.
  var isCancellation: Bool {
    Task.isCancelled || self is CancellationError || self as? StageError == .cancelled
      || self as? ToolError == .cancelled
  }

  /// Whether a tool in a cage exceeded a limit.
  var isExcess: Bool { if case .exceeded? = self as? ToolError { true } else { false } }

  /// Whether a full disk caused this, in whatever form the layer below reported it.
  var isNoSpace: Bool {
    switch self as any Error {
    case StageError.noSpace: true
    case let error as Errno: error == .noSpace
    case ToolError.cannotLog(_, let error): error == .noSpace
    case let error as CocoaError: error.code == .fileWriteOutOfSpace
    // All tools run in the C locale, where every tool uses these words.
    case ToolError.failed(_, _, let output): output.contains("No space left on device")
    default: false
    }
  }
}
