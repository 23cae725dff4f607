// SPDX-License-Identifier: Apache-2.0

import Foundation

extension BaseBuild {
  /// Returns how kbuild had a source preprocessed: search paths, definitions and language, without the other compiler
  /// arguments. They are valid in ``tree``.
  /// - Parameter source: a C file, or a header, for which the command of an object that reads it is taken.
  /// - Returns: the words, and the C file that they were for; `nil` if nothing that is built reads it.
  /// - Throws: file system errors.
  public func preprocessing(of source: String) throws -> (words: [String], source: String)? {
    let recorded = try RecordedBuild(records, about: [source])
    let own = source.hasSuffix(".c") ? "\(source.dropLast(2)).o" : nil
    let readers = (recorded.readers[source] ?? []).map { recorded.objects[$0] }.filter {
      $0.archive != nil && $0.path.hasSuffix(".o")
    }
    guard let object = readers.first(where: { $0.path == own }) ?? readers.first,
      let command = RecordedBuild.command(of: object.path, in: tree)
    else { return nil }
    let words = command.prefix { $0 != ";" }.split(separator: " ").map(Self.unquoted)
    guard let read = words.last(where: { $0.hasSuffix(".c") }) else { return nil }
    var kept: [String] = []
    for (word, next) in zip(words, words.dropFirst() + [""]) {
      if ["-include", "-isystem"].contains(word) { kept += [word, next] }
      if Self.kept.contains(where: word.hasPrefix) { kept.append(word) }
    }
    return (kept, read)
  }

  private static let kept = [
    "-I", "-D", "-U", "-std=", "-nostdinc", "-fshort-wchar", "-funsigned-char", "-m64", "-m32",
  ]

  /// `-DKBUILD_MODFILE='"mm/util"'` as the shell passes it on.
  private static func unquoted(_ word: Substring) -> String { String(word.filter { $0 != "'" }) }
}
