// SPDX-License-Identifier: Apache-2.0

import SystemPackage

/// One file with the mails of a series or a thread, one patch, or a bare diff. It may be compressed.
struct PatchFile: SeriesForm {
  let words: String? = "an mbox, a patch or a diff"

  func find(_ argument: SeriesArgument) throws(IntakeError) -> [any SeriesSource]? {
    guard argument.isFile else { return nil }
    return [
      MailSeries(
        name: SeriesName.safe(Self.stem(argument.lastName)), path: argument.path, files: [MailFile(argument.path)])
    ]
  }

  /// The file's name without its endings.
  static func stem(_ file: String) -> String {
    var stem = file[...]
    for endings in [[".gz", ".xz"], [".mbox", ".mbx", ".patch", ".diff", ".eml", ".txt"]] {
      if let ending = endings.first(where: { stem.hasSuffix($0) }) { stem = stem.dropLast(ending.count) }
    }
    return String(stem)
  }
}
