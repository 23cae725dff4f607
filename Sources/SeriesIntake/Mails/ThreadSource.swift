// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage
import Toolbox

/// A series in a thread that the user has named by one of its mails, and that has to be got first.
protocol ThreadSource: SeriesSource {
  var path: FilePath { get set }
  /// Which version of the thread is taken; `nil` is the one of the named mail.
  var version: Int? { get set }

  /// Returns the mails of the whole thread, each written to a file.
  /// - Parameter place: a directory for them, which exists.
  func thread(in place: FilePath, _ cage: Cage?) async throws -> MailSeries
}

extension ThreadSource {
  func readThread(into store: FilePath, cage: Cage?) async throws -> ReadSeries {
    let place = store.absolute.appending("thread")
    try FileManager.default.createDirectory(atPath: place.string, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: place.string) }
    return try await thread(in: place, cage).read(into: store, cage: cage)
  }

  func versions(scratch: FilePath, cage: Cage?) async throws -> [any SeriesSource] {
    let place = scratch.absolute.appending("thread")
    try FileManager.default.createDirectory(atPath: place.string, withIntermediateDirectories: true)
    let thread = try await thread(in: place, cage)
    let all = try await thread.versions(scratch: scratch.appending("mails"), cage: cage)
    return all.count < 2 ? [self] : all.compactMap { ($0 as? MailSeries)?.version.flatMap(version) }
  }

  func version(_ number: Int) -> (any SeriesSource)? {
    var one = self
    one.version = number
    one.name += "-v\(number)"
    one.path = FilePath("\(path.string)#v\(number)")
    return one
  }
}
