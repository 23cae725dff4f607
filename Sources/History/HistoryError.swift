// SPDX-License-Identifier: Apache-2.0

internal import GRDB
internal import SystemPackage
internal import Toolbox

/// The history cannot be used. The runs' own records are not touched by any of this.
public enum HistoryError: Error, Sendable, Hashable {
  /// The file is not a database, or part of it is damaged.
  case damaged(path: String, reason: String)
  /// A newer patchbench has written it.
  case newer(path: String)
  /// The disk is full. Nothing of the run was added.
  case full(path: String)
  /// Another process has kept it locked for too long.
  case busy(path: String)
  case other(path: String, reason: String)

  /// With less than this, in bytes, SQLite cannot make the files that it works with.
  private static let little: Int64 = 65_536

  init(_ error: any Error, _ path: String) {
    if let known = error as? HistoryError {
      self = known
      return
    }
    if error as? Errno == .noSpace {
      self = .full(path: path)
      return
    }
    guard let error = error as? DatabaseError else {
      self = .other(path: path, reason: "\(error)")
      return
    }
    switch error.resultCode {
    case .SQLITE_CORRUPT, .SQLITE_NOTADB: self = .damaged(path: path, reason: error.message ?? "\(error.resultCode)")
    case .SQLITE_FULL: self = .full(path: path)
    case .SQLITE_BUSY, .SQLITE_LOCKED: self = .busy(path: path)
    // Of a full disk, SQLite often only knows that a write failed.
    case .SQLITE_IOERR where DiskSpace.free(at: FilePath(path).removingLastComponent()) < Self.little:
      self = .full(path: path)
    default: self = .other(path: path, reason: error.message ?? "\(error.resultCode)")
    }
  }
}

extension HistoryError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .damaged(let path, let reason): "\(path): the history is damaged: \(reason)"
    case .newer(let path): "\(path): a newer patchbench has written this history"
    case .full(let path): "\(path): no space left for the history"
    case .busy(let path): "\(path): another process keeps the history locked"
    case .other(let path, let reason): "\(path): \(reason)"
    }
  }
}
