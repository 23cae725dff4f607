// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage

/// A ``RecordedBuild`` as a file of lines, kept next to the base:
///
///     archive PATH <the number of the archive that takes it, or ->
///     object PATH <the number of its archive, or ->
///     file PATH <the numbers of the objects that read it>
///
/// Archives and objects are numbered from 0 in order. kbuild's names have no white space.
extension RecordedBuild {
  var text: String {
    func number(_ value: Int?) -> String { value.map(String.init) ?? "-" }
    var text = ""
    for archive in archives { text += "archive \(archive.path) \(number(archive.archive))\n" }
    for object in objects { text += "object \(object.path) \(number(object.archive))\n" }
    for (file, objects) in readers.sorted(by: { $0.key < $1.key }) {
      text += "file \(file) \(objects.map(String.init).joined(separator: " "))\n"
    }
    return text
  }

  /// Parses the file. Of its `file` lines, it reads only those for `paths`, because there are thousands.
  /// - Throws: file system errors.
  init(_ file: FilePath, about paths: Set<String>) throws {
    let data = try Data(contentsOf: URL(filePath: file.string), options: .mappedIfSafe)
    let files = data.range(of: Data("\nfile ".utf8))?.lowerBound ?? data.endIndex
    self.init()
    for line in data[..<files].split(separator: 0x0a) {
      let words = String(decoding: line, as: UTF8.self).split(separator: " ")
      guard words.count == 3 else { continue }
      let target = Target(path: String(words[1]), archive: Int(words[2]))
      if words[0] == "archive" { archives.append(target) } else { objects.append(target) }
    }
    for path in paths {
      guard let begin = data.range(of: Data("\nfile \(path) ".utf8), in: files..<data.endIndex)?.upperBound else {
        continue
      }
      let end = data[begin...].firstIndex(of: 0x0a) ?? data.endIndex
      readers[path] = String(decoding: data[begin..<end], as: UTF8.self).split(separator: " ").compactMap { Int($0) }
    }
  }
}
