// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import SystemPackage
import Toolbox

/// A mailbox, a patch or a diff on standard input.
struct StandardInput: SeriesForm {
  let words: String? = "- (standard input)"
  /// Where it is read.
  var input = FileHandle.standardInput

  func find(_ argument: SeriesArgument) throws(IntakeError) -> [any SeriesSource]? {
    guard argument.text == "-" else { return nil }
    // Read now, and once: a run on several kernels reads its series several times.
    var bytes = Data()
    do {
      while bytes.count <= SplitMails.largestFile, let more = try input.read(upToCount: 1 << 20), !more.isEmpty {
        bytes += more
      }
    } catch { throw .unreadable("standard input", reason: error.localizedDescription) }
    if bytes.isEmpty { throw .empty("standard input") }
    return [InputSeries(name: "stdin", bytes: bytes)]
  }
}

/// What came on standard input.
private struct InputSeries: SeriesSource {
  var name: String
  let path: FilePath = "-"
  let bytes: Data
  var version: Int?

  var firstFile: String { name }

  func read(into store: FilePath, cage: Cage?) async throws -> ReadSeries {
    let series = try write(to: store)
    defer { try? FileManager.default.removeItem(atPath: series.files[0].path.string) }
    return try await series.read(into: store, cage: cage)
  }

  func versions(scratch: FilePath, cage: Cage?) async throws -> [any SeriesSource] {
    try await write(to: scratch).versions(scratch: scratch.appending("mails"), cage: cage).map { one in
      var series = self
      series.name = one.name
      series.version = (one as? MailSeries)?.version
      return series
    }
  }

  func version(_ number: Int) -> (any SeriesSource)? {
    var series = self
    series.name += "-v\(number)"
    series.version = number
    return series
  }

  private func write(to place: FilePath) throws -> MailSeries {
    try FileManager.default.createDirectory(atPath: place.string, withIntermediateDirectories: true)
    let file = place.appending("input")
    try bytes.write(to: URL(filePath: file.string))
    return MailSeries(
      name: name, path: path, files: [MailFile(file, label: "stdin", shown: "standard input")], version: version)
  }
}
