// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import SystemPackage
import Toolbox

/// One file with all mails of a series, one patch, or a bare diff.
struct PatchFile: SeriesForm {
  let words = "an mbox, a patch or a diff"

  func find(at path: FilePath) throws(IntakeError) -> [any SeriesSource]? {
    var status = stat()
    guard stat(path.string, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    let file = path.absolute
    guard let last = file.lastComponent else { return nil }
    let name = try SeriesForms.checked(Self.name(of: last.string), of: path)
    return [MailSeries(name: name, path: path, directory: file.removingLastComponent(), files: [last.string])]
  }

  /// The file's name without its ending. Mail clients name files by subjects, so what a series' name may not contain is
  /// replaced: `[PATCH v2] drm: x.eml` becomes `PATCH-v2-drm-x`.
  static func name(of file: String) -> String {
    var stem = file[...]
    for ending in [".mbox", ".patch", ".diff", ".eml", ".txt"] where stem.hasSuffix(ending) {
      stem = stem.dropLast(ending.count)
      break
    }
    let words = stem.split { !($0.isASCII && ($0.isLetter || $0.isNumber || $0 == "." || $0 == "_" || $0 == "+")) }
    return String(words.joined(separator: "-").drop { $0 == "." || $0 == "-" })
  }
}
