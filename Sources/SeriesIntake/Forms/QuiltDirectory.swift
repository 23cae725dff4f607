// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage

/// Patches in the order of a `series` file, as quilt and Debian's source packages have them.
struct QuiltDirectory: SeriesForm {
  let words: String? = "a quilt directory"

  func find(_ argument: SeriesArgument) throws(IntakeError) -> [any SeriesSource]? {
    guard argument.isDirectory else { return nil }
    for place in ["", "patches", "debian/patches"] {
      let directory = argument.path.pushing(FilePath(place))
      let list = directory.appending("series")
      guard SeriesArgument(list.string).isFile else { continue }
      let lines = try Self.lines(list)
      // Something else can be called `series`.
      guard lines.contains(where: { SeriesArgument(directory.pushing(FilePath($0[0])).string).isFile }) else {
        continue
      }
      let entries = try Self.entries(lines, of: list)
      var files: [MailFile] = []
      for entry in entries {
        let file = directory.pushing(FilePath(entry.name))
        guard SeriesArgument(file.string).isFile else {
          throw .unreadable(list.string, reason: "it names \(entry.name), which is not there")
        }
        files.append(MailFile(file, label: entry.name, strip: entry.strip))
      }
      return [
        MailSeries(
          name: SeriesName.safe(argument.lastName), path: argument.path, files: files, isOrdered: true,
          notes: try notes(directory, entries))
      ]
    }
    return nil
  }

  /// Says which files are not in the list: one of them may be a patch that was forgotten.
  private func notes(_ directory: FilePath, _ entries: [Entry]) throws(IntakeError) -> [String] {
    let listed = Set(entries.map { FilePath($0.name).lexicallyNormalized().string } + ["series"])
    let others = try DirectoryEntries(directory).files.filter { !listed.contains($0) }
    if others.isEmpty { return [] }
    let rest = others.count > 3 ? " and \(others.count - 3) more" : ""
    return ["passed over: \(others.prefix(3).joined(separator: ", "))\(rest), not listed in series"]
  }

  struct Entry: Hashable {
    var name: String
    var strip = 1
  }

  /// Reads a `series` file: the name of one patch in each line, its options, and comments.
  private static func lines(_ list: FilePath) throws(IntakeError) -> [[String]] {
    guard let data = FileManager.default.contents(atPath: list.string) else {
      throw .unreadable(list.string, reason: "no access")
    }
    return String(decoding: data, as: UTF8.self).split(whereSeparator: \.isNewline).compactMap { line in
      let words = line.split(whereSeparator: \.isWhitespace).prefix { !$0.hasPrefix("#") }
      return words.isEmpty ? nil : words.map(String.init)
    }
  }

  private static func entries(_ lines: [[String]], of list: FilePath) throws(IntakeError) -> [Entry] {
    var entries: [Entry] = []
    for words in lines {
      var entry = Entry(name: words[0])
      let path = FilePath(entry.name)
      guard path.isRelative, !path.components.contains(where: { $0.kind == .parentDirectory }) else {
        throw .unreadable(list.string, reason: "it names \(entry.name), which is outside of its directory")
      }
      for option in words.dropFirst() {
        // `ab` stands for `a/` and `b/`.
        if option == "-p1" || option == "-pab" { continue }
        guard option.hasPrefix("-p"), let strip = Int(option.dropFirst(2)), (0...9).contains(strip) else {
          throw .unreadable(list.string, reason: "\(entry.name) has the option \(option); only -pN is known")
        }
        entry.strip = strip
      }
      entries.append(entry)
    }
    return entries
  }
}
